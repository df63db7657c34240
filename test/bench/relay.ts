import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { WebSocket } from 'ws';
import { within } from './measure.ts';
import { freePort } from '../support/place.ts';
import type { System } from './system.ts';
import { workerdOf } from './processes.ts';

/** The least that our way can cost: a Worker and an object that only pass messages on. */
const WORKER = `
export class Pair {
  constructor(ctx) { this.ctx = ctx; }
  fetch(request) {
    const side = new URL(request.url).pathname.split('/')[1];
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server, [side]);
    if (side === 'page' && this.ctx.getWebSockets('shell').length > 0) server.send('joined');
    if (side === 'shell') for (const page of this.ctx.getWebSockets('page')) page.send('joined');
    return new Response(null, { status: 101, webSocket: client });
  }
  webSocketMessage(socket, message) {
    const [side] = this.ctx.getTags(socket);
    for (const other of this.ctx.getWebSockets(side === 'page' ? 'shell' : 'page')) if (other.readyState === 1) other.send(message);
  }
  webSocketClose(socket) { if (this.ctx.getTags(socket)[0] === 'shell') for (const page of this.ctx.getWebSockets('page')) page.close(1000); }
}
export default {
  fetch: (request, env) => env.PAIR.get(env.PAIR.idFromName(new URL(request.url).pathname.split('/')[2])).fetch(request),
};`;

/** Milliseconds between dials after a cut; nothing that was lost meanwhile comes back. */
const REDIAL_MS = 50;

export interface Relay extends System {
  /** A session that waits for its page, which connects to `address`; the shell comes once it has. */
  session(): Promise<{ address: string; end(): Promise<void> }>;
}

/** The floor of the design: page, Worker, object, program on the other machine; no protocol, no sandbox, no acknowledgement. */
export async function relay(): Promise<Relay> {
  const [port, folder] = [await freePort(), await mkdtemp(join(tmpdir(), 'bench-relay-'))];
  const shells = new Set<ChildProcess>();
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port,
      cf: false,
      // By this its workerd is told from the product's.
      unsafeRuntimeEnv: { RELAY: folder },
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
  const startShell = (session: string) => {
    const shell = spawn(process.execPath, [join(import.meta.dirname, 'relay-shell.ts'), `ws://127.0.0.1:${port}/shell/${session}`], {
      cwd: folder,
      stdio: 'inherit',
    });
    shells.add(shell);
    return async () => {
      await end(shell);
      shells.delete(shell);
    };
  };
  return {
    name: 'relay',
    port,
    reconnects: true,
    open: async (onBytes, via = port) => {
      const session = String(++sessions);
      const page = new Page(`ws://127.0.0.1:${via}/page/${session}`, onBytes);
      await within(10, 'the relay answers', page.opened);
      const endShell = startShell(session);
      await within(10, 'the relay’s shell', page.joined);
      return {
        send: (bytes) => page.send(bytes),
        pause: () => page.socket.pause(),
        resume: () => page.socket.resume(),
        close: async () => {
          page.close();
          await endShell();
        },
      };
    },
    session: async () => {
      const session = String(++sessions);
      return { address: `ws://127.0.0.1:${port}/page/${session}`, end: startShell(session) };
    },
    processes: () => ({ server: workerdOf(folder), runner: [...shells].flatMap(({ pid }) => pid ?? []) }),
    stop: async () => {
      await Promise.all([...shells].map(end));
      await miniflare.dispose();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The page's end. It dials again after a cut, and drops what is typed meanwhile. */
class Page {
  socket: WebSocket;
  readonly opened: Promise<undefined>;
  readonly joined: Promise<undefined>;
  readonly #dial: () => WebSocket;
  #closed = false;

  constructor(address: string, onBytes: (bytes: Uint8Array) => void) {
    const [opened, joined] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    this.opened = opened.promise;
    this.joined = joined.promise;
    this.#dial = () => {
      const socket = new WebSocket(address, { perMessageDeflate: false });
      socket.on('open', () => opened.resolve(undefined));
      socket.on('message', (message: Buffer, binary: boolean) => (binary ? onBytes(message) : joined.resolve(undefined)));
      // The close that follows says as much.
      socket.on('error', () => undefined);
      socket.on('close', () => setTimeout(() => this.#again(), REDIAL_MS));
      return socket;
    };
    this.socket = this.#dial();
  }

  send(bytes: Uint8Array): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(bytes);
  }

  close(): void {
    this.#closed = true;
    this.socket.terminate();
  }

  #again(): void {
    if (!this.#closed) this.socket = this.#dial();
  }
}

async function end(shell: ChildProcess): Promise<void> {
  if (shell.exitCode !== null || shell.signalCode !== null) return;
  const ended = once(shell, 'exit');
  shell.kill('SIGTERM');
  await ended;
}
