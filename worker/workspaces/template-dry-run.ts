import type { z } from 'zod';
import { runnerFieldsOf } from '@gatehouse/core/access/enforcement.ts';
import { FIELDS, inWords, type MergedPolicy } from '@gatehouse/core/access/policy.ts';
import { POLICY_FIELDS } from '@gatehouse/core/access/policy-in-force.ts';
import { atLeast } from '@gatehouse/core/access/template-acl.ts';
import type { DryRun, dryRunAsk } from '@gatehouse/core/api/template-dry-run.ts';
import { momentWords, nextStop, scheduleWords } from '@gatehouse/core/api/template-schedule.ts';
import { fillIn, parameterEnvironment, valueFaults, variableOf } from '@gatehouse/core/api/template-parameters.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { roleOf } from '../access/template-access.ts';
import { readAcl } from '../access/template-acl.ts';
import { readPolicies } from '../directory/policies.ts';
import type { UserContext } from '../platform/context.ts';
import { withDefaults } from './parameters.ts';
import { lacksOf, needsOf } from './placement.ts';
import { findRunners, type RunnerRow } from './runners.store.ts';
import { findSecrets } from './template-secrets.store.ts';
import type { TemplateRow } from './templates.store.ts';
import { templateFor } from './templates.ts';
import { versionForNew } from './workspace-version.ts';

/** More than anybody looks at one by one. */
const MOST_RUNNERS = 100;

/**
 * What would happen if a workspace were made now: nothing is made, and nothing is recorded but a refusal. Content that is
 * not published is for administrators; who may use the template, and runners one by one, are told to who may see those.
 */
export async function dryRunTemplate(ctx: UserContext, id: string, ask: z.infer<typeof dryRunAsk>): Promise<DryRun> {
  const template = await templateFor(ctx, id, ask.spec ? 'admin' : 'use', 'template.read');
  const spec = ask.spec ?? (await versionForNew(ctx, template, ask.versionId)).spec;
  const isAdmin = atLeast(roleOf(ctx, template.rank), 'admin');
  const { merged } = await readPolicies(ctx, ctx.db, id);
  const runners = await runnersFor(ctx, template, spec, merged);
  const secrets = (await findSecrets(ctx.db, id)).map(({ name }) => name);
  const values = { ...withDefaults(spec, ask.parameters), ...ask.parameters };
  const faults = valueFaults(spec.parameters, ask.parameters).map(({ path, message }) => ({ path: `parameters.${path}`, message }));
  const people = isAdmin ? (await readAcl(ctx, id)).acl.reach.use : null;
  const ready = runners.filter(({ lacks }) => lacks.length === 0).length;
  return {
    driver: spec.driver,
    runners: { ready, items: ctx.actor.permissions.has('runner:read') ? runners : [] },
    schedule: scheduleShown(spec, ctx.now().getTime()),
    clone: spec.repository === '' ? null : { repository: spec.repository, branch: fillIn(spec.branch, values) },
    parameters: spec.parameters.map(({ name, label }) => ({
      ...{ name, label, variable: variableOf(name) },
      value: values[name] === undefined ? null : String(values[name]),
    })),
    faults,
    variables: [...new Set([...Object.keys(spec.environment), ...Object.keys(parameterEnvironment(values)), ...secrets])].sort(),
    people,
    policy: policyWords(merged),
    warnings: warningsOf(spec, { ready, people, secrets }),
  };
}

const scheduleShown = ({ schedule }: TemplateSpec, now: number): DryRun['schedule'] =>
  schedule && { words: scheduleWords(schedule), next: momentWords(schedule.timeZone, nextStop(schedule, now), now) };

/** Each runner, and why it can't take it. */
async function runnersFor(ctx: UserContext, template: TemplateRow, spec: TemplateSpec, merged: MergedPolicy) {
  const needs = await needsOf(ctx, template.id, spec);
  const enforces = runnerFieldsOf(merged);
  const rows = await findRunners(ctx.db, { limit: MOST_RUNNERS, after: null });
  return rows.slice(0, MOST_RUNNERS).map((runner) => ({
    ...{ id: runner.id, name: runner.name },
    lacks: [...stateOf(runner), ...lacksOf(runner, spec, needs), ...unenforced(runner, enforces)],
  }));
}

const stateOf = (runner: RunnerRow): string[] =>
  runner.confirmed_at === null ? ['it is not confirmed'] : runner.online === 1 ? [] : ['it is offline'];

const unenforced = (runner: RunnerRow, fields: ReadonlyArray<keyof typeof FIELDS>): string[] =>
  fields
    .filter((field) => !(runner.enforces ?? []).includes(field))
    .map((field) => `it does not enforce the policy on ${FIELDS[field].label.toLowerCase()}`);

/** What somebody has set; what is as it always is says nothing. */
const policyWords = (merged: MergedPolicy) =>
  POLICY_FIELDS.filter((field) => merged[field].source !== 'default').map((field) => ({
    label: FIELDS[field].label,
    value: inWords(field, merged[field].value),
  }));

function warningsOf(spec: TemplateSpec, facts: { ready: number; people: number | null; secrets: readonly string[] }): string[] {
  const hidden = facts.secrets.filter((name) => name in spec.environment);
  return [
    ...(facts.ready === 0 ? ['No runner that is online can take it now.'] : []),
    ...(facts.people === 0 ? ['Nobody may use the template: give people a role under Permissions.'] : []),
    ...(spec.driver === 'process' ? ['Its workspaces are not isolated: they see the runner’s machine as its own user does.'] : []),
    ...(spec.repository.startsWith('http:') ? ['The repository is fetched without encryption.'] : []),
    ...hidden.map((name) => `The secret ${name} replaces the variable of the same name.`),
  ];
}
