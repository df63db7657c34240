import { beforeEach, describe, expect, test } from 'vitest';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { Taken } from '@gatehouse/core/protocol/taken.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const START = 1000;

let clock: VirtualClock;
let acks: number[];
let taken: Taken;

beforeEach(() => {
  clock = new VirtualClock();
  acks = [];
  taken = new Taken(clock, (offset) => acks.push(offset), START);
});

describe('what was dealt with', () => {
  test('W1 is acknowledged at once when 64 KiB are not acknowledged yet', () => {
    taken.upTo(START + LIMITS.ackEvery - 1);
    expect(acks).toEqual([]);
    taken.upTo(START + LIMITS.ackEvery);
    expect(acks).toEqual([START + LIMITS.ackEvery]);
    expect(clock.waiting).toEqual([]);
  });

  test('W1 is acknowledged after a second, counted from the first byte, however little it is', () => {
    taken.upTo(START + 1);
    clock.pass(LIMITS.ackWithin - 1);
    taken.upTo(START + 2);
    expect(acks).toEqual([]);
    clock.pass(1);
    expect(acks).toEqual([START + 2]);
    clock.pass(10 * LIMITS.ackWithin);
    expect(acks).toEqual([START + 2]);
  });

  test('W1 is told by the offset, once, and never goes back', () => {
    taken.upTo(START + 10);
    taken.tell();
    taken.upTo(START + 5);
    taken.upTo(START + 10);
    taken.tell();
    expect(acks).toEqual([START + 10]);
    expect(taken.offset).toBe(START + 10);
    expect(clock.waiting).toEqual([]);
  });

  test('is told no more once the stream has ended, and no timer is left', () => {
    taken.upTo(START + 10);
    taken.end();
    expect(clock.waiting).toEqual([]);
    expect(acks).toEqual([]);
  });
});
