import { LIMITS } from './connection.ts';

/**
 * How much of what a socket was given may still be held on the way. A socket of the platform tells neither that it is
 * full nor what it holds, and acknowledgements can lie, so the broker asks for echoes of nonces that nobody can guess
 * before reading them (SPEC K2).
 */
export interface Meter {
  /** bytes given to the socket */
  sent: number;
  /** of them, bytes before the newest mark that was echoed */
  echoed: number;
  /** marks on the way, the oldest first; `at` in milliseconds since the epoch */
  marks: { nonce: number; sent: number; at: number }[];
}

export const newMeter = (): Meter => ({ sent: 0, echoed: 0, marks: [] });

/** bytes that may be held for the socket */
export const held = ({ sent, echoed }: Meter): number => sent - echoed;

/** `bytes` more are given to the socket. `due`: a mark must follow. */
export function sending(meter: Meter, bytes: number): { meter: Meter; due: boolean } {
  const sent = meter.sent + bytes;
  const marked = meter.marks.at(-1)?.sent ?? meter.echoed;
  return { meter: { ...meter, sent }, due: sent - marked >= LIMITS.markEvery };
}

/** The peer echoed a nonce; null when it is not the oldest one that is on the way. */
export function echoed(meter: Meter, nonce: number): Meter | null {
  const [oldest, ...marks] = meter.marks;
  return oldest === undefined || oldest.nonce !== nonce ? null : { ...meter, echoed: oldest.sent, marks };
}
