import type { Clock as Time } from '@gatehouse/core/protocol/clock.ts';

/** Time and chance, injected so that tests never wait. */
export interface Clock extends Time {
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
