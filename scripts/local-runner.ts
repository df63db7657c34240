import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Person } from './api.ts';

const RESTART_MS = 1000;

const bundle = (root: string) => join(root, 'runner/dist/gatehouse-runner.js');

/** Enrols a runner as an administrator would: code, enrolment, fingerprint compared, confirmed. */
export async function enroll(options: { root: string; origin: string; owner: Person; stateDir: string; name: string }): Promise<string> {
  const { root, origin, owner, stateDir, name } = options;
  const { id, code } = await owner.call<{ id: string; code: string }>('POST', '/runner-enrollments', { name });
  await finished(
    spawn(process.execPath, [bundle(root), 'enroll', '--url', origin, '--code', code, '--name', name, '--state-dir', stateDir], {
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  const { runner } = await owner.call<{ runner: { id: string; fingerprint: string } }>('GET', `/runner-enrollments/${id}`);
  await owner.call('POST', `/runners/${runner.id}/confirm`, { fingerprint: runner.fingerprint });
  return runner.id;
}

/** Tells an enrolled runner where its Gatehouse is now: another start may have another port. */
export async function move(options: { root: string; origin: string; stateDir: string }): Promise<void> {
  const { root, origin, stateDir } = options;
  const { url } = JSON.parse(await readFile(join(stateDir, 'config.json'), 'utf8')) as { url: string };
  if (url === origin) return;
  await finished(
    spawn(process.execPath, [bundle(root), 'move', '--url', origin, '--state-dir', stateDir], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** A running runner. It ends with this process: its standard input is a pipe that we hold. @param options `environment` beside our own */
export function runRunner(options: {
  root: string;
  stateDir: string;
  environment?: Record<string, string>;
  onLine: (line: string) => void;
}): ChildProcess {
  const child = spawn(
    process.execPath,
    [bundle(options.root), 'run', '--state-dir', options.stateDir, '--stop-with-stdin', '--log-format', 'text'],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment },
    },
  );
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => text.split('\n').filter(Boolean).forEach(options.onLine));
  }
  return child;
}

export interface KeptRunner {
  stop(): Promise<void>;
  /** rejects when the runner ends by itself, as one that was removed does */
  ended: Promise<never>;
}

/** A runner that is started again when it is killed. */
export function keepRunner(options: Parameters<typeof runRunner>[0]): KeptRunner {
  let child: ChildProcess;
  let stopping = false;
  const ended = new Promise<never>((_resolve, reject) => {
    const start = () => {
      child = runRunner(options);
      child.once('exit', (code) => {
        if (stopping) return;
        if (code === null) setTimeout(start, RESTART_MS);
        else reject(new Error(`The local runner ended with ${code}. Its log: ${options.stateDir}.log`));
      });
    };
    start();
  });
  // Nobody need wait for it.
  ended.catch(() => undefined);
  return {
    ended,
    stop: () => {
      stopping = true;
      return stopRunner(child);
    },
  };
}

export function stopRunner(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    const output: string[] = [];
    child.stdout?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => output.push(chunk.toString()));
    child.on('error', reject);
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`The local runner could not be set up:\n${output.join('')}`))));
  });
}
