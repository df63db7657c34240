import { z } from 'zod';
import { CLOSE_CODES, type CloseName } from '@gatehouse/core/protocol/close.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { encodeControl, SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import { seat as seatSchema, Switchboard, type Seat, type Verdict } from '@gatehouse/core/protocol/switchboard.ts';
import { base64url } from '../platform/encoding.ts';
import { ComposedObject } from '../platform/durable.ts';
import type { WorkspaceObject } from '../platform/objects.ts';
import {
  factsOf,
  linkFacts,
  requestFacts,
  streamFacts,
  tunnelFacts,
  viewerFacts,
  type AppFacts,
  type LinkFacts,
  type ViewerSocketFacts,
} from '../platform/socket-facts.ts';
import type { AppSession } from './app-sessions.ts';
import { ConnectionEvents, type ConnectionFacts, type Happened } from './connection-events.ts';
import { Lapses } from './lapses.ts';
import { OpenConnections } from './open-connections.ts';
import { provesIdentity } from './runner-keys.ts';
import { WebApps } from './web-apps.ts';

/** How often an object with viewers looks for sockets that died without a word. */
const SWEEP_MS = 5 * 60_000;
/** When it tries again to tell the ledger what could not be told. */
const TELL_AGAIN_MS = 30_000;
/** Looks within the time that a viewer may be idle, and the least time between two looks. */
const LOOKS_PER_IDLE = 4;
const SOONEST_MS = 1_000;
/** When it asks again whether access goes on, where nobody could say; and after how long it closes what nobody can vouch for. */
const ASK_AGAIN_MS = 1_000;
const VOUCHED_MS = 30_000;
/** A close frame has room for so many bytes of reason. */
const REASON_BYTES = 123;

/** What a link has yet to prove; a socket that has a place on the board has its seat attached instead, one that is over null. */
const unproved = z.object({ nonce: z.string(), identityKey: z.string(), path: z.string() });

/**
 * The switch of one workspace, between its browsers' sockets and its runner's. What moves frames is the Switchboard;
 * this gives it sockets, storage and a clock. Fields hold nothing that can't be rebuilt from attachments and SQLite,
 * since they do not survive hibernation. Handlers are synchronous, and nothing is stored on the frame path (SPEC K6).
 */
