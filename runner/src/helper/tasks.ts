import { spawn } from 'node:child_process';
import type { z } from 'zod';
import type { HelperSettings, taskRun } from '../channel/requests.ts';
import { ServiceFailure } from '../service-failure.ts';
import { makeExpendable } from './expendable.ts';
import type { Host, Stream, StreamEvents } from './host.ts';

const KILL_AFTER = 3000;
/** what a program printed just before its end is still read for so long, even if it left a service holding its output */
const LAST_WORDS = 300;

/** Runs a program in the root of the workspace, without a terminal; what it prints is the stream's data. */
export function runTask(
  host: Host,
  { root, environment }: Pick<HelperSettings, 'root' | 'environment'>,
  request: z.infer<typeof taskRun>,
  stream: Stream,
): StreamEvents {
  const [file = '', ...args] = request.argv;
  const child = spawn(file, args, {
    cwd: root,
    env: { ...environment, ...request.environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  makeExpendable(child.pid);
  let ended = false;
  const outputs = [child.stdout, child.stderr];
  const release = host.holdBack({
    pause: () => outputs.forEach((output) => output.pause()),
    resume: () => outputs.forEach((output) => output.resume()),
  });
  // A service that the program leaves behind keeps its output: it is read on and dropped, so that it never blocks.
  for (const output of outputs) output.on('data', (piece: Uint8Array) => !ended && stream.data(piece));
  const finish = (code: number | null, signal: string | null) => {
    if (ended) return;
    ended = true;
    release();
    outputs.forEach((output) => output.resume());
    stream.message({ kind: 'exit', code, signal });
    stream.fin();
  };
  child.on('spawn', () => stream.head({ ok: true }));
  child.on('error', () => {
    ended = true;
    release();
    stream.fail(new ServiceFailure('not-found', `The sandbox has no program "${file}"`));
  });
  child.on('close', finish);
  child.on('exit', (code, signal) => setTimeout(() => finish(code, signal), LAST_WORDS));

  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    } catch {
      // it has ended already
    }
  };
  return {
    reset: () => {
      kill('SIGTERM');
      setTimeout(() => kill('SIGKILL'), KILL_AFTER).unref();
    },
  };
}
