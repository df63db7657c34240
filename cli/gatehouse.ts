#!/usr/bin/env node
import { writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { ConfigIncomplete, exportedConfig, exportedFile } from '@gatehouse/core/access/config-state.ts';
import type { Change } from '@gatehouse/core/access/config-plan.ts';
import { Api } from './api.ts';
import { takeAll, type Outcome } from './apply.ts';
import { Fault } from './fault.ts';
import { operationsOf } from './operations.ts';
import { readOptions, readText, USAGE, type Command, type Options } from './options.ts';
import { missingRights, planOf } from './plan.ts';
import { count, outcomeText, planText, progressText } from './print.ts';
import { verifyAudit } from './verify-audit.ts';

/** The command `gatehouse`: an organisation's rules as one file, and its log verified. What it answers goes to the standard output, what it says meanwhile to the other. */

const say = (text: string) => console.error(text);
const answer = (text: string) => console.log(text);
const now = () => new Date().toISOString();
const waiting = (seconds: number) => say(`Gatehouse asks to wait ${count(seconds, 'second')} …`);

/** @returns the exit code */
async function main(args: string[], env: NodeJS.ProcessEnv): Promise<number> {
  // It asks nobody, so it needs neither address nor token.
  const [command, ...rest] = args;
  if (command === 'verify-audit')
    return verifyAudit(rest, { out: (text) => void process.stdout.write(text), err: (text) => void process.stderr.write(text) });
  const options = readOptions(args, env);
  if (options === null) {
    answer(USAGE);
    return 0;
  }
  const api = new Api(options.origin, options.token, waiting);
  switch (options.command.name) {
    case 'export':
      return runExport(api, options, options.command);
    case 'plan':
      return runPlan(api, options, options.command);
    case 'apply':
      return runApply(api, options, options.command);
  }
}

async function runExport(api: Api, { json }: Options, { out }: Extract<Command, { name: 'export' }>): Promise<number> {
  const state = await api.state();
  const text = json ? `${JSON.stringify({ version: 1, ...exportedConfig(state, now()) }, null, 2)}\n` : exportedFile(state, now());
  for (const [section, permission] of state.withheld) say(`Without ${section}: the token would need ${permission}.`);
  if (out === null) process.stdout.write(text);
  else {
    writeOut(out, text);
    const { groups, roles, assignments, templates } = state.config;
    say(
      `Wrote ${out}: ${[count(groups.length, 'group'), count(roles.length, 'role'), count(assignments.length, 'assignment'), count(templates.length, 'template')].join(', ')}.`,
    );
  }
  return 0;
}

function writeOut(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new Fault(`${path} can’t be written: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
  }
}

const nameOf = (file: string) => (file === '-' ? 'The file' : basename(file));

async function runPlan(api: Api, { json }: Options, { file }: Extract<Command, { name: 'plan' }>): Promise<number> {
  const source = readText(file);
  const { tenant } = await api.self();
  const changes = planOf(source, nameOf(file), await api.state(), now());
  answer(json ? JSON.stringify({ tenant: tenant.slug, changes }, null, 2) : planText(changes, tenant.name, nameOf(file)));
  return changes.length === 0 ? 0 : 2;
}

async function runApply(api: Api, { json }: Options, { file, yes }: Extract<Command, { name: 'apply' }>): Promise<number> {
  const source = readText(file);
  const { tenant, scopes, permissions } = await api.self();
  const state = await api.state();
  const changes = planOf(source, nameOf(file), state, now());
  if (!json) answer(planText(changes, tenant.name, nameOf(file)));
  if (changes.length > 0) {
    const held = new Set<string>([...permissions, ...scopes.filter((scope) => scope === 'template:manage')]);
    const missing = missingRights(changes, state.config, held);
    if (missing.length > 0) throw new Fault(`The token may not do all of that, so nothing was changed. It lacks ${missing.join('; ')}.`);
    if (!yes && !(await confirmed(`Apply ${count(changes.length)} to ${tenant.name}?`))) return 1;
  }
  const outcome = await applied(operationsOf({ api, state }, changes), changes, json);
  if (json) answer(JSON.stringify({ tenant: tenant.slug, ...outcome, failed: failedJson(outcome) }, null, 2));
  else if (changes.length > 0) answer(`\n${outcomeText(outcome, tenant.name)}`);
  return outcome.failed === null && outcome.left.length === 0 ? 0 : 1;
}

const failedJson = ({ failed }: Outcome) => (failed === null ? null : { changes: failed.changes, reason: failed.fault.message });

async function applied(operations: ReturnType<typeof operationsOf>, changes: readonly Change[], quiet: boolean): Promise<Outcome> {
  let [stopped, done] = [false, 0];
  // The request that is on its way is waited for: so it is known what was done.
  const stop = () => {
    stopped = true;
    say('Stopping after this one …');
  };
  process.once('SIGINT', stop);
  if (!quiet && changes.length > 0) answer('');
  const outcome = await takeAll(
    operations,
    () => stopped,
    (taken) => {
      if (!quiet) answer(progressText(taken, done, changes.length));
      done += taken.length;
    },
  );
  process.off('SIGINT', stop);
  return outcome;
}

/** @throws Fault where nobody can be asked */
async function confirmed(question: string): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Fault('Nobody can be asked here, so nothing was changed. Look at the plan, then say --yes.');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const reply = await terminal.question(`\n${question} [y/N] `).catch(() => '');
  terminal.close();
  if (/^y(es)?$/i.test(reply.trim())) return true;
  say('Nothing was changed.');
  return false;
}

try {
  process.exitCode = await main(process.argv.slice(2), process.env);
} catch (error) {
  if (!(error instanceof Fault) && !(error instanceof ConfigIncomplete)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
