import { expect, test } from 'vitest';
import { heapInUse } from '../../../support/heap.ts';

/** `FUZZ=n` frames each, by `SEED=n`. */
export const FRAMES = Number(process.env['FUZZ'] ?? 4_000);
export const SEED = Number(process.env['SEED'] ?? 1);
/** that an honest end is served is looked at after so many */
export const LOOK_EVERY = 50;
/** that all of them may leave behind, in bytes */
const MOST_KEPT = 32 * 1024 * 1024;

/** @param play sends so many frames: nothing may escape it, and little may be left of it */
export function fuzz(what: string, play: () => Promise<void> | void): void {
  test(
    `${what} (${FRAMES} frames, SEED=${SEED})`,
    async () => {
      const before = heapInUse();
      await play();
      expect(heapInUse() - before).toBeLessThan(MOST_KEPT);
    },
    60_000 + FRAMES,
  );
}
