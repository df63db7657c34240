import { beforeEach, describe, expect, test } from 'vitest';
import { TAG_BYTES } from '@gatehouse/core/protocol/aead.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { HEADER_BYTES, MAX_PAYLOAD } from '@gatehouse/core/protocol/frame.ts';
import { Outbox, type OutFrame, type Source } from '@gatehouse/core/protocol/outbox.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const OVERHEAD = HEADER_BYTES + TAG_BYTES;
const KEPT_FOR_ECHO = 64 * 1024;
const NOTHING = new Uint8Array(0);

/** So many bytes that wait on one stream. */
class Waiting implements Source {
  readonly bulk: boolean;
  pending: number;
  sent = 0;
  /** whether a `fin` follows the last byte */
  ends = false;

  constructor(pending: number, bulk = false) {
    this.pending = pending;
    this.bulk = bulk;
  }

  next(room: number): OutFrame | null {
    if (this.pending === 0 && this.ends) return { type: 'fin' };
    const payload = new Uint8Array(Math.min(room, this.pending));
    if (payload.byteLength === 0) return null;
    const offset = this.sent;
    this.sent += payload.byteLength;
    this.pending -= payload.byteLength;
    return { type: 'data', offset, payload };
  }
}

let clock: VirtualClock;
let buffered: number;
let sent: { stream: number; type: string; offset: number; bytes: number }[];
let outbox: Outbox;

function makeOutbox(window: number = LIMITS.window): Outbox {
  const send = (stream: number, { type, offset = 0, payload = NOTHING }: OutFrame) =>
    sent.push({ stream, type, offset, bytes: payload.byteLength });
  return new Outbox({ clock, buffered: () => buffered, send }, window);
}

function add(stream: number, source: Waiting): Waiting {
  outbox.add(stream, source, 0);
  return source;
}

const weigh = (frames: typeof sent) => frames.filter(({ type }) => type === 'data').reduce((sum, { bytes }) => sum + bytes + OVERHEAD, 0);

/** Acknowledges all that was sent on the stream, after so many milliseconds. */
function acknowledgeAll(stream: number, source: Waiting, ms = 1): void {
  clock.pass(ms);
  expect(outbox.acknowledge(stream, source.sent)).toBe(true);
}

beforeEach(() => {
  clock = new VirtualClock();
  buffered = 0;
  sent = [];
  outbox = makeOutbox();
});

describe('the window', () => {
  test('W2 holds over all streams together, headers and tags counted, and never less is asked of a frame than it can carry', () => {
    outbox = makeOutbox(LIMITS.passiveWindow);
    for (const stream of [1, 3, 5]) add(stream, new Waiting(Infinity));
    expect(weigh(sent)).toBe(outbox.outstanding);
    expect(outbox.outstanding).toBeLessThanOrEqual(LIMITS.passiveWindow);
    expect(sent.every(({ bytes }) => bytes > 0 && bytes <= MAX_PAYLOAD)).toBe(true);
  });

  test('W2 counts single bytes with all that they weigh', () => {
    outbox = makeOutbox(1000);
    for (let stream = 1; stream < 100; stream += 2) add(stream, new Waiting(1));
    expect(outbox.outstanding).toBe(weigh(sent));
    expect(sent).toHaveLength(Math.floor(1000 / (1 + OVERHEAD)));
  });

  test('W2 opens again by what is acknowledged, frame by frame', () => {
    outbox = makeOutbox(LIMITS.passiveWindow);
    const source = add(1, new Waiting(Infinity));
    const before = source.sent;
    const held = outbox.outstanding;
    expect(outbox.acknowledge(1, MAX_PAYLOAD - 1)).toBe(true);
    expect([source.sent, outbox.outstanding]).toEqual([before, held]);
    expect(outbox.acknowledge(1, MAX_PAYLOAD)).toBe(true);
    expect(source.sent).toBe(before + MAX_PAYLOAD);
    expect(outbox.outstanding).toBe(held);
  });

  test('W2 that shrinks stops all sending until enough is acknowledged', () => {
    const source = add(1, new Waiting(Infinity));
    for (let turn = 0; turn < 40; turn++) acknowledgeAll(1, source);
    outbox.window = LIMITS.passiveWindow;
    const before = source.sent;
    outbox.acknowledge(1, before - LIMITS.passiveWindow);
    expect(source.sent).toBe(before);
    acknowledgeAll(1, source);
    expect(source.sent).toBeGreaterThan(before);
    expect(outbox.outstanding).toBeLessThanOrEqual(LIMITS.passiveWindow);
  });

  test('W2 is freed of a stream that is over, and of one that has ended only by its acknowledgements', () => {
    const gone = add(1, new Waiting(100_000));
    const ended = add(3, new Waiting(10_000));
    ended.ends = true;
    outbox.pump();
    expect(sent.at(-1)).toMatchObject({ stream: 3, type: 'fin' });
    outbox.remove(1);
    expect(outbox.outstanding).toBe(10_000 + OVERHEAD);
    outbox.acknowledge(3, 10_000);
    expect(outbox.outstanding).toBe(0);
    expect(outbox.acknowledge(1, gone.sent)).toBe(true);
  });

  test('W2 is not opened by who acknowledges what was never sent, or the same twice', () => {
    const source = add(1, new Waiting(1000));
    expect(outbox.acknowledge(1, 1001)).toBe(false);
    expect(outbox.outstanding).toBe(1000 + OVERHEAD);
    acknowledgeAll(1, source);
    acknowledgeAll(1, source);
    expect(outbox.outstanding).toBe(0);
  });
});

