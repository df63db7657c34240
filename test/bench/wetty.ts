import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { freePort } from '../support/place.ts';
import { within } from './measure.ts';
import { endOf, startListening } from './local-server.ts';
import type { Line, System } from './system.ts';

/** Its page gives credit again after so many characters. */
const COMMIT = 262_144;

/** Packets of Engine.IO 4 with Socket.IO 5 in them, as far as wetty sends them: a digit or two, then JSON. */
const PING = '2';
const PONG = '3';
const CONNECT = '40';
const EVENT = '42';

const event = z.tuple([z.string()]).rest(z.unknown());

/** wetty, a terminal in a browser that paces its programs by credits from the page. One bash for each connection. */
export async function wetty(packageFolder: string): Promise<System> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-wetty-'));
  const port = await freePort();
  const main = join(packageFolder, 'build/main.js');
  const server = spawn(
    process.execPath,
    [main, '--host', '127.0.0.1', '--port', String(port), '--command', 'bash', '--log-level', 'error'],
    {
      cwd: folder,
      stdio: 'ignore',
      env: { ...process.env, NODE_ENV: 'production' },
    },
  );
  const stop = async () => {
    await endOf(server);
    await rm(folder, { recursive: true, force: true });
  };
  await startListening('wetty', port, stop);
  return {
    name: 'wetty',
    port,
    reconnects: false,
    open: (onBytes, via = port) => openWetty(via, onBytes),
    processes: () => ({ server: server.pid === undefined ? [] : [server.pid], runner: [] }),
    stop,
  };
}

async function openWetty(port: number, onBytes: (bytes: Uint8Array) => void): Promise<Line> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
  const ready = Promise.withResolvers<undefined>();
  const emit = (name: string, value: unknown) => socket.send(EVENT + JSON.stringify([name, value]));
  let uncommitted = 0;
  const take = (name: string, value: unknown) => {
    if (name === 'login') return ready.resolve(undefined);
    if (name !== 'data' || typeof value !== 'string') return;
    onBytes(Buffer.from(value));
    uncommitted += value.length;
    if (uncommitted < COMMIT) return;
    uncommitted -= COMMIT;
    emit('commit', COMMIT);
  };
  socket.on('error', ready.reject);
  socket.on('message', (message: Buffer) => {
    const text = message.toString();
    if (text.startsWith('0')) socket.send(CONNECT);
    else if (text === PING) socket.send(PONG);
    else if (text.startsWith(EVENT)) {
      const [name, value] = event.parse(JSON.parse(text.slice(EVENT.length)));
      take(name, value);
    }
  });
  await within(10, 'wetty answers', ready.promise);
  emit('resize', { cols: 120, rows: 40 });
  return {
    send: (bytes) => {
      if (socket.readyState === WebSocket.OPEN) emit('input', Buffer.from(bytes).toString());
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    close: async () => socket.terminate(),
  };
}
