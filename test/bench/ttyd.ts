import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { within } from './measure.ts';
import { endOf, startListening } from './local-server.ts';
import { freePort } from '../support/place.ts';
import type { System } from './system.ts';

const OUTPUT = '0'.charCodeAt(0);
const PROGRAM = process.env['TTYD'] ?? 'ttyd';

/** ttyd, the plainest terminal in a browser, with a bash of its own for each connection. Null where it is not installed. */
export async function ttyd(): Promise<System | null> {
  const help = spawnSync(PROGRAM, ['--help'], { encoding: 'utf8' });
  if (help.error) return null;
  const folder = await mkdtemp(join(tmpdir(), 'bench-ttyd-'));
  const port = await freePort();
  // Newer ones take no input unless told to.
  const writable = `${help.stdout}${help.stderr}`.includes('--writable') ? ['--writable'] : [];
  const server = spawn(PROGRAM, ['-i', '127.0.0.1', '-p', String(port), ...writable, 'bash'], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, TERM: 'xterm-256color' },
  });
  const stop = async () => {
    await endOf(server);
    await rm(folder, { recursive: true, force: true });
  };
  await startListening('ttyd', port, stop);
  return {
    name: 'ttyd',
    port,
    reconnects: false,
    open: (onBytes, via = port) => openTtyd(via, onBytes),
    processes: () => ({ server: server.pid === undefined ? [] : [server.pid], runner: [] }),
    stop,
  };
}

async function openTtyd(port: number, onBytes: (bytes: Uint8Array) => void) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, ['tty'], { perMessageDeflate: false });
  socket.on('message', (message: Buffer) => message[0] === OUTPUT && onBytes(message.subarray(1)));
  const opened = once(socket, 'open');
  // A cut line is seen by its silence.
  socket.on('error', () => undefined);
  await within(10, 'ttyd answers', opened);
  socket.send(Buffer.from(JSON.stringify({ AuthToken: '', columns: 120, rows: 40 })));
  return {
    send: (bytes: Uint8Array) => socket.send(Buffer.concat([Buffer.of(OUTPUT), bytes])),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: async () => {
      socket.terminate();
    },
  };
}
