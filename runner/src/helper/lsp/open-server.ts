import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { MOST_LOG, MOST_SERVERS, SERVERS, type ServerId } from '@gatehouse/core/protocol/language-servers.ts';
import type { HelperSettings } from '../../channel/requests.ts';
import { ServiceFailure } from '../../service-failure.ts';
import { makeExpendable } from '../expendable.ts';
import type { Stream, StreamEvents } from '../host.ts';
import { PIECE, Window } from '../paced.ts';
import { placeOf } from '../paths.ts';
import { findServer, type FoundServer } from './find-server.ts';

/** The servers that run in this workspace, for all pages. */
export type RunningServers = Set<ChildProcessWithoutNullStreams>;

const KILL_AFTER = 2000;
/** Behind what people type and run. */
const NICE = 5;
/** Of error output that nobody could read that fast. */
const MOST_LOGS = 20;
const LOGS_WITHIN_MS = 1000;

/** Runs a language server in the root of a project; the stream is its standard input and output. */
export async function openServer(
  settings: Pick<HelperSettings, 'root' | 'environment'>,
  running: RunningServers,
  { server, root }: { server: ServerId; root: string },
  stream: Stream,
): Promise<StreamEvents> {
  const folder = placeOf(settings.root, root);
  if (!(await stat(folder)).isDirectory()) throw new ServiceFailure('not-a-directory', 'The root of a project is a folder');
  const found = await findServer(settings, server, root);
  if (found === null) throw new ServiceFailure('not-found', `No language server for ${SERVERS[server].name} is installed here`);
  if (running.size >= MOST_SERVERS) throw new ServiceFailure('limit', `At most ${MOST_SERVERS} language servers run at once`);
  const child = start(found, folder, settings.environment);
  running.add(child);
  child.on('close', () => running.delete(child));
  return serve(child, found, stream);
}

function start({ command, path }: FoundServer, folder: string, environment: Record<string, string>): ChildProcessWithoutNullStreams {
  const [file, ...args] = command;
  // A group of its own: what it starts ends with it.
  const child = spawn(file, args, { cwd: folder, env: { ...environment, PATH: path }, detached: true, stdio: 'pipe' });
  makeExpendable(child.pid);
  try {
    if (child.pid !== undefined) setPriority(child.pid, NICE);
  } catch {
    // it has ended
  }
  return child;
}

function serve(child: ChildProcessWithoutNullStreams, { program }: FoundServer, stream: Stream): StreamEvents {
  const window = new Window();
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
    child.on('error', () => resolve({ code: null, signal: null }));
    child.on('exit', (code, signal) => resolve({ code, signal }));
  });
  child.on('spawn', () => stream.head({ ok: true, program }));
  child.on('error', () => child.pid === undefined && stream.fail(new ServiceFailure('not-found', `${program} can’t be started`)));
  // What is written to a server that has ended is lost with it.
  child.stdin.on('error', () => undefined);
  const release = tellLog(child, stream);

  const pass = async () => {
    for await (const piece of child.stdout as AsyncIterable<Uint8Array>) {
      for (let at = 0; at < piece.byteLength && !window.cancelled; at += PIECE) {
        await window.room();
        if (window.cancelled) return;
        const part = Uint8Array.from(piece.subarray(at, at + PIECE));
        window.sent(part.byteLength);
        stream.data(part);
      }
    }
    const exit = await ended;
    if (window.cancelled || child.pid === undefined) return;
    release();
    stream.message({ kind: 'exit', ...exit });
    stream.fin();
  };
  pass().catch(() => kill(child, 'SIGKILL'));

  let taken = 0;
  return {
    data: (bytes) =>
      child.stdin.write(bytes, () => {
        taken += bytes.byteLength;
        if (!window.cancelled) stream.ack(taken);
      }),
    ack: (offset) => window.taken(offset),
    fin: () => child.stdin.end(),
    reset: () => {
      window.cancel();
      kill(child, 'SIGTERM');
      setTimeout(() => kill(child, 'SIGKILL'), KILL_AFTER).unref();
    },
  };
}

/** Tells what the program prints on its error output, a bounded amount a second. @returns what ends it */
function tellLog(child: ChildProcessWithoutNullStreams, stream: Stream): () => void {
  let left = MOST_LOGS;
  const timer = setInterval(() => (left = MOST_LOGS), LOGS_WITHIN_MS);
  const end = () => clearInterval(timer);
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (left-- > 0) stream.message({ kind: 'log', text: text.slice(0, MOST_LOG) });
  });
  child.on('close', end);
  return end;
}

function kill({ pid }: ChildProcessWithoutNullStreams, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // it has ended already
  }
}
