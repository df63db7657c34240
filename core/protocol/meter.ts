import { z } from 'zod';
import { LIMITS } from './connection.ts';

const count = z.number().int().min(0);

/** A question to a socket, which its peer answers as soon as it has read what went before. */
const mark = z.object({
  nonce: count,
  /** bytes given to the socket before it */
  sent: count,
  /** milliseconds since the epoch */
  at: count,
  /** on the runner's link: the viewer on whose account it was sent (0: nobody's), and the bytes that had come from it */
  viewer: count,
  received: count,
});
export type Mark = z.infer<typeof mark>;

/**
 * How much of what a socket was given may still be held on the way. A socket of the platform tells neither that it is
 * full nor what it holds, and acknowledgements can lie, so the broker asks for echoes of nonces that nobody can guess
 * before reading them (SPEC K2). It changes in place: one is touched with each frame.
 */
export const meter = z.object({
  /** bytes given to the socket */
  sent: count,
  /** of them, bytes before the newest mark that was echoed */
  echoed: count,
  /** marks on the way, the oldest first */
  marks: z.array(mark),
});
export type Meter = z.infer<typeof meter>;

export const newMeter = (): Meter => ({ sent: 0, echoed: 0, marks: [] });

/** bytes that may be held for the socket */
export const held = ({ sent, echoed }: Meter): number => sent - echoed;

/** SPEC K2: whether a mark must follow what was given last. */
export const markDue = ({ sent, echoed, marks }: Meter): boolean => sent - (marks.at(-1)?.sent ?? echoed) >= LIMITS.markEvery;

/** The peer echoed a nonce. @returns the mark it answers; null when the oldest one on the way has another nonce */
export function takeEcho(meter: Meter, nonce: number): Mark | null {
  const [oldest] = meter.marks;
  if (oldest?.nonce !== nonce) return null;
  meter.marks.shift();
  meter.echoed = oldest.sent;
  return oldest;
}
