const FIRST_MS = 3_000;
const MOST_MS = 15_000;

/**
 * How long to wait before dialling again: anything between nothing and a bound that doubles, so that the
 * browsers which one cut sent away do not come back in one wave.
 * @param attempt 0 for the first try after a cut
 * @param random 0 ≤ random < 1
 * @returns milliseconds
 */
export function backoff(attempt: number, random: number): number {
  return Math.round(random * Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 8)));
}
