import type { Clock } from '@gatehouse/core/protocol/clock.ts';
import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import type { BrowserKey } from '@gatehouse/core/protocol/connection.ts';
import type { CryptoKey } from '@gatehouse/core/protocol/crypto-key.ts';
import type { RunnerChange } from './pins.ts';

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

/** Why the workspace can't be entered yet; it will be tried again. */
export interface Waiting {
  reason: 'starting' | 'stopping' | 'runner-away' | 'not-ready';
  detail: string;
  percent: number | null;
}

/** Why the connection is over until somebody acts. */
export interface Ended {
  why: 'stopped' | 'failed' | 'gone' | 'revoked' | 'refused' | 'signed-out' | 'replaced' | 'broken' | 'runner-changed';
  detail: string;
  requestId: string | null;
  /** `runner-changed`: what to compare */
  change?: RunnerChange;
}

export type AttachOutcome =
  | { kind: 'admitted'; attachment: Attachment }
  | ({ kind: 'waiting' } & Waiting)
  | ({ kind: 'ended' } & Ended)
  /** no answer, or one that another attempt may change; `retryAfter` in seconds */
  | { kind: 'unreachable'; detail: string; retryAfter: number | null };

/** Asks to be let in, with a grant made out to that key. Never rejects. */
export type Attach = (key: BrowserKey) => Promise<AttachOutcome>;

export const browserClock: Clock = {
  now: () => Date.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
