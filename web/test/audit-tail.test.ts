import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { Tail, type Source } from '../src/lib/audit/tail.svelte.ts';
import { auditEvent, NOW } from './data.ts';

/** A browser's EventSource, played by hand. */
class FakeSource implements Source {
  readyState = 1;
  readonly path: string;
  readonly #listeners = new Map<string, (event: MessageEvent<string>) => void>();

  constructor(path: string) {
    this.path = path;
  }
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void) {
    this.#listeners.set(type, listener);
  }
  close() {
    this.readyState = 2;
  }
  say(type: string, data: unknown = {}, lastEventId = '') {
    this.#listeners.get(type)?.(new MessageEvent(type, { data: JSON.stringify(data), lastEventId }));
  }
  record(event: AuditEvent) {
    this.say('audit', event, String(event.seq));
  }
  break(state: 0 | 2) {
    this.readyState = state;
    this.say('error');
  }
}

const path = (after: number) => `/stream?after=${after}`;

function following(after = 10) {
  const sources: FakeSource[] = [];
  const arrived: number[] = [];
  const tail = new Tail(
    (events) => arrived.push(...events.map(({ seq }) => seq)),
    (opened) => {
      const source = new FakeSource(opened);
      sources.push(source);
      return source;
    },
  );
  tail.start(path, after);
  const last = () => sources.at(-1) ?? expect.fail('nothing was opened');
  return { tail, sources, arrived, last };
}

beforeEach(() => vi.useFakeTimers({ now: NOW }));
afterEach(() => vi.useRealTimers());

describe('following the log live', () => {
  it('begins behind the event that the page has, and hands on what comes together', () => {
    const { tail, arrived, last } = following();
    expect([last().path, tail.state]).toEqual(['/stream?after=10', 'connecting']);
    last().say('open');
    expect(tail.state).toBe('live');
    last().record(auditEvent(11));
    last().record(auditEvent(12));
    expect(arrived).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(arrived).toEqual([11, 12]);
  });

  it('says how far behind it is, by when the newest event was recorded', () => {
    const { tail, last } = following();
    last().record({ ...auditEvent(11), recordedAt: new Date(NOW - 400).toISOString() });
    expect(tail.delay).toBe(400);
  });

  it('waits while the browser comes again by itself, and says so', () => {
    const { tail, sources, last } = following();
    last().say('open');
    vi.advanceTimersByTime(3_000);
    last().break(0);
    expect([tail.state, tail.since, sources.length]).toEqual(['behind', NOW, 1]);
    last().say('open');
    expect([tail.state, tail.since]).toEqual(['live', null]);
  });

  it('comes again behind the last event where the browser gives up, ever more seldom', () => {
    const { tail, sources, last } = following();
    last().record(auditEvent(14));
    last().say('quiet', {}, '20');
    last().break(2);
    vi.advanceTimersByTime(1_000);
    expect(sources.map((source) => source.path)).toEqual(['/stream?after=10', '/stream?after=20']);
    last().break(2);
    vi.advanceTimersByTime(1_999);
    expect(sources).toHaveLength(2);
    vi.advanceTimersByTime(1);
    expect(sources).toHaveLength(3);
    last().say('open');
    expect(tail.state).toBe('live');
  });

  it('does not trust a connection that says nothing any more', () => {
    const { tail, sources, last } = following();
    last().say('open');
    const first = last();
    vi.advanceTimersByTime(30_000);
    expect(tail.state).toBe('behind');
    expect(first.readyState).toBe(2);
    vi.advanceTimersByTime(1_000);
    expect(sources).toHaveLength(2);
  });

  it('ends for good when its person may not read any more, and comes again after everything else', () => {
    const { tail, sources, last } = following();
    last().say('end', { code: 'unavailable', title: 'Not available right now' });
    vi.advanceTimersByTime(1_000);
    expect([tail.state, sources.length]).toEqual(['behind', 2]);
    last().say('end', { code: 'permission-denied', title: 'You may not do this' });
    vi.advanceTimersByTime(120_000);
    expect([tail.state, tail.why, sources.length]).toEqual(['ended', 'You may not do this', 2]);
  });

  it('holds nothing open while nobody looks, and misses nothing', () => {
    const { tail, sources, last } = following();
    last().record(auditEvent(11));
    tail.setVisible(false);
    expect(last().readyState).toBe(2);
    vi.advanceTimersByTime(60_000);
    expect(sources).toHaveLength(1);
    tail.setVisible(true);
    expect(last().path).toBe('/stream?after=11');
  });

  it('hears nothing of a stream that was replaced', () => {
    const { tail, arrived, sources } = following();
    tail.start(path, 30);
    sources[0]?.record(auditEvent(11));
    vi.advanceTimersByTime(1_000);
    expect(arrived).toEqual([]);
    tail.stop();
    expect([tail.state, sources[1]?.readyState]).toEqual(['off', 2]);
  });
});
