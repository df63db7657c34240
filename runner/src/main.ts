#!/usr/bin/env node
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { EXIT_CODES, examine, textOf } from './doctor/doctor.ts';
import { enrollRunner } from './enroll.ts';
import { Failure, messageOf } from './failure.ts';
import { LOG_FORMATS, LOG_LEVELS, makeLog, type LogLevel, type ProgramLog } from './log.ts';
import { parseMetricsAddress } from './metrics/serve.ts';
import { checkPlatformUrl } from './platform-url.ts';
import { rotateKeys } from './rotate.ts';
import { runRunner, type Interruption } from './run.ts';
import { writeAtomically } from './state/atomic-file.ts';
import { faultsOf, labels, loadConfig, saveConfig } from './state/config.ts';
import { unitOf } from './service/unit.ts';
import { chooseStateRoot, stateFolder, type StateFolder } from './state/folder.ts';
import { readableFingerprint } from './state/keys.ts';
import { lockState, runnerOf } from './state/lock.ts';
import { VERSION } from './version.ts';

const HELP = `gatehouse-runner ${VERSION}: runs Gatehouse workspaces on this machine; it only dials out

  gatehouse-runner enroll --url <address> --code <code> [--name <name>] [--label key=value ...] [--force]
      Makes this machine a runner, with the one-time code from the Runners page.
  gatehouse-runner move --url <address>
      Tells the runner that its Gatehouse has a new address. Keys and enrolment stay.
  gatehouse-runner run [--no-bubblewrap] [--engine <socket>] [--metrics 127.0.0.1:9464]
                       [--log-level debug|info|warning|error] [--log-format text|json]
      Serves workspaces until it is ended. The log goes to standard error, as text where that is a
      terminal, else a JSON object a line; SIGUSR1 makes it say everything, and again as before.
      Figures for Prometheus are served where --metrics says, and nowhere without it; beyond this
      machine only with --metrics-anywhere: nobody is asked for a password.
  gatehouse-runner handover
      Ends the runner that runs, and leaves its workspaces and their terminals to the next "run".
  gatehouse-runner rotate-key
      Gives the runner new keys, signed by the old ones: browsers accept them, and what runs runs on.
  gatehouse-runner systemd [--user <name>] [--state-dir <folder>] [--metrics 127.0.0.1:9464]
      Prints a unit file: gatehouse-runner systemd | sudo tee /etc/systemd/system/gatehouse-runner.service
  gatehouse-runner doctor [--json] [--url <address>] [--engine <socket>]
      Looks at everything that a runner needs, and says what to do. Exit codes: 0 all is well,
      1 something must be mended, 2 it works with less than it could do.

  --state-dir <folder>   where keys, configuration and workspaces are kept
                         (default: $GATEHOUSE_RUNNER_STATE, else ~/.local/state/gatehouse-runner)
  --force                replaces an earlier enrolment of this folder
  --stop-with-stdin      ends when standard input does: with whoever started it
  --no-bubblewrap        runs workspaces WITHOUT isolation, for templates that allow it
  --engine <socket>      of Docker or Podman, for templates with containers; "none" for no containers
                         (default: $DOCKER_HOST, else where Podman and Docker listen)
  --help, --version
`;

const OPTIONS = {
  url: { type: 'string' },
  code: { type: 'string' },
  name: { type: 'string' },
  label: { type: 'string', multiple: true },
  force: { type: 'boolean' },
  'state-dir': { type: 'string' },
  'no-bubblewrap': { type: 'boolean' },
  engine: { type: 'string' },
  'log-format': { type: 'string' },
  'log-level': { type: 'string' },
  metrics: { type: 'string' },
  'metrics-anywhere': { type: 'boolean' },
  'stop-with-stdin': { type: 'boolean' },
  json: { type: 'boolean' },
  user: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
} as const;

function parseCommandLine(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new Failure(`${messageOf(error)}\nSee gatehouse-runner --help`);
  }
}
type Values = ReturnType<typeof parseCommandLine>['values'];

