import { constants } from 'node:os';
import { spawn } from '@lydell/node-pty';
import type { z } from 'zod';
import { terminalControl, type HelperSettings, type terminalSpawn } from '../channel/requests.ts';
import { Coalescer } from './coalesce.ts';
import type { Host, Stream, StreamEvents } from './host.ts';
import { placeOf } from './paths.ts';

const KILL_AFTER = 2000;

/** With `encoding: null` the PTY speaks bytes both ways, which its published types do not say. */
interface BytePty {
  readonly pid: number;
  onData(listener: (piece: string | Uint8Array) => void): unknown;
  onExit(listener: (exit: { exitCode: number; signal?: number }) => void): unknown;
  resize(cols: number, rows: number): void;
  write(bytes: string | Uint8Array): void;
  kill(signal?: string): void;
  pause(): void;
  resume(): void;
}

const signalName = (number: number | undefined): string | null =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;

const killGroup = (pid: number, signal: NodeJS.Signals) => {
  try {
    process.kill(-pid, signal);
  } catch {
    // the group has ended already
  }
};

/** Starts the user's shell on a terminal of its own. It ends when the runner resets the stream. */
export function spawnTerminal(
  host: Host,
  { root, environment }: HelperSettings,
  request: z.infer<typeof terminalSpawn>,
  stream: Stream,
): StreamEvents {
  const pty: BytePty = spawn('/bin/bash', [], {
    name: 'xterm-256color',
    cols: request.cols,
    rows: request.rows,
    cwd: placeOf(root, request.cwd),
    env: { COLORTERM: 'truecolor', ...environment },
    encoding: null,
  });
  let ended = false;
  let wanted = true;
  let pipeFree = true;
  const review = () => {
    if (ended) return;
    if (wanted && pipeFree) pty.resume();
    else pty.pause();
  };
  const release = host.holdBack({
    pause: () => {
      pipeFree = false;
      review();
    },
    resume: () => {
      pipeFree = true;
      review();
    },
  });
  const output = new Coalescer((bytes) => stream.data(bytes));
  pty.onData((piece) => output.push(typeof piece === 'string' ? Buffer.from(piece) : piece));
  pty.onExit(({ exitCode, signal }) => {
    ended = true;
    release();
    output.end();
    const name = signalName(signal);
    stream.message({ kind: 'exit', code: name === null ? exitCode : null, signal: name });
    stream.fin();
  });
  stream.head({ ok: true });

  return {
    data: (bytes) => {
      if (!ended) pty.write(Buffer.from(bytes));
    },
    message: (value) => {
      const control = terminalControl.safeParse(value);
      if (!control.success || ended) return;
      if (control.data.kind === 'resize') {
        // What was printed for the old size goes out before what the new size causes.
        output.flush();
        return pty.resize(control.data.cols, control.data.rows);
      }
      wanted = control.data.kind === 'resume';
      review();
    },
    reset: () => {
      if (ended) return;
      killGroup(pty.pid, 'SIGHUP');
      setTimeout(() => !ended && killGroup(pty.pid, 'SIGKILL'), KILL_AFTER).unref();
    },
  };
}