describe('whose turn it is', () => {
  test('W4: an echo goes before all else, also when the window is full of other streams', () => {
    const flood = add(1, new Waiting(Infinity));
    for (let turn = 0; turn < 60; turn++) acknowledgeAll(1, flood);
    add(3, new Waiting(Infinity));
    expect(outbox.outstanding).toBeGreaterThan(LIMITS.window - 2 * KEPT_FOR_ECHO - MAX_PAYLOAD);
    sent = [];
    for (let stream = 5; stream < 5 + 2 * 14; stream += 2) add(stream, new Waiting(4096));
    expect(sent.filter(({ stream }) => stream > 3)).toHaveLength(14);
    expect(outbox.outstanding).toBeLessThanOrEqual(LIMITS.window);
  });

  test('W5: a reader that sticks stops only its own stream', () => {
    const stuck = add(1, new Waiting(Infinity));
    for (let turn = 0; turn < 60; turn++) acknowledgeAll(1, stuck);
    const other = add(3, new Waiting(50 * MAX_PAYLOAD, true));
    for (let turn = 0; turn < 60; turn++) acknowledgeAll(3, other);
    expect(other.pending).toBe(0);
  });

  test('W4: of two that wait, the one with at most 4 KiB goes first; bulk never does, however little it is', () => {
    buffered = Infinity;
    add(1, new Waiting(4097));
    add(3, new Waiting(10, true));
    add(5, new Waiting(4096));
    buffered = 0;
    outbox.pump();
    expect(sent.map(({ stream }) => stream)).toEqual([5, 1, 3]);
  });

  test('W4: all others share by turns, one frame each', () => {
    outbox = makeOutbox(0);
    const streams = [1, 3, 5];
    const sources = streams.map((stream) => add(stream, new Waiting(Infinity)));
    outbox.window = LIMITS.window;
    for (let turn = 0; turn < 10; turn++) for (const [index, source] of sources.entries()) acknowledgeAll(2 * index + 1, source);
    const counts = streams.map((stream) => sent.filter((frame) => frame.stream === stream).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    expect(Math.min(...counts)).toBeGreaterThan(10);
  });

  test('W5: bulk begins with little on the way, however large the window is', () => {
    add(1, new Waiting(Infinity, true));
    expect(outbox.outstanding).toBeLessThanOrEqual(2 * LIMITS.ackEvery);
  });

  test('W5: acknowledgements that only a timer sent say nothing about the way', () => {
    const bulk = add(1, new Waiting(Infinity, true));
    for (let turn = 0; turn < 40; turn++) acknowledgeAll(1, bulk);
    const reached = outbox.outstanding;
    bulk.pending = 0;
    acknowledgeAll(1, bulk);
    for (let stream = 3; stream < 20; stream += 2) acknowledgeAll(stream, add(stream, new Waiting(100)), LIMITS.ackWithin);
    bulk.pending = Infinity;
    outbox.pump();
    expect(outbox.outstanding).toBe(reached);
  });
});

describe('the socket', () => {
  test('W4: is filled only so far that an echo need not wait long in it, and is looked at again', () => {
    buffered = 256 * 1024;
    const source = add(1, new Waiting(10));
    expect(source.sent).toBe(0);
    clock.pass(3);
    buffered = 0;
    clock.pass(1);
    expect(source.sent).toBe(10);
    expect(clock.waiting).toEqual([]);
  });

  test('is looked at no more once the outbox is closed', () => {
    buffered = Infinity;
    add(1, new Waiting(10));
    outbox.close();
    expect(clock.waiting).toEqual([]);
    expect(outbox.outstanding).toBe(0);
    buffered = 0;
    outbox.pump();
    expect(sent).toEqual([]);
  });

  test('what carries no data needs no window', () => {
    outbox = makeOutbox(0);
    add(1, new Waiting(10));
    outbox.send(1, { type: 'head' });
    expect(sent).toEqual([{ stream: 1, type: 'head', offset: 0, bytes: 0 }]);
  });
});