function parseLabels(given: string[]): Record<string, string> {
  const pairs = given.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new Failure(`--label "${pair}" must be key=value`);
    return [pair.slice(0, at), pair.slice(at + 1)] as const;
  });
  const parsed = labels.safeParse(Object.fromEntries(pairs));
  if (!parsed.success) throw new Failure(`--label: ${faultsOf(parsed.error)}`);
  return parsed.data;
}

/** @throws Failure when it is none of them */
function choice<T extends string>(option: string, given: string, choices: readonly T[]): T {
  const chosen = choices.find((each) => each === given);
  if (chosen === undefined) throw new Failure(`${option} must be one of ${choices.join(', ')}`);
  return chosen;
}

async function enroll(values: Values, root: string): Promise<void> {
  const { url, code, name = hostname(), label = [], force = false } = values;
  if (url === undefined) throw new Failure('--url is missing: the address of your Gatehouse');
  if (code === undefined) throw new Failure('--code is missing: make one on the Runners page');
  const request = { url: checkPlatformUrl(url), code, name, labels: parseLabels(label), force };
  const { runnerId, tenant, fingerprint } = await enrollRunner(stateFolder(root), request);
  process.stdout.write(`This machine is now runner "${name}" (${runnerId}) of ${tenant}. Its keys are in ${root}.

Its fingerprint:

    ${readableFingerprint(fingerprint).replaceAll('\n', '\n    ')}

An administrator must compare it with the one on the Runners page and confirm it there.
Then start the runner:  gatehouse-runner run
`);
}

/** The first signal ends in good order, the second at once. */
const interruption = (withStdin: boolean) =>
  new Promise<Interruption>((resolve) => {
    let asked = false;
    const end = (how: Interruption) => {
      if (asked) process.exit(130);
      asked = true;
      resolve(how);
    };
    const ask = () => end('stop');
    process.on('SIGINT', ask);
    process.on('SIGTERM', ask);
    process.on('SIGUSR2', () => end('handover'));
    if (withStdin) process.stdin.on('end', ask).on('error', ask).resume();
  });

/** Who may sign grants is known by keys; the issuer's name is the platform's own origin, and moves with it. */
function move({ url }: Values, root: string): void {
  if (url === undefined) throw new Failure('--url is missing: the new address of your Gatehouse');
  const folder = stateFolder(root);
  const address = checkPlatformUrl(url);
  saveConfig(folder, { ...loadConfig(folder), url: address, issuer: new URL(address).origin });
  process.stdout.write(`This runner dials ${address} from now on.\n`);
}

/** Ends the runner that runs, and waits until the next one may begin. */
async function handOver(root: string): Promise<void> {
  const folder = stateFolder(root);
  const pid = runnerOf(folder);
  if (pid === null) throw new Failure(`No runner uses ${root}`);
  process.kill(pid, 'SIGUSR2');
  while (runnerOf(folder) === pid) await setTimeout(50);
  process.stdout.write('The runner has ended. Its workspaces run on for 15 minutes, until the next one takes them over.\n');
}

const answered = z.union([z.object({ fingerprint: z.string() }), z.object({ why: z.string() })]);
const ANSWER_WITHIN_MS = 60_000;

/** A runner that runs changes its keys itself, so that it always knows which ones count. */
async function askToRotate(folder: StateFolder, pid: number): Promise<string> {
  rmSync(folder.rotationAnswer, { force: true });
  writeAtomically(folder.rotationAsked, '');
  for (let waited = 0; !existsSync(folder.rotationAnswer); waited += 50) {
    if (waited > ANSWER_WITHIN_MS || runnerOf(folder) !== pid)
      throw new Failure('The runner does not answer. Its log says how far it is; it keeps a key that works.');
    await setTimeout(50);
  }
  const answer = answered.parse(JSON.parse(readFileSync(folder.rotationAnswer, 'utf8')));
  rmSync(folder.rotationAnswer, { force: true });
  if ('why' in answer) throw new Failure(answer.why);
  return answer.fingerprint;
}

async function rotateKey(root: string): Promise<void> {
  const folder = stateFolder(root);
  const config = loadConfig(folder);
  const pid = runnerOf(folder);
  let fingerprint: string;
  if (pid === null) {
    const release = lockState(folder);
    fingerprint = await rotateKeys(folder, config).finally(release);
  } else fingerprint = await askToRotate(folder, pid);
  process.stdout.write(`This runner has new keys. Their fingerprint:

    ${readableFingerprint(fingerprint).replaceAll('\n', '\n    ')}

The Runners page shows the same. Browsers accept them, because the old key signed them.
`);
}