export abstract class WorkspaceShell extends ComposedObject implements WorkspaceObject {
  readonly #connections = new OpenConnections(this.ctx.storage);
  readonly #lapses = new Lapses(this.ctx.storage.sql);
  readonly #events = new ConnectionEvents(this.ctx.storage.sql);
  readonly #board = new Switchboard<WebSocket>({
    keep: (socket, seat) => socket.serializeAttachment(seat),
    send,
    close: (socket, name, why) => this.#close(socket, name, why),
    prove: (socket, signature) => this.#prove(socket, signature),
    told: (verdict) => this.#told(verdict),
    ended: (seat, reason) => this.#ended(seat, reason),
    now: () => Date.now(),
    nonce: () => crypto.getRandomValues(new Uint32Array(1))[0] ?? 0,
  });
  readonly #apps = new WebApps(this.ctx, {
    note: (facts, happened) => this.#note({ ...facts, workspaceName: `${facts.workspaceName}: ${facts.name}` }, happened),
    ended: (connectionId) => this.#lapses.remove(connectionId),
    wakeAt: (at) => this.ctx.waitUntil(this.#wakeAt(at)),
    close: (socket, name, why) => this.#close(socket, name, why),
  });
  #telling: Promise<void> = Promise.resolve();

  constructor(...args: ConstructorParameters<typeof ComposedObject>) {
    super(...args);
    for (const socket of this.ctx.getWebSockets()) this.#restore(socket);
  }

  override async fetch(request: Request): Promise<Response> {
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair('ping', 'pong'));
    const facts = factsOf(request, z.discriminatedUnion('kind', [linkFacts, viewerFacts, tunnelFacts, streamFacts, requestFacts]));
    if (facts.kind === 'tunnel' || facts.kind === 'stream' || facts.kind === 'request') return this.#apps.fetch(request, facts);
    const { 0: client, 1: server } = new WebSocketPair();
    if (facts.kind === 'link') this.#challenge(server, facts);
    else await this.#admit(server, facts);
    const version = facts.kind === 'link' ? facts.version : SUBPROTOCOL;
    return new Response(null, { status: 101, webSocket: client, headers: version === null ? {} : { 'Sec-WebSocket-Protocol': version } });
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    // What was on its way when the socket was given up.
    if (socket.readyState !== WebSocket.OPEN) return;
    if (this.#apps.has(socket)) return this.#apps.message(socket, message);
    if (typeof message === 'string') return message === 'ping' ? undefined : this.#board.close(socket, 'protocol');
    this.#board.receive(socket, new Uint8Array(message));
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    this.#gone(socket, code, reason || `closed with ${code}`);
  }

  override webSocketError(socket: WebSocket): void {
    this.#gone(socket, 1006, 'the socket failed');
  }

  async revoke(connectionId: string, cause: string): Promise<void> {
    if (this.#apps.door.end(connectionId, cause, 'revoked')) return;
    const socket = this.#board.viewer(this.#connections.findById(connectionId)?.viewer ?? 0);
    if (socket) this.#board.close(socket, 'revoked', cause);
    // It may be on its way here, past the last check.
    else this.#lapses.revoke(connectionId, cause, Date.now());
  }

  async expectLapse(connectionId: string, at: number): Promise<void> {
    this.#lapses.expect(connectionId, at, Date.now());
    if (this.#factsOf(connectionId)) await this.#wakeAt(at);
  }

  async bound(connectionId: string, bounds: { endsAt: string; idleMinutes: number; presenceUntil: string | null }): Promise<void> {
    const app = this.#apps.door.sessions.findById(connectionId);
    if (app) return this.#boundApp(app, bounds);
    const connection = this.#connections.findById(connectionId);
    if (!connection) return;
    const facts = { ...connection.facts, ...bounds };
    this.#connections.bound(connection.viewer, facts);
    await this.#watch(facts);
  }

  async enterApp(hash: string, facts: AppFacts): Promise<string | null> {
    const revoked = this.#lapses.causeAgainst(facts.connectionId);
    if (revoked !== null) return revoked;
    const now = Date.now();
    this.#apps.enter(hash, facts);
    if (facts.lapsesAt !== null) this.#lapses.expect(facts.connectionId, Date.parse(facts.lapsesAt), now);
    await this.#watch();
    if (facts.lapsesAt !== null) await this.#wakeAt(Date.parse(facts.lapsesAt));
    return null;
  }

  async stop(): Promise<void> {
    this.#apps.stop();
    for (const viewer of this.#board.viewers) this.#closeViewer(viewer, 'stopped');
    for (const socket of this.ctx.getWebSockets('link')) this.#board.close(socket, 'stopped');
  }

  /** SPEC K5. Also ends what died with the machine, looks again at what may have lapsed, and tells what is still to be told. */
  override async alarm(): Promise<void> {
    const here = new Set(this.#board.viewers);
    for (const { viewer } of this.#connections.all()) if (!here.has(viewer)) this.#end(viewer, 'the connection was lost');
    this.#closeOverdue(Date.now());
    this.#board.sweep();
    const appsNext = this.#apps.sweep();
    await this.#lookAgain();
    await this.#tell();
    const left = this.#connections.all();
    for (const { facts } of left) await this.#watch(facts);
    if (left.length === 0 && this.#events.any()) await this.#watch();
    for (const next of [this.#lapses.next(), appsNext]) if (next !== null) await this.#wakeAt(next);
  }

  /** SPEC K9. What a viewer has done is looked at here only, so that nothing is stored on the frame path. */
  #closeOverdue(now: number): void {
    for (const { viewer, facts, seenActs, activeAt } of this.#connections.all()) {
      const acts = this.#board.actsOf(viewer);
      if (facts.endsAt !== null && now >= Date.parse(facts.endsAt))
        this.#closeViewer(viewer, 'unauthenticated', 'The session’s time is over');
      else if (facts.presenceUntil !== null && now >= Date.parse(facts.presenceUntil)) this.#closeViewer(viewer, 'presence');
      else if (acts !== seenActs) this.#connections.active(viewer, acts, now);
      else if (facts.idleMinutes !== null && now - activeAt >= facts.idleMinutes * 60_000) this.#closeViewer(viewer, 'idle');
    }
  }

  /** Closes whoever's time is over. Where nobody can say, it asks again, and in the end closes so that the page asks anew. */
  async #lookAgain(): Promise<void> {
    const services = this.compose();
    const now = services.now().getTime();
    const due = this.#lapses.due(now);
    const facts = due[0] && this.#factsOf(due[0].connectionId);
    if (!facts) return;
    this.#lapses.ask(due, Date.now() + ASK_AGAIN_MS, now);
    try {
      const ids = due.map(({ connectionId }) => connectionId);
      const found = await services.revocation.lookAgain(facts.shard, facts.tenantId, ids);
      for (const [index, { connectionId, lapsesAt, cause }] of found.entries()) {
        const asked = due[index];
        if (cause !== null) await this.revoke(connectionId, cause);
        else if (asked) this.#lapses.answer(asked, Date.parse(lapsesAt));
      }
    } catch (error) {
      services.log('error', 'whether access goes on could not be looked up', { error: String(error) });
      for (const { connectionId, askedSince } of due) {
        if (askedSince === null || now - askedSince < VOUCHED_MS) continue;
        const unknown = 'Whether access goes on could not be looked up';
        if (this.#apps.door.end(connectionId, unknown, 'unavailable')) continue;
        const viewer = this.#connections.findById(connectionId)?.viewer ?? 0;
        this.#closeViewer(viewer, 'unavailable', unknown);
      }
    }
  }

  /** Whose a connection is that is here: a browser's own, or a session of an app. */
  #factsOf(connectionId: string): ViewerSocketFacts | AppFacts | undefined {
    return (this.#connections.findById(connectionId) ?? this.#apps.door.sessions.findById(connectionId))?.facts;
  }

  async #boundApp(app: AppSession, bounds: Pick<AppFacts, 'endsAt' | 'idleMinutes' | 'presenceUntil'>): Promise<void> {
    this.#apps.door.sessions.bound(app, { ...app.facts, ...bounds });
    await this.#watch();
  }

  /** Puts a socket on the board as it was left, if it has a place there. */
  #restore(socket: WebSocket): void {
    const { data } = seatSchema.safeParse(socket.deserializeAttachment());
    if (data) this.#board.restore(socket, data);
  }

  #challenge(server: WebSocket, { workspaceId, identityKey }: LinkFacts): void {
    const nonce = base64url(crypto.getRandomValues(new Uint8Array(32)));
    this.ctx.acceptWebSocket(server, ['link']);
    server.serializeAttachment({ nonce, identityKey, path: `/api/v1/runner/workspaces/${workspaceId}/link` });
    send(server, encodeControl({ kind: 'challenge', nonce }));
  }

  #prove(socket: WebSocket, signature: string): void {
    const { data } = unproved.safeParse(socket.deserializeAttachment());
    if (!data || !provesIdentity(data.identityKey, data.nonce, data.path, signature)) return this.#board.close(socket, 'unauthenticated');
    for (const other of this.ctx.getWebSockets('link')) if (other !== socket) this.#board.close(other, 'replaced');
    this.#board.linkUp(socket);
  }

  async #admit(server: WebSocket, facts: ViewerSocketFacts): Promise<void> {
    await this.#watch(facts);
    const now = Date.now();
    const lapsesAt = facts.lapsesAt === null ? null : Date.parse(facts.lapsesAt);
    if (lapsesAt !== null) await this.#wakeAt(lapsesAt);
    const revoked = this.#lapses.causeAgainst(facts.connectionId);
    const refusal = revoked === null ? this.#refusal() : 'revoked';
    if (refusal === null) {
      if (lapsesAt !== null) this.#lapses.expect(facts.connectionId, lapsesAt, now);
      this.ctx.acceptWebSocket(server, ['viewer']);
      return this.#board.join(server, this.#connections.add(facts, now));
    }
    const reason = revoked ?? CLOSE_CODES[refusal].reason;
    // One that can hibernate and is closed before it is answered tells its peer only when that closes, too.
    server.accept();
    server.close(CLOSE_CODES[refusal].code, closeReason(refusal, reason));
    this.#lapses.remove(facts.connectionId);
    this.#note(facts, { action: 'connection.end', reason, details: { seconds: 0, bytesIn: 0, bytesOut: 0 } });
  }

  /** SPEC K1, O5: why a viewer is not let in now. */
  #refusal(): CloseName | null {
    if (!this.#board.linked) return 'runnerAway';
    if (this.ctx.getWebSockets('viewer').length >= LIMITS.viewers) return 'crowded';
    return this.#connections.countJoin(Date.now()) ? null : 'crowded';
  }

  /** SPEC P6. A runner that says the same again says nothing. */
  #told(verdict: Verdict): void {
    const { viewer } = verdict;
    const connection = this.#connections.find(viewer);
    if (!connection) return;
    const { admitted, facts } = connection;
    const details = { viewer, access: facts.access, keyThumbprint: facts.keyThumbprint };
    switch (verdict.kind) {
      case 'admitted':
        if (admitted) return;
        this.#connections.admit(viewer);
        return this.#note(facts, { action: 'connection.join', details });
      case 'refuse':
        if (admitted) return;
        return this.#note(facts, { action: 'connection.join', outcome: 'denied', reason: verdict.reason, details });
      case 'drives':
        if (!admitted || !this.#connections.drive(viewer)) return;
        return this.#note(facts, { action: 'connection.drive', details });
    }
  }

  #ended({ viewer, received, meter }: Seat, reason: string): void {
    this.#end(viewer, reason, received, meter.sent);
  }

  #end(viewer: number, reason: string, bytesIn = 0, bytesOut = 0): void {
    const connection = this.#connections.find(viewer);
    if (!connection) return;
    this.#connections.remove(viewer);
    this.#lapses.remove(connection.facts.connectionId);
    const seconds = Math.round((Date.now() - connection.openedAt) / 1000);
    this.#note(connection.facts, { action: 'connection.end', reason, details: { seconds, bytesIn, bytesOut } });
  }

  #gone(socket: WebSocket, code: number, reason: string): void {
    // One that closed while the object slept was not in the list when it woke.
    this.#restore(socket);
    if (this.#apps.has(socket)) this.#apps.gone(socket);
    this.#board.left(socket, reason);
    socket.serializeAttachment(null);
    // 1005, 1006 and 1015 may not be sent.
    socket.close(code === 1005 || code === 1006 || code === 1015 ? 1000 : code);
  }

  #close(socket: WebSocket, name: CloseName, why: string): void {
    const { code } = CLOSE_CODES[name];
    const isOpen = socket.readyState === WebSocket.OPEN;
    if (isOpen && this.ctx.getTags(socket).includes('viewer')) send(socket, encodeControl({ kind: 'closing', code }));
    socket.serializeAttachment(null);
    if (isOpen) socket.close(code, closeReason(name, why));
  }

  #closeViewer(viewer: number, name: CloseName, why?: string): void {
    const socket = this.#board.viewer(viewer);
    if (socket) this.#board.close(socket, name, why);
  }

  #note(facts: ConnectionFacts, happened: Happened): void {
    this.#events.note(this.compose(), facts, happened);
    this.ctx.waitUntil(this.#tell());
  }

  /** One after another, so that the order holds. What can't be told now is told by the alarm. */
  #tell(): Promise<void> {
    const services = this.compose();
    this.#telling = this.#telling
      .then(() => this.#events.tell(services))
      .catch(async (error: unknown) => {
        services.log('warn', 'events of connections wait to be recorded', { error: String(error) });
        await this.#wakeAt(Date.now() + TELL_AGAIN_MS);
      });
    return this.#telling;
  }

  /** Looks again when it is time. @param facts a connection that may have to be closed sooner */
  async #watch(facts?: ViewerSocketFacts): Promise<void> {
    const now = Date.now();
    const idle = (facts?.idleMinutes ?? Infinity) * 60_000;
    const ends = Math.min(...[facts?.endsAt, facts?.presenceUntil].map((at) => (at ? Date.parse(at) : Infinity)));
    await this.#wakeAt(Math.max(now + SOONEST_MS, Math.min(now + SWEEP_MS, now + idle / LOOKS_PER_IDLE, ends)));
  }

  /** There is one alarm: it rings at the earliest of all that wait for it. */
  async #wakeAt(at: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm();
    if (set === null || set > at) await this.ctx.storage.setAlarm(Math.max(at, Date.now()));
  }
}

function send(socket: WebSocket, message: Uint8Array): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(message);
}

/** Whose access was taken away is told the cause, cut to what a close frame holds; for all else the code says enough. */
function closeReason(name: CloseName, why: string): string {
  if (name !== 'revoked') return CLOSE_CODES[name].reason;
  const bytes = new Uint8Array(REASON_BYTES);
  const { read } = new TextEncoder().encodeInto(why, bytes);
  return why.slice(0, read);
}
