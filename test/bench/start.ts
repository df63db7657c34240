import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServer } from '../../scripts/server.ts';
import { type Options, type Row, timed, within } from './measure.ts';
import { freePort, ROOT } from '../support/place.ts';

/** How long somebody waits who starts it. */
export async function measureStart({ rounds, quick }: Options): Promise<Row[]> {
  const count = quick ? 1 : Math.max(3, Math.ceil(rounds / 2));
  const row = (what: string, samples: number[]): Row => ({ bench: 'start', what, system: 'gatehouse', unit: 'ms', samples });
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-bench-'));
  try {
    const [, ...servers] = await each(count + 1, () => startAndAsk(join(folder, 'server')));
    const [first, ...later] = await each(count + 1, () => npmStart(join(folder, 'start')));
    return [
      row('server to first answer', servers),
      row('npm start, empty state', first === undefined ? [] : [first]),
      row('npm start, again', later),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One after the other; the first finds no state. */
async function each(count: number, work: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  while (samples.length < count) samples.push(await work());
  return samples;
}

/** @returns milliseconds until the API answers; how long it takes to stop does not count */
async function startAndAsk(stateDir: string): Promise<number> {
  const port = await freePort();
  const [took, server] = await timed(async () => {
    const server = await startServer({ root: ROOT, port, stateDir });
    const response = await fetch(`${server.origin}/health`);
    if (!response.ok) throw new Error(`/health answered ${response.status}`);
    return server;
  });
  await server.stop();
  return took;
}

/** @returns milliseconds until it says that it is ready */
async function npmStart(stateDir: string): Promise<number> {
  const child = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...process.env, PORT: String(await freePort()), STATE_DIR: stateDir },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that what npm started can be ended with it.
    detached: true,
  });
  try {
    const [took] = await timed(() => within(120, 'npm start is ready', readiness(child)));
    return took;
  } finally {
    await end(child);
  }
}

function readiness(child: ChildProcess): Promise<void> {
  let output = '';
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        if (output.includes('is ready at')) resolve();
      });
    }
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  process.kill(-child.pid, 'SIGTERM');
  await within(20, 'npm start ends', ended).catch((error: unknown) => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    throw error;
  });
}