/** As this program was started, so that the service runs the same one. */
function printUnit(values: Values): void {
  const { user = 'gatehouse', 'state-dir': stateDir = '/var/lib/gatehouse-runner', metrics, 'metrics-anywhere': anywhere = false } = values;
  if (metrics !== undefined) parseMetricsAddress(metrics, anywhere);
  const more = [...(metrics === undefined ? [] : ['--metrics', metrics]), ...(anywhere ? ['--metrics-anywhere'] : [])];
  process.stdout.write(unitOf({ program: [process.execPath, process.argv[1] ?? ''], user, stateDir: resolve(stateDir), more }));
}

async function doctor({ url, json, engine }: Values, root: string): Promise<void> {
  const address = url === undefined ? undefined : checkPlatformUrl(url);
  const findings = await examine(stateFolder(root), { url: address, engine, main: import.meta.url });
  process.stdout.write(json === true ? `${JSON.stringify(findings, null, 2)}\n` : textOf(findings));
  process.exitCode = EXIT_CODES[findings.state];
}

/** SIGUSR1 makes it say everything, and once more as much as before. Node would open its debugger at that signal. */
function turnedByASignal(log: ProgramLog, usual: LogLevel): ProgramLog {
  process.on('SIGUSR1', () => {
    const level = log.level === 'debug' ? usual : 'debug';
    log.level = 'info';
    log.info(`The log says what is ${level} and worse from now on`);
    log.level = level;
  });
  return log;
}

async function run(values: Values, root: string): Promise<void> {
  const format = choice('--log-format', values['log-format'] ?? (process.stderr.isTTY ? 'text' : 'json'), LOG_FORMATS);
  const level = choice('--log-level', values['log-level'] ?? 'info', LOG_LEVELS);
  const log = turnedByASignal(makeLog({ format, level }), level === 'debug' ? 'info' : level);
  try {
    await runRunner({
      folder: stateFolder(root),
      log,
      main: import.meta.url,
      useBubblewrap: values['no-bubblewrap'] !== true,
      engine: values.engine,
      metrics: values.metrics === undefined ? null : parseMetricsAddress(values.metrics, values['metrics-anywhere'] === true),
      interrupted: interruption(values['stop-with-stdin'] === true),
    });
  } catch (error) {
    // Why it ended is a line of the log like all others.
    log.error(messageOf(error), error instanceof Failure || !(error instanceof Error) ? {} : { stack: error.stack ?? '' });
    process.exitCode = error instanceof Failure ? error.exitCode : 1;
  }
}

/** What an older Node lacks it would say in words that help nobody. */
function refuseOldNode(): void {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 22 || (major === 22 && minor < 17))
    throw new Failure(`Node ${process.versions.node} is too old: the runner needs 22.17 or newer`);
}

async function main(): Promise<void> {
  const { values, positionals } = parseCommandLine(process.argv.slice(2));
  if (values.version === true) return void process.stdout.write(`${VERSION}\n`);
  const [command, extra] = positionals;
  if (values.help === true || command === undefined) return void process.stdout.write(HELP);
  if (extra !== undefined) throw new Failure(`"${extra}" is too much. See gatehouse-runner --help`);
  // It tells itself what is wrong with Node.
  if (command !== 'doctor') refuseOldNode();
  const root = chooseStateRoot(values['state-dir'], process.env);
  if (command === 'enroll') return enroll(values, root);
  if (command === 'move') return move(values, root);
  if (command === 'run') return run(values, root);
  if (command === 'rotate-key') return rotateKey(root);
  if (command === 'handover') return handOver(root);
  if (command === 'systemd') return printUnit(values);
  if (command === 'doctor') return doctor(values, root);
  throw new Failure(`There is no command "${command}". See gatehouse-runner --help`);
}

try {
  await main();
  process.exit();
} catch (error) {
  process.stderr.write(
    `${error instanceof Failure ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
  process.exit(error instanceof Failure ? error.exitCode : 1);
}
