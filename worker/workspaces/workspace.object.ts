import { z } from 'zod';
import { CLOSE_CODES, type CloseName } from '@gatehouse/core/protocol/close.ts';
import { fromRunnerLink, LIMITS, type ToRunnerLink, type ToViewer, type ViewerFacts } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, stampViewer, SUBPROTOCOL, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { base64url } from '../platform/encoding.ts';
import { ComposedObject } from '../platform/durable.ts';
import { objectContext } from '../platform/object-context.ts';
import type { WorkspaceObject } from '../platform/objects.ts';
import { factsOf, linkFacts, viewerFacts } from '../platform/socket-facts.ts';
import { endConnection } from './connections.ts';
import { OpenConnections } from './open-connections.ts';
import { provesIdentity } from './runner-keys.ts';

/** How often an object with viewers looks for sockets that died without a word. */
const SWEEP_MS = 5 * 60_000;

/** What a socket is, kept in its attachment because fields do not survive hibernation. */
const attachment = z.discriminatedUnion('kind', [
  linkFacts.extend({ nonce: z.string(), proved: z.boolean() }),
  viewerFacts.extend({ viewer: z.number().int(), bytesIn: z.number(), bytesOut: z.number() }),
]);
type Kept = z.infer<typeof attachment>;
type Link = Extract<Kept, { kind: 'link' }>;
type Viewer = Extract<Kept, { kind: 'viewer' }>;

/**
 * The switch of one workspace: it pairs the browsers' sockets with the runner's and moves frames between
 * them without reading their payload. Handlers are synchronous, and nothing is stored on the frame path.
 */
export abstract class WorkspaceShell extends ComposedObject implements WorkspaceObject {
  readonly #open = new OpenConnections(this.ctx.storage.sql);
  /** Attachments as they were last written or read: parsing them for each frame costs more than moving it. */
  readonly #known = new WeakMap<WebSocket, Kept>();

  override async fetch(request: Request): Promise<Response> {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
    const facts = factsOf(request, z.discriminatedUnion('kind', [linkFacts, viewerFacts]));
    const { 0: client, 1: server } = new WebSocketPair();
    if (facts.kind === 'link') {
      const nonce = base64url(crypto.getRandomValues(new Uint8Array(32)));
      this.ctx.acceptWebSocket(server, ['link']);
      this.#keep(server, { ...facts, nonce, proved: false });
      control(server, { kind: 'challenge', nonce });
      return new Response(null, { status: 101, webSocket: client });
    }
    this.ctx.acceptWebSocket(server, ['viewer']);
    await this.#admit(server, facts);
    return new Response(null, { status: 101, webSocket: client, headers: { 'Sec-WebSocket-Protocol': SUBPROTOCOL } });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    if (typeof message === 'string') return message === 'ping' ? undefined : close(socket, 'protocol');
    const kept = this.#kept(socket);
    if (!kept) return close(socket, 'protocol');
    let frame: Frame;
    try {
      frame = decodeFrame(message);
    } catch {
      return close(socket, 'protocol');
    }
    if (kept.kind === 'link') this.#fromRunner(socket, kept, frame, new Uint8Array(message));
    else this.#fromViewer(socket, kept, frame, new Uint8Array(message));
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#gone(socket, code, reason);
  }

  override webSocketError(socket: WebSocket): void {
    this.#gone(socket, 1006, 'the socket failed');
  }

  async revoke(connectionId: string): Promise<void> {
    for (const { socket, facts } of this.#viewers()) if (facts.connectionId === connectionId) close(socket, 'revoked');
  }

  async stop(): Promise<void> {
    for (const { socket } of this.#viewers()) close(socket, 'stopped');
    for (const socket of this.ctx.getWebSockets('link')) close(socket, 'stopped');
  }

  /** Tells what ended, also of sockets that died with the machine, and tries again until it is told. */
  override async alarm(): Promise<void> {
    const live = new Set(this.#viewers().map(({ facts }) => facts.connectionId));
    this.#open.endAllBut(live, new Date().toISOString(), 'the connection was lost');
    await this.#tellEnded();
    if (this.#open.any()) await this.ctx.storage.setAlarm(Date.now() + SWEEP_MS);
  }

  async #admit(server: WebSocket, facts: z.infer<typeof viewerFacts>): Promise<void> {
    const link = this.#link();
    const others = this.#viewers();
    const viewer = this.#open.add({ ...facts, openedAt: new Date().toISOString() });
    this.#keep(server, { ...facts, viewer, bytesIn: 0, bytesOut: 0 });
    if ((await this.ctx.storage.getAlarm()) === null) await this.ctx.storage.setAlarm(Date.now() + SWEEP_MS);
    if (!link) return close(server, 'runnerAway');
    if (others.length >= LIMITS.viewers) return close(server, 'crowded');
    control(server, { kind: 'welcome', viewer, limits: { ...LIMITS } });
    control(link, { kind: 'joined', viewer: presence({ ...facts, viewer }) });
    this.#tellPresence();
  }

  #fromViewer(socket: WebSocket, kept: Viewer, frame: Frame, message: Uint8Array): void {
    // SPEC F5: viewers have nothing to say to the broker itself.
    if (frame.type === 'control') return close(socket, 'protocol');
    const link = this.#link();
    if (!link) return close(socket, 'runnerAway');
    this.#keep(socket, { ...kept, bytesIn: kept.bytesIn + message.byteLength });
    stampViewer(message, kept.viewer);
    link.send(message);
  }

  #fromRunner(socket: WebSocket, kept: Link, frame: Frame, message: Uint8Array): void {
    if (frame.type === 'control') return this.#runnerControl(socket, kept, frame);
    if (!kept.proved) return close(socket, 'unauthenticated');
    const target = this.#viewers().find(({ facts }) => facts.viewer === frame.viewer);
    // It may have left while this was on its way.
    if (!target) return;
    this.#keep(target.socket, { ...target.facts, bytesOut: target.facts.bytesOut + message.byteLength });
    target.socket.send(message);
  }

  #runnerControl(socket: WebSocket, kept: Link, frame: Frame): void {
    let message: z.infer<typeof fromRunnerLink>;
    try {
      message = fromRunnerLink.parse(decodeJson(frame.payload));
    } catch {
      return close(socket, 'protocol');
    }
    switch (message.kind) {
      case 'proof':
        return this.#prove(socket, kept, message.signature);
      case 'refuse': {
        const viewer = message.viewer;
        const refused = kept.proved ? this.#viewers().find(({ facts }) => facts.viewer === viewer) : undefined;
        return refused && close(refused.socket, 'revoked');
      }
    }
  }

