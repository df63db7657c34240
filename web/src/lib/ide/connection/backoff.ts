const WAITS_MS = [0, 100, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000];

/**
 * How long to wait before dialling again: soon at first, then longer, and between half of it and all, so that the
 * browsers which one cut sent away do not come back in one wave.
 * @param attempt 0 for the first try after the cut of a connection that was good: that one does not wait
 * @param random 0 ≤ random < 1
 * @returns milliseconds
 */
export function backoff(attempt: number, random: number): number {
  const most = WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)] ?? 0;
  return Math.round(most * (0.5 + random / 2));
}
