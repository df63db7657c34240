import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { Person } from '../../scripts/api.ts';
import { freePort, ROOT } from '../support/place.ts';
import { until } from '../support/product.ts';
import { seededDie } from './die.ts';
import { findWorkerd, processes, sandboxes } from './processes.ts';

const PASSWORD = 'a long enough password';
const { roll } = seededDie();
const started: Started[] = [];

interface Started {
  child: ChildProcess;
  output(): string;
  /** exit code and signal */
  ended: Promise<[number | null, NodeJS.Signals | null]>;
}

/** `npm start` in a process group of its own, as a terminal gives it one. */
function npmStart(port: number, stateDir: string): Started {
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(port), STATE_DIR: stateDir, DEMO_PASSWORD: PASSWORD },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = new Promise<[number | null, NodeJS.Signals | null]>((end) => child.once('exit', (...how) => end(how)));
  const start = { child, output: () => output, ended };
  started.push(start);
  return start;
}

const groupOf = ({ child }: Started) => processes().filter(({ group }) => group === child.pid);

/** the process behind npm and its shell that started workerd */
function starterOf(start: Started): number {
  const found = groupOf(start).find(({ pid }) => findWorkerd(pid) !== undefined);
  if (!found) throw new Error('Nobody has started workerd');
  return found.pid;
}

async function ready(start: Started): Promise<void> {
  await until(async () => start.output().includes('Gatehouse is ready') || start.child.exitCode !== null, 90);
  if (start.child.exitCode !== null) throw new Error(start.output());
}

function killGroup({ child }: Started, signal: NodeJS.Signals): void {
  try {
    process.kill(-Number(child.pid), signal);
  } catch {
    // It has ended already.
  }
}

afterEach(() => started.splice(0).forEach((start) => killGroup(start, 'SIGKILL')));

async function dana(port: number): Promise<Person> {
  const person = new Person(`http://localhost:${port}`);
  await person.call('POST', '/login', { tenant: 'acme', email: 'dev@acme.test', password: PASSWORD });
  return person;
}

interface Space {
  id: string;
  name: string;
  phase: string;
  runner: { online: boolean };
}
const spaces = async (person: Person) => (await person.call<{ items: Space[] }>('GET', '/workspaces')).items;

test('killed as a whole, then by halves: workspaces run on, each next start has it all, and SIGTERM leaves nothing behind', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'gatehouse-start-'));
  const port = await freePort();
  // A newcomer who is impatient: the demo is half made.
  const impatient = npmStart(port, stateDir);
  await until(async () => impatient.output().includes('Making the demo organisation'), 90);
  for (let turns = roll(20_000); turns > 0; turns--) await new Promise((next) => setImmediate(next));
  killGroup(impatient, 'SIGKILL');
  await impatient.ended;
  const first = npmStart(port, stateDir);
  await ready(first);
  const before = await dana(port);
  const [workspace] = await spaces(before);
  expect(workspace).toMatchObject({ name: 'first-steps', phase: 'running' });
  const readme = join(stateDir, 'runner/workspaces', String(workspace?.id), 'home/README.md');
  const text = await readFile(readme, 'utf8');
  const { items } = await before.call<{ items: Array<{ id: string }> }>('GET', '/templates');
  await before.call('POST', '/workspaces', { templateId: items[0]?.id, name: 'second-steps' });

  const kept = sandboxes(stateDir).get(String(workspace?.id));
  killGroup(first, 'SIGKILL');
  await first.ended;
  await until(async () => groupOf(first).length === 0);
  // What people do in a workspace goes on; what was just starting does not.
  expect(sandboxes(stateDir).get(String(workspace?.id))).toEqual(kept);

  const second = npmStart(port, stateDir);
  await ready(second);
  expect(second.output()).toContain(PASSWORD);
  // The session of before is good, too.
  await until(async () => (await spaces(before)).every(({ phase }) => phase === 'running'));
  expect((await spaces(before)).map(({ name }) => name)).toEqual(['first-steps', 'second-steps']);
  expect(await readFile(readme, 'utf8')).toBe(text);
  expect(sandboxes(stateDir).size).toBe(2);
  expect(sandboxes(stateDir).get(String(workspace?.id))).toEqual(kept);

  // Only the process that holds it all together: workerd lives on, with the port and the state.
  const main = starterOf(second);
  process.kill(main, 'SIGKILL');
  await second.ended;
  expect(groupOf(second).length).toBeGreaterThan(0);
  const third = npmStart(port, stateDir);
  await ready(third);
  await until(async () => (await spaces(before)).every(({ phase }) => phase === 'running'));
  expect(sandboxes(stateDir).size).toBe(2);

  const beside = npmStart(await freePort(), stateDir);
  expect(await beside.ended).toEqual([1, null]);
  expect(beside.output()).toContain(`is in use by process ${starterOf(third)}`);

  killGroup(third, 'SIGTERM');
  await third.ended;
  await until(async () => groupOf(second).length === 0 && groupOf(third).length === 0 && sandboxes(stateDir).size === 0);
  const again = createServer();
  await new Promise<void>((free, taken) => again.once('error', taken).listen(port, '127.0.0.1', free));
  again.close();

  // Another port is another origin: the runner follows it.
  const elsewhere = await freePort();
  const fourth = npmStart(elsewhere, stateDir);
  await ready(fourth);
  const moved = await dana(elsewhere);
  await until(async () => (await spaces(moved)).every(({ phase, runner }) => phase === 'running' && runner.online));
  killGroup(fourth, 'SIGTERM');
  await fourth.ended;
  await rm(stateDir, { recursive: true });
});

test('a port in use is said plainly', async () => {
  const stateDir = await mkdtemp(join(tmpdir(), 'gatehouse-start-'));
  const other = createServer();
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const start = npmStart(port, stateDir);
  expect(await start.ended).toEqual([1, null]);
  expect(start.output()).toContain(`Port ${port} is in use`);
  expect(groupOf(start)).toEqual([]);
  other.close();
  await rm(stateDir, { recursive: true });
});
