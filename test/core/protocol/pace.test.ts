import { beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { Pace } from '@gatehouse/core/protocol/pace.ts';

const LEAST = 2 * LIMITS.ackEvery;
const START = Date.UTC(2026, 0, 1);

let pace: Pace;
let now: number;

/** An acknowledgement that took so many milliseconds, 1 ms after the one before. */
function acknowledged(took: number): void {
  now += 1;
  pace.acknowledged(now - took, now);
}

const times = (count: number, took: number) => Array.from({ length: count }, () => acknowledged(took));

beforeEach(() => {
  pace = new Pace();
  now = START;
});

describe('bulk on the way', () => {
  test('W5 grows up to the window while acknowledgements come within 8 ms of the shortest way', () => {
    expect(pace.window).toBe(LEAST);
    acknowledged(20);
    expect(pace.window).toBeGreaterThan(LEAST);
    times(100, 28);
    expect(pace.window).toBe(LIMITS.window);
  });

  test('W5 shrinks when they take longer, but leaves enough that acknowledgements by size go on', () => {
    times(100, 20);
    acknowledged(29);
    expect(pace.window).toBeLessThan(LIMITS.window);
    times(100, 29);
    expect(pace.window).toBe(LEAST);
  });

  test('W5 keeps where it is on a way whose queue is at the edge', () => {
    acknowledged(20);
    const seen = new Set<number>();
    for (let turn = 0; turn < 300; turn++) {
      // each 32 KiB above the least put a millisecond more into the queue
      acknowledged(20 + (pace.window - LEAST) / (32 * 1024));
      seen.add(pace.window);
    }
    expect(Math.max(...seen)).toBeLessThanOrEqual(LEAST + 9 * 32 * 1024);
    expect(pace.window).toBeGreaterThan(LEAST);
  });

  test('W5 believes in a longer way after a while, as when the network changed', () => {
    times(100, 20);
    times(50, 100);
    expect(pace.window).toBe(LEAST);
    times(21_000, 100);
    expect(pace.window).toBe(LIMITS.window);
  });
});
