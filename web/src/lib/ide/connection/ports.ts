import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import type { MakeAead } from '@gatehouse/core/protocol/aead.ts';
import type { Clock } from '@gatehouse/core/protocol/clock.ts';
import type { BrowserKey, Presence, RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import type { CryptoKey } from '@gatehouse/core/protocol/crypto-key.ts';

export type { Clock } from '@gatehouse/core/protocol/clock.ts';

/** What the connection needs from outside, so that its behaviour can be shown without a network or a clock. */

export interface Socket {
  send(message: string | Uint8Array<ArrayBuffer>): void;
  close(code: number, reason: string): void;
  /** bytes that it holds and has not handed to the network */
  buffered(): number;
}

export interface SocketEvents {
  received(message: string | ArrayBuffer): void;
  /** called once; also when the socket never opened */
  closed(code: number, reason: string): void;
}

/** Dials the workspace. The ticket travels as a subprotocol, never in the address. */
export type OpenSocket = (ticket: string, events: SocketEvents) => Socket;

/** SPEC O4: the key that proves that a grant is used by the browser that it was made out to. */
export interface ProofKey {
  publicKey: BrowserKey;
  privateKey: CryptoKey;
}

/** Fingerprints of runners that this browser has met, by the runner's id. */
export interface Pins {
  get(runnerId: string): string | null;
  set(runnerId: string, fingerprint: string): void;
}

/** A runner that shows other keys than before. */
export interface RunnerChange {
  id: string;
  name: string;
  /** fingerprint that this browser remembers */
  remembered: string;
  /** fingerprint of the keys that are shown now */
  shown: string;
}

/** The runner at the other end, as far as this browser can tell. */
export interface KnownRunner {
  name: string;
  fingerprint: string;
  /** never met before: that these are its keys is what an administrator confirmed when it was enrolled */
  firstMet: boolean;
}

/** Why the workspace can't be entered yet; it will be tried again. */
export interface Waiting {
  reason: 'starting' | 'stopping' | 'runner-away' | 'not-ready';
  detail: string;
  percent: number | null;
}

/** Why the connection is over until somebody acts. */
export interface Ended {
  why:
    | 'stopped'
    | 'failed'
    | 'trashed'
    | 'no-runner'
    | 'gone'
    | 'revoked'
    | 'refused'
    | 'signed-out'
    | 'unproved'
    | 'presence'
    | 'replaced'
    | 'idle'
    | 'broken'
    | 'runner-changed';
  detail: string;
  requestId: string | null;
  /** `runner-changed`: what to compare */
  change?: RunnerChange;
}

export type AttachOutcome =
  | { kind: 'admitted'; attachment: Attachment }
  | ({ kind: 'waiting' } & Waiting)
  | ({ kind: 'ended' } & Ended)
  /** no answer, or one (`answered`) that another attempt may change; `retryAfter` in seconds */
  | { kind: 'unreachable'; detail: string; answered: boolean; retryAfter: number | null };

/** Asks to be let in, with a grant made out to that key. Never rejects. */
export type Attach = (key: ProofKey) => Promise<AttachOutcome>;

export type ConnectionState =
  | { kind: 'connecting' }
  | { kind: 'waiting'; waiting: Waiting }
  | { kind: 'connected'; hello: RunnerHello; runner: KnownRunner }
  /** times in milliseconds since the epoch; `retryAt` is null while dialling */
  | { kind: 'reconnecting'; since: number; retryAt: number | null; offline: boolean }
  | { kind: 'ended'; ended: Ended };

export interface ConnectionEvents {
  changed(state: ConnectionState): void;
  /** a new connection stands: streams of the old one are gone, reopen what is wanted */
  connected(hello: RunnerHello): void;
  /** SPEC P1: who is here, and who drives */
  people(presence: Presence): void;
  /** something about the workspace that its people should know now */
  notice(text: string): void;
  /** milliseconds to the broker and back */
  latency(ms: number): void;
}

export interface ConnectionPorts {
  workspaceId: string;
  attach: Attach;
  /** whether anybody answers at the service's address; soon, and never rejects */
  isThere: () => Promise<boolean>;
  openSocket: OpenSocket;
  clock: Clock;
  /** 0 ≤ random < 1 */
  random: () => number;
  /** names this page to the runner: input is counted by it, so no other page may have it */
  clientId: string;
  key: () => Promise<ProofKey>;
  pins: Pins;
  makeAead: MakeAead;
  /** false: it is known that there is no network */
  online: () => boolean;
}

export const browserClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
