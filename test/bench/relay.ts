import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { WebSocket } from 'ws';
import { within } from './measure.ts';
import { freePort } from '../support/place.ts';
import type { System } from './shell.ts';

/** The least that our way can cost: a Worker and an object that only pass messages on. */
const WORKER = `
export class Pair {
  constructor(ctx) { this.ctx = ctx; }
  fetch(request) {
    const side = new URL(request.url).pathname.split('/')[1];
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [side]);
    if (side === 'shell') for (const page of this.ctx.getWebSockets('page')) page.send('joined');
    return new Response(null, { status: 101, webSocket: client });
  }
  webSocketMessage(socket, message) {
    const [side] = this.ctx.getTags(socket);
    for (const other of this.ctx.getWebSockets(side === 'page' ? 'shell' : 'page')) other.send(message);
  }
  webSocketClose(socket) { for (const other of this.ctx.getWebSockets()) other.close(1000); }
}
export default {
  fetch: (request, env) => env.PAIR.get(env.PAIR.idFromName(new URL(request.url).pathname.split('/')[2])).fetch(request),
};`;

/** The floor of the design: page, Worker, object, program on the other machine; no protocol, no sandbox, no acknowledgement. */
export async function relay(): Promise<System> {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'bench-relay-'))];
  const shells = new Set<ChildProcess>();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port,
      cf: false,
      workers: [
        {
          name: 'relay',
          modules: [{ type: 'ESModule', path: 'relay.js', contents: WORKER }],
          compatibilityDate: '2026-10-01',
          durableObjects: { PAIR: { className: 'Pair', useSQLite: true } },
        },
      ],
    }),
  );
  await miniflare.ready;
  let sessions = 0;
  return {
    name: 'relay',
    open: async (onBytes) => {
      const session = String(++sessions);
      const address = (side: string) => `ws://127.0.0.1:${port}/${side}/${session}`;
      const socket = new WebSocket(address('page'), { perMessageDeflate: false });
      const joined = Promise.withResolvers<undefined>();
      socket.on('error', joined.reject);
      socket.on('message', (message: Buffer, binary: boolean) => (binary ? onBytes(message) : joined.resolve(undefined)));
      await within(10, 'the relay answers', Promise.race([once(socket, 'open'), joined.promise]));
      const shell = spawn(process.execPath, [join(import.meta.dirname, 'relay-shell.ts'), address('shell')], {
        cwd: folder,
        stdio: 'inherit',
      });
      shells.add(shell);
      await within(10, 'the relay’s shell', joined.promise);
      return {
        send: (bytes) => socket.send(bytes),
        pause: () => socket.pause(),
        resume: () => socket.resume(),
        close: async () => {
          socket.terminate();
          await end(shell);
          shells.delete(shell);
        },
      };
    },
    stop: async () => {
      await Promise.all([...shells].map(end));
      await miniflare.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function end(shell: ChildProcess): Promise<void> {
  if (shell.exitCode !== null || shell.signalCode !== null) return;
  const ended = once(shell, 'exit');
  shell.kill('SIGTERM');
  await ended;
}
