import { inNetworks } from '@gatehouse/core/access/networks.ts';
import { answerHeaders, requestHeaders, type HeaderList } from '@gatehouse/core/apps/headers.ts';
import { CLOSE_CODES, type CloseName } from '@gatehouse/core/protocol/close.ts';
import { TUNNEL } from '@gatehouse/core/protocol/tunnel.ts';
import { base64url } from '../platform/encoding.ts';
import type { AppFacts, AppRequestFacts } from '../platform/socket-facts.ts';
import { APP_SESSION_MS, AppSessions, type AppSession } from './app-sessions.ts';
import type { Happened } from './connection-events.ts';
import type { Tunnel } from './tunnel.ts';
import { type Answered, type StreamOwner, type Unanswered } from './tunnel.ts';

/** What an object says where it has no app's answer; the Worker makes a page of it. No app can say it. */
export const REFUSAL_HEADER = 'Gatehouse-Refusal';
export type DoorRefusal = 'no-session' | 'foreign' | Unanswered['failed'];

/** Refusals of one session are told once within this time. */
const TELL_MS = 10 * 60_000;
/** The least time between two looks at a session. */
const LOOK_MS = 30_000;
/** Counts are written so long after something was counted. */
const SAVE_MS = 5_000;
/** A subprotocol's name is a token (RFC 9110). */
const PROTOCOLS = /\s*,\s*/;

export interface AppDoorPorts {
  now(): number;
  note(facts: AppFacts, happened: Happened): void;
  /** forgets when it lapses */
  ended(connectionId: string): void;
  /** looks again at that time */
  wakeAt(at: number): void;
}

/** SPEC A4: looks at the session of each request to a workspace's web apps, and hands the request to the tunnel. */
export class AppDoor {
  readonly sessions: AppSessions;
  readonly #tunnel: Tunnel;
  readonly #ports: AppDoorPorts;
  #saves = false;

  constructor(sql: SqlStorage, tunnel: Tunnel, ports: AppDoorPorts) {
    this.sessions = new AppSessions(sql);
    this.#tunnel = tunnel;
    this.#ports = ports;
  }

