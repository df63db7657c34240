/** Time and chance, injected so that tests never wait. */
export interface Clock {
  /** milliseconds since the epoch */
  now(): number;
  /** calls once after `ms`; the answer cancels */
  after(ms: number, call: () => void): () => void;
  /** 0 ≤ x < 1 */
  random(): number;
}

export const systemClock: Clock = {
  now: Date.now,
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};
