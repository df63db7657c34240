const FIRST = 250;
const MOST = 30_000;

/** Milliseconds before dial number `attempt` (from 0): doubling from a quarter of a second to 30 s, the upper half left to chance. */
export function backoffDelay(attempt: number, random: number): number {
  const ceiling = Math.min(MOST, FIRST * 2 ** Math.min(attempt, 10));
  return ceiling / 2 + (ceiling / 2) * random;
}