  enter(hash: string, facts: AppFacts): void {
    this.sessions.add(hash, facts, this.#ports.now());
  }

  async answer(request: Request, facts: AppRequestFacts): Promise<Response> {
    const session = this.sessions.find(facts.cookieHash);
    if (session?.facts.label !== facts.label || this.#overdue(session) !== null) return refusal('no-session', '');
    const { networks } = session.facts;
    const elsewhere = networks !== null && !inNetworks(facts.ip, networks) ? 'Your organisation lets nobody in from this network' : null;
    if (facts.refused !== null || elsewhere !== null) return this.#refuse(session, facts.refused ?? elsewhere ?? '');
    const renewal = this.sessions.renew(session, this.#ports.now()) ? facts.renewal : null;
    this.#count(session, 1, 0, 0);
    const { pathname, search } = new URL(request.url);
    const address = { origin: facts.origin, port: session.facts.port };
    const asked: HeaderList = [...request.headers];
    const open = { port: session.facts.port, path: pathname + search, headers: requestHeaders(asked, address) };
    if (JSON.stringify(open).length > TUNNEL.head) return new Response('The request has too many headers', { status: 431 });
    const owner = this.#ownerOf(session);
    if (request.headers.get('Upgrade')?.toLowerCase() === 'websocket') {
      const protocols = (request.headers.get('Sec-WebSocket-Protocol') ?? '').split(PROTOCOLS).filter(Boolean);
      const key = base64url(crypto.getRandomValues(new Uint8Array(16)));
      const joined = await this.#tunnel.join({ kind: 'socket', ...open, protocols, key }, owner);
      if ('failed' in joined) return refusal(joined.failed, joined.message);
      return joined.end === null ? passed(joined, address, null) : upgraded(joined.end, joined.head.protocol, renewal);
    }
    const { method, body } = request;
    const answered = await this.#tunnel.ask({ kind: 'request', ...open, method, body: body !== null }, body, owner);
    return 'failed' in answered ? refusal(answered.failed, answered.message) : passed(answered, address, renewal);
  }

  /** Ends what a connection has under way. @returns whether it is a session of an app */
  end(connectionId: string, why: string, name: CloseName): boolean {
    const session = this.sessions.findById(connectionId);
    if (session === undefined) return false;
    this.sessions.remove(session);
    this.#tunnel.cut(connectionId, why, CLOSE_CODES[name].code);
    const { facts, openedAt, requests, bytesIn, bytesOut } = session;
    const seconds = Math.round((this.#ports.now() - openedAt) / 1000);
    const action = facts.named ? 'app.close' : 'port.close';
    this.#ports.note(facts, { action, reason: why, details: { app: facts.label, port: facts.port, seconds, requests, bytesIn, bytesOut } });
    this.#ports.ended(connectionId);
    return true;
  }

  endAll(why: string, name: CloseName): void {
    for (const { facts } of this.sessions.all()) this.end(facts.connectionId, why, name);
  }

  /** Ends what is over. @returns when to look again */
  sweep(): number | null {
    this.#saves = false;
    this.sessions.save();
    for (const session of this.sessions.all()) {
      const over = this.#overdue(session);
      if (over !== null) this.end(session.facts.connectionId, over.why, over.name);
    }
    // What is in use beyond its time is looked at again, but not at once.
    const soonest = this.#ports.now() + LOOK_MS;
    const next = this.sessions.all().map((session) => Math.max(soonest, this.#endsAt(session)));
    return next.length === 0 ? null : Math.min(...next);
  }

  /** The earliest end of a session, as far as it is known. */
  #endsAt({ facts, renewedAt }: AppSession): number {
    const bounds = [facts.endsAt, facts.presenceUntil].flatMap((at) => (at === null ? [] : [Date.parse(at)]));
    return Math.min(renewedAt + APP_SESSION_MS, ...bounds);
  }

  #overdue(session: AppSession): { why: string; name: CloseName } | null {
    const now = this.#ports.now();
    const { endsAt, presenceUntil, idleMinutes, connectionId } = session.facts;
    if (endsAt !== null && now >= Date.parse(endsAt)) return { why: 'The session’s time is over', name: 'unauthenticated' };
    if (presenceUntil !== null && now >= Date.parse(presenceUntil)) return { why: 'A passkey must be shown again', name: 'presence' };
    const silent = now - session.renewedAt;
    if (idleMinutes !== null && silent >= idleMinutes * 60_000) return { why: 'Nothing was asked for too long', name: 'idle' };
    // While something is under way the app is in use, also where its cookie has gone.
    if (silent >= APP_SESSION_MS && !this.#tunnel.busy(connectionId)) return { why: 'It was not used any more', name: 'idle' };
    return null;
  }

  #refuse(session: AppSession, why: string): Response {
    const now = this.#ports.now();
    if (now - session.toldAt >= TELL_MS) {
      session.toldAt = now;
      const { facts } = session;
      const details = { app: facts.label, port: facts.port };
      this.#ports.note(facts, { action: facts.named ? 'app.open' : 'port.open', outcome: 'denied', reason: why, details });
    }
    return refusal('foreign', why);
  }

  #ownerOf(session: AppSession): StreamOwner {
    return {
      connectionId: session.facts.connectionId,
      moved: (bytesIn, bytesOut) => this.#count(session, 0, bytesIn, bytesOut),
      ended: () => undefined,
    };
  }

  #count(session: AppSession, requests: number, bytesIn: number, bytesOut: number): void {
    this.sessions.count(session, requests, bytesIn, bytesOut);
    if (this.#saves) return;
    this.#saves = true;
    this.#ports.wakeAt(this.#ports.now() + SAVE_MS);
  }
}

const refusal = (code: DoorRefusal, message: string): Response =>
  new Response(message, { status: 503, headers: { [REFUSAL_HEADER]: code, 'Content-Type': 'text/plain; charset=utf-8' } });

/** The app's answer as it goes to the browser. Its encoding stays what the app made it. */
function passed({ head, body }: Answered, address: { origin: string; port: number }, renewal: string | null): Response {
  const headers = new Headers(answerHeaders(head.headers, address));
  if (renewal !== null) headers.append('Set-Cookie', renewal);
  return new Response(body, { status: head.status, statusText: head.statusText, headers, encodeBody: 'manual' });
}

function upgraded(end: WebSocket, protocol: string | null, renewal: string | null): Response {
  const headers = new Headers();
  if (protocol !== null) headers.set('Sec-WebSocket-Protocol', protocol);
  if (renewal !== null) headers.append('Set-Cookie', renewal);
  return new Response(null, { status: 101, webSocket: end, headers });
}
