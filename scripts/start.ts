import { createWriteStream } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Person } from './api.ts';
import { build, type Part } from './build.ts';
import { completeDemo, type Demo, demoOf, makeDemo, makeDemoWorkspace, signIn } from './demo.ts';
import { keepRunner, type KeptRunner, move } from './local-runner.ts';
import { type Server, startServer } from './server.ts';

const root = resolve(import.meta.dirname, '..');
const tty = process.stdout.isTTY;

/** One line that says what goes on; on a terminal it replaces the one before. */
const say = (text: string) => process.stdout.write(tty ? `\r\x1b[2K${text}` : `${text}\n`);
const done = () => tty && process.stdout.write('\r\x1b[2K');

const BUILDING: Record<Part, string> = { web: 'Building the web app', runner: 'Building the runner', worker: 'Building the Worker' };

function settings() {
  const { values } = parseArgs({
    options: { 'no-demo': { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
  });
  if (values.help) {
    console.log(
      'npm start [-- --no-demo]\n\nEnvironment: PORT (8787), STATE_DIR (.wrangler/state), DEMO_PASSWORD (made at the first start)',
    );
    process.exit(0);
  }
  const port = Number(process.env['PORT'] ?? 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`PORT must be a number from 1 to 65535, not ${process.env['PORT']}`);
  const password = process.env['DEMO_PASSWORD'];
  if (password !== undefined && password.length < 12) throw new Error('DEMO_PASSWORD must have at least 12 characters');
  return { port, password, demo: !values['no-demo'], stateDir: resolve(root, process.env['STATE_DIR'] ?? '.wrangler/state') };
}

async function start(): Promise<void> {
  const { port, password, demo: wantsDemo, stateDir } = settings();
  await build(root, (part) => say(`${BUILDING[part]} …`));
  say('Starting …');
  const server = await startServer({ root, port, stateDir });
  let runner: KeptRunner | undefined;
  stopOnSignal(async () => {
    await runner?.stop();
    await server.stop();
  });
  const demo = wantsDemo ? await startDemo(server, stateDir, password, (kept) => (runner = kept)) : null;
  done();
  console.log(greeting(server, demo, stateDir));
}

async function startDemo(
  server: Server,
  stateDir: string,
  password: string | undefined,
  onRunner: (runner: KeptRunner) => void,
): Promise<Demo> {
  const kept = await demoOf(stateDir);
  if (!kept) say('Making the demo organisation …');
  const demo = kept ?? (await makeDemo({ root, origin: server.origin, stateDir, password }));
  const log = createWriteStream(join(stateDir, 'runner.log'), { flags: 'a' });
  await move({ root, origin: server.origin, stateDir: join(stateDir, 'runner') });
  const runner = keepRunner({ root, stateDir: join(stateDir, 'runner'), onLine: (line) => log.write(`${line}\n`) });
  onRunner(runner);
  await Promise.race([runnerIsOnline(server, demo), runner.ended]);
  if (!kept) {
    say('Making the first workspace …');
    const dev = await signIn(server.origin, 'dev', demo);
    await makeDemoWorkspace(dev);
    await firstWorkspaceRuns(dev);
    await completeDemo(stateDir, demo);
  }
  return demo;
}

async function runnerIsOnline(server: Server, demo: Demo): Promise<void> {
  const owner = await signIn(server.origin, 'owner', demo);
  await until(async () =>
    (await owner.call<{ items: Array<{ state: string }> }>('GET', '/runners')).items.some(({ state }) => state === 'online'),
  );
}

/** The first page that a newcomer opens leads to a prompt, so we wait until there is one. */
async function firstWorkspaceRuns(dev: Person): Promise<void> {
  await until(async () => {
    const [first] = (await dev.call<{ items: Array<{ phase: string; error: string | null }> }>('GET', '/workspaces')).items;
    if (first?.phase === 'failed') throw new Error(`The first workspace could not start: ${first.error}`);
    return first?.phase === 'running';
  });
}

async function until(fulfilled: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 300; tries++) {
    if (await fulfilled()) return;
    await setTimeout(100);
  }
  throw new Error('The local runner does not get ready');
}

/** Ctrl-C and SIGTERM leave nothing running; a second one does not wait. */
function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      stop().then(
        () => process.exit(0),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
}

function greeting(server: Server, demo: Demo | null, stateDir: string): string {
  const lines = ['', `  Gatehouse is ready at ${server.origin}`, ''];
  if (demo) {
    lines.push(
      `  Start here    ${signInLink(server, demo)}`,
      '                “Sign in”, then “Open”: a prompt of your own',
      '',
      '  Organisation  acme',
      `  Password      ${demo.password}`,
      '  Sign in as    dev@acme.test       a developer with a running workspace',
      '                owner@acme.test     administers everything',
      '                security@acme.test  reads the audit log',
    );
  } else {
    lines.push('  Sign up there; mails arrive at /local/mail.');
  }
  lines.push('', `  State is kept in ${stateDir}. Ctrl-C stops everything.`, '');
  return lines.join('\n');
}

/** Fills in the sign-in form of the developer. What stands behind # never leaves the browser. */
function signInLink(server: Server, demo: Demo): string {
  return `${server.origin}/signin#org=acme&email=dev@acme.test&password=${encodeURIComponent(demo.password)}`;
}

start().catch((error: unknown) => {
  done();
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