  #prove(socket: WebSocket, kept: Link, signature: string): void {
    const path = `/api/v1/runner/workspaces/${kept.workspaceId}/link`;
    if (kept.proved || !provesIdentity(kept.identityKey, kept.nonce, path, signature)) return close(socket, 'unauthenticated');
    for (const other of this.ctx.getWebSockets('link')) if (other !== socket) close(other, 'replaced');
    this.#keep(socket, { ...kept, proved: true });
    // SPEC O5: viewers of an older link have dialled again with a new grant, or will.
    for (const { socket: viewer } of this.#viewers()) close(viewer, 'runnerAway');
    control(socket, { kind: 'ready', viewers: [] });
  }

  #gone(socket: WebSocket, code: number, reason: string): void {
    const kept = this.#kept(socket);
    // 1005, 1006 and 1015 may not be sent.
    socket.close(code === 1005 || code === 1006 || code === 1015 ? 1000 : code);
    if (!kept) return;
    if (kept.kind === 'link') {
      if (kept.proved && !this.#link()) for (const { socket: viewer } of this.#viewers()) close(viewer, 'runnerAway');
      return;
    }
    this.#open.end(kept.connectionId, {
      endedAt: new Date().toISOString(),
      bytesIn: kept.bytesIn,
      bytesOut: kept.bytesOut,
      reason: reason || `closed with ${code}`,
    });
    const link = this.#link();
    if (link) control(link, { kind: 'left', viewer: kept.viewer });
    this.#tellPresence();
    this.ctx.waitUntil(this.#tellEnded());
  }

  /** What could not be told now is told by the alarm. */
  async #tellEnded(): Promise<void> {
    const services = this.compose();
    for (const ended of this.#open.ended()) {
      try {
        await endConnection(objectContext(services, ended, { type: 'system', name: 'Gatehouse' }), ended);
        this.#open.forget(ended.connectionId);
      } catch (error) {
        services.log('warn', 'the end of a connection waits to be recorded', { connectionId: ended.connectionId, error: String(error) });
        await this.ctx.storage.setAlarm(Date.now() + 30_000);
        return;
      }
    }
  }

  #tellPresence(): void {
    const viewers = this.#viewers();
    const message: ToViewer = { kind: 'presence', viewers: viewers.map(({ facts }) => presence(facts)) };
    for (const { socket } of viewers) control(socket, message);
  }

  #link(): WebSocket | undefined {
    return this.ctx.getWebSockets('link').find((socket) => {
      const kept = this.#kept(socket);
      return kept?.kind === 'link' && kept.proved && socket.readyState === WebSocket.OPEN;
    });
  }

  #viewers(): Array<{ socket: WebSocket; facts: Viewer }> {
    return this.ctx.getWebSockets('viewer').flatMap((socket) => {
      const kept = this.#kept(socket);
      return kept?.kind === 'viewer' && socket.readyState === WebSocket.OPEN ? [{ socket, facts: kept }] : [];
    });
  }

  /** What is kept of a socket; parsed once after waking. Null before anything was kept. */
  #kept(socket: WebSocket): Kept | null {
    const known = this.#known.get(socket);
    if (known) return known;
    const { data } = attachment.safeParse(socket.deserializeAttachment());
    if (data) this.#known.set(socket, data);
    return data ?? null;
  }

  #keep(socket: WebSocket, kept: Kept): void {
    socket.serializeAttachment(kept);
    this.#known.set(socket, kept);
  }
}

const presence = (facts: Pick<Viewer, 'viewer' | 'user' | 'connectionId'>): ViewerFacts => ({
  viewer: facts.viewer,
  userId: facts.user.id,
  userName: facts.user.name,
  connectionId: facts.connectionId,
});

function control(socket: WebSocket, message: ToViewer | ToRunnerLink): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  socket.send(encodeFrame({ type: 'control', sealed: false, viewer: 0, stream: 0, offset: 0, payload: encodeJson(message) }));
}

function close(socket: WebSocket, name: CloseName): void {
  const { code, reason } = CLOSE_CODES[name];
  if (socket.readyState === WebSocket.OPEN) socket.close(code, reason);
}
