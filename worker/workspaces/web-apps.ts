import { z } from 'zod';
import type { CloseName } from '@gatehouse/core/protocol/close.ts';
import { tunnelPath } from '@gatehouse/core/protocol/tunnel.ts';
import { base64url } from '../platform/encoding.ts';
import type { AppFacts, AppRequestFacts, StreamFacts, TunnelFacts } from '../platform/socket-facts.ts';
import { AppDoor, type AppDoorPorts } from './app-door.ts';
import { provesIdentity } from './runner-keys.ts';
import { sayToTunnel, Tunnel } from './tunnel.ts';

const TAG = 'tunnel';
/** What a tunnel has yet to prove; a proved one has the number of its newest stream attached instead. */
const unproved = z.object({ nonce: z.string(), identityKey: z.string(), path: z.string() });
const proved = z.object({ tunnel: z.number().int() });

export interface WebAppsPorts extends Omit<AppDoorPorts, 'now'> {
  close(socket: WebSocket, name: CloseName, why: string): void;
}

/** Web apps of one workspace's object: the runner's tunnel, and the sessions that may use it. */
export class WebApps {
  readonly #ctx: DurableObjectState;
  readonly #ports: WebAppsPorts;
  readonly #tunnel: Tunnel;
  readonly door: AppDoor;
  /** by when the runner must have closed what was taken away; null: nothing is */
  #mustCloseBy: number | null = null;

  constructor(ctx: DurableObjectState, ports: WebAppsPorts) {
    this.#ctx = ctx;
    this.#ports = ports;
    this.#tunnel = new Tunnel({
      close: (link, why) => this.#close(link, 'protocol', why),
      prove: (link, signature) => this.#prove(link, signature),
      keep: (link, tunnel) => link.serializeAttachment({ tunnel }),
      mustClose: (withinMs) => this.#expectClosed(withinMs),
    });
    this.door = new AppDoor(ctx.storage.sql, this.#tunnel, { ...ports, now: () => Date.now() });
    for (const socket of ctx.getWebSockets(TAG)) {
      const { data } = proved.safeParse(socket.deserializeAttachment());
      if (data) this.#tunnel.use(socket, data.tunnel);
    }
  }

  /** whether the socket is a tunnel, proved or not */
  has(socket: WebSocket): boolean {
    return this.#ctx.getTags(socket).includes(TAG);
  }

  fetch(request: Request, facts: TunnelFacts | StreamFacts | AppRequestFacts): Promise<Response> | Response {
    switch (facts.kind) {
      case 'tunnel':
        return this.#challenge(facts);
      case 'stream': {
        const end = this.#tunnel.dial(facts.stream, facts.key);
        return end === null ? new Response('Nobody waits for this', { status: 404 }) : new Response(null, { status: 101, webSocket: end });
      }
      case 'request':
        return this.door.answer(request, facts);
    }
  }

  message(socket: WebSocket, message: string | ArrayBuffer): void {
    if (typeof message !== 'string') this.#tunnel.receive(socket, new Uint8Array(message));
    else if (message !== 'ping') this.#close(socket, 'protocol', 'text on a tunnel');
  }

  gone(socket: WebSocket): void {
    this.#tunnel.lost(socket);
  }

  enter(hash: string, facts: AppFacts): void {
    this.door.enter(hash, facts);
  }

  /** The workspace ends: nothing of it can be reached any more. */
  stop(): void {
    this.door.endAll('The workspace was stopped', 'stopped');
    for (const socket of this.#ctx.getWebSockets(TAG)) this.#close(socket, 'stopped', 'The workspace was stopped');
  }

  /** @returns when to look again */
  sweep(): number | null {
    const next = this.door.sweep();
    if (this.#mustCloseBy === null) return next;
    if (this.#mustCloseBy > Date.now()) return Math.min(this.#mustCloseBy, next ?? Infinity);
    this.#mustCloseBy = null;
    // SPEC A7: the two ends are joined by the platform, and only the runner or the end of this object parts them.
    if (this.#tunnel.unclosed) this.#ctx.abort('A web app’s connection that was taken away was not closed in time');
    return next;
  }

  #challenge({ workspaceId, identityKey }: TunnelFacts): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    const nonce = base64url(crypto.getRandomValues(new Uint8Array(32)));
    this.#ctx.acceptWebSocket(server, [TAG]);
    server.serializeAttachment({ nonce, identityKey, path: tunnelPath(workspaceId) });
    sayToTunnel(server, { kind: 'challenge', nonce });
    return new Response(null, { status: 101, webSocket: client });
  }

  /** SPEC A1 */
  #prove(link: WebSocket, signature: string): void {
    const { data } = unproved.safeParse(link.deserializeAttachment());
    if (!data || !provesIdentity(data.identityKey, data.nonce, data.path, signature))
      return this.#close(link, 'unauthenticated', 'The proof was wrong');
    for (const other of this.#ctx.getWebSockets(TAG)) if (other !== link) this.#close(other, 'replaced', 'A newer tunnel took over');
    link.serializeAttachment({ tunnel: 0 });
    this.#tunnel.use(link, 0);
    sayToTunnel(link, { kind: 'ready' });
  }

  #close(socket: WebSocket, name: CloseName, why: string): void {
    this.#tunnel.lost(socket);
    this.#ports.close(socket, name, why);
  }

  #expectClosed(withinMs: number): void {
    this.#mustCloseBy ??= Date.now() + withinMs;
    this.#ports.wakeAt(this.#mustCloseBy);
  }
}
