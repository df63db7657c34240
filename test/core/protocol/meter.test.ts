import { beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { held, markDue, newMeter, takeEcho, type Meter } from '@gatehouse/core/protocol/meter.ts';

const ACCOUNT = { at: 0, viewer: 0, received: 0 };

let meter: Meter;
beforeEach(() => {
  meter = newMeter();
});

/** So many bytes are given to the socket, and a mark behind them. */
function give(bytes: number, nonce: number): void {
  meter.sent += bytes;
  meter.marks.push({ ...ACCOUNT, nonce, sent: meter.sent });
}

describe('what a socket may hold', () => {
  test('K2: a mark is due after each 64 KiB since the one before, echoed or not', () => {
    meter.sent = LIMITS.markEvery - 1;
    expect(markDue(meter)).toBe(false);
    meter.sent += 1;
    expect(markDue(meter)).toBe(true);
    give(0, 1);
    expect(markDue(meter)).toBe(false);
    meter.sent += LIMITS.markEvery;
    expect(markDue(meter)).toBe(true);
    takeEcho(meter, 1);
    expect(markDue(meter)).toBe(true);
  });

  test('K2: an echo frees what was given before its mark, and nothing behind it', () => {
    give(1000, 1);
    give(500, 2);
    meter.sent += 7;
    expect(held(meter)).toBe(1507);
    expect(takeEcho(meter, 1)).toMatchObject({ nonce: 1, sent: 1000 });
    expect(held(meter)).toBe(507);
    takeEcho(meter, 2);
    expect(held(meter)).toBe(7);
  });

  test.each([
    ['of a later mark', 2],
    ['that nobody asked for', 3],
  ])('K2: an echo %s is none, and changes nothing', (_what, nonce) => {
    give(1000, 1);
    give(500, 2);
    expect(takeEcho(meter, nonce)).toBeNull();
    expect([held(meter), meter.marks.length]).toEqual([1500, 2]);
  });

  test('K2: an echo is taken once', () => {
    give(1000, 1);
    takeEcho(meter, 1);
    expect(takeEcho(meter, 1)).toBeNull();
    expect(held(meter)).toBe(0);
  });
});
