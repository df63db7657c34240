import { describe, expect, it, vi } from 'vitest';
import type { events } from '../src/lib/api/audit.ts';
import { AuditLog } from '../src/lib/audit/log.svelte.ts';
import { auditEvent } from './data.ts';

/** An API whose log grows while it is read; pages of the size that is asked for, newest first. */
function growing(count: number) {
  const all = Array.from({ length: count }, (_, index) => auditEvent(index + 1));
  const read = vi.fn<typeof events>(async ({ limit = 100, cursor }) => {
    const end = cursor === undefined ? all.length : Number(cursor) - 1;
    const items = all.slice(Math.max(0, end - limit), end).reverse();
    const more = end > limit;
    return { items, nextCursor: more ? String(items.at(-1)?.seq) : null, hasMore: more, progress: null };
  });
  const happen = (times: number) => {
    const fresh = Array.from({ length: times }, (_, index) => auditEvent(all.length + index + 1));
    all.push(...fresh);
    return fresh;
  };
  return { read, happen };
}

/** Answers of an archive: numbers of events, and how far it was read. */
function archive(pages: Array<{ seqs: number[]; time?: string; last?: boolean }>) {
  let at = 0;
  return vi.fn<typeof events>(async () => {
    const { seqs = [], time, last } = pages[at++] ?? { last: true };
    const progress = time === undefined ? null : { seq: 1, time };
    return { items: seqs.map(auditEvent), nextCursor: last ? null : `c${at}`, hasMore: !last, progress };
  });
}

const numbers = (log: AuditLog) => (log.blocks ?? []).flatMap(({ events: each }) => (each ?? []).map(({ seq }) => seq));
const down = (from: number) => Array.from({ length: from }, (_, index) => from - index);

describe('the audit log of the page', () => {
  it('lets new events wait until they are asked for', async () => {
    const { read, happen } = growing(3);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    log.receive(happen(2));
    expect(numbers(log)).toEqual([3, 2, 1]);
    expect(log.waiting.map(({ seq }) => seq)).toEqual([5, 4]);
    await log.show();
    expect(numbers(log)).toEqual(down(5));
    expect(log.waiting).toEqual([]);
  });

  it('shows them at once where it is followed, without touching the blocks below', async () => {
    const { read, happen } = growing(150);
    const log = new AuditLog(read);
    log.follow = true;
    await log.load(() => ({}));
    const [page] = log.blocks ?? [];
    log.receive(happen(1));
    log.receive(happen(2));
    expect(numbers(log).slice(0, 4)).toEqual([153, 152, 151, 150]);
    expect(log.blocks?.map(({ count }) => count)).toEqual([3, 25, 25, 25, 25]);
    expect(log.blocks?.[1]).toBe(page);
    log.receive(happen(24));
    expect(log.blocks?.map(({ count }) => count)).toEqual([24, 3, 25, 25, 25, 25]);
  });

  it('lets them wait while one looks further down, though it is followed', async () => {
    const { read, happen } = growing(3);
    const log = new AuditLog(read);
    log.follow = true;
    await log.load(() => ({}));
    log.atTop = false;
    log.receive(happen(2));
    expect([numbers(log), log.waiting.length]).toEqual([down(3), 2]);
    log.atTop = true;
    log.receive(happen(1));
    expect([numbers(log), log.waiting.length]).toEqual([down(6), 0]);
  });

  it('does not push about who has gone further down before it has begun anew', async () => {
    const { read, happen } = growing(150);
    const log = new AuditLog(read);
    log.follow = true;
    await log.load(() => ({}));
    const before = numbers(log);
    const beginsAnew = new Promise<void>((begun) =>
      read.mockImplementationOnce(async () => {
        log.atTop = false;
        begun();
        return { items: happen(1), nextCursor: null, hasMore: false, progress: null };
      }),
    );
    log.receive(happen(1_001));
    await beginsAnew;
    await vi.waitUntil(() => !log.busy);
    expect(numbers(log)).toEqual(before);
    expect(log.overflown).toBe(true);
    await log.more();
    expect(numbers(log)).toEqual(down(150));
    await log.show();
    expect(numbers(log)[0]).toBe(1_152);
  });

  it('holds no more than some thousand events, however long it is followed or read back', async () => {
    const { read, happen } = growing(5_000);
    const log = new AuditLog(read);
    log.follow = true;
    await log.load(() => ({}));
    for (let round = 0; round < 25; round++) {
      log.receive(happen(60));
      await vi.waitFor(() => expect(log.busy).toBe(false));
    }
    expect(numbers(log)[0]).toBe(6_500);
    expect(log.held).toBeLessThan(1_200);
    log.follow = false;
    for (let round = 0; round < 25; round++) {
      await log.more();
      const end = (log.blocks?.length ?? 0) - 1;
      log.draw(end - 8, end);
      expect(log.held).toBeLessThanOrEqual(3_200);
    }
    expect(log.count).toBeGreaterThan(5_000);
  });

  it('reads again what was put away, where somebody comes back to it', async () => {
    const { read } = growing(5_000);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    while (log.nextCursor !== null) {
      await log.more();
      const end = (log.blocks?.length ?? 0) - 1;
      log.draw(end - 8, end);
    }
    expect(log.held).toBeLessThanOrEqual(3_200);
    const asked = read.mock.calls.length;
    for (let first = (log.blocks?.length ?? 0) - 8; first >= 0; first -= 8) {
      log.draw(first, first + 7);
      await vi.waitFor(() => expect(log.blocks?.slice(first, first + 8).every(({ events: each }) => each !== null)).toBe(true));
      const shown = (log.blocks ?? []).slice(first, first + 8).flatMap(({ events: each }) => (each ?? []).map(({ seq }) => seq));
      expect(shown).toEqual(down(5_000).slice(first * 25, first * 25 + 200));
      expect(log.held).toBeLessThanOrEqual(3_200);
    }
    // Each page once, not once for each of its blocks.
    expect(read.mock.calls.length - asked).toBeLessThanOrEqual(25);
  });

  it('finds what was put away though late events have come in between, and says when it can’t', async () => {
    const { read } = growing(6_000);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    while (log.nextCursor !== null) await log.more();
    const end = (log.blocks?.length ?? 0) - 1;
    log.draw(end, end);
    const at = log.blocks?.findIndex(({ events: each }) => each === null) ?? expect.fail();
    const answer = read.getMockImplementation() ?? expect.fail();
    // Two that were not there before stand first: the last two of the page come with the next.
    read.mockImplementationOnce(async (...asked) => {
      const page = await answer(...asked);
      const items = [auditEvent(9_001), auditEvent(9_002), ...page.items.slice(0, -2)];
      return { ...page, items, nextCursor: String(items.at(-1)?.seq) };
    });
    log.draw(at, at + 7);
    await vi.waitFor(() => expect(log.blocks?.slice(at, at + 8).every(({ events: each }) => each !== null)).toBe(true));
    const other = log.blocks?.findIndex(({ events: each }) => each === null) ?? expect.fail();
    read.mockRejectedValueOnce(new Error('cut'));
    log.draw(other, other + 7);
    await vi.waitFor(() => expect(log.lost?.code).toBe('internal'));
    log.retry();
    await vi.waitFor(() => expect(log.blocks?.[other]?.events).not.toBeNull());
    expect(log.lost).toBeNull();
  });

  it('takes each event once, whether a page or the stream brings it first', async () => {
    const { read, happen } = growing(2);
    const log = new AuditLog(read);
    const fresh = happen(1);
    await log.load(() => ({}));
    log.receive(fresh);
    expect(numbers(log)).toEqual([3, 2, 1]);
    expect(log.waiting).toEqual([]);
    log.receive(happen(1));
    log.receive([]);
    expect(log.waiting).toHaveLength(1);
  });

  it('begins anew when more arrived than can wait, so that none is left out', async () => {
    const { read, happen } = growing(1);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    log.receive(happen(1_001));
    log.receive(happen(5));
    expect([log.overflown, log.waiting.length]).toEqual([true, 0]);
    await log.show();
    expect(numbers(log)).toEqual(down(1_007).slice(0, 100));
    expect(log.overflown).toBe(false);
  });

  it('adds older pages without gap or repetition, until the beginning', async () => {
    const { read } = growing(250);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    await log.more();
    await log.more();
    expect(numbers(log)).toEqual(down(250));
    expect([log.count, log.nextCursor, log.paused]).toEqual([250, null, false]);
  });

  it('follows short and empty answers until a page is full or the log begins', async () => {
    const read = archive([{ seqs: [] }, { seqs: [9, 8] }, { seqs: [] }, { seqs: [3], last: true }]);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    expect(numbers(log)).toEqual([9, 8, 3]);
    expect(read.mock.calls.map(([{ cursor, limit }]) => [cursor, limit])).toEqual([
      [undefined, 100],
      ['c1', 100],
      ['c2', 98],
      ['c3', 98],
    ]);
  });

  it('says how far back it has looked, and stops to ask when it looked far for little', async () => {
    const days = Array.from({ length: 25 }, (_, index) => ({
      seqs: [],
      time: `2026-10-${String(25 - index).padStart(2, '0')}T00:00:00.000Z`,
    }));
    const read = archive([...days, { seqs: [1], last: true }]);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    expect([log.lookedBackTo, log.paused, read.mock.calls.length]).toEqual(['2026-10-06T00:00:00.000Z', true, 20]);
    await log.more();
    expect([numbers(log), log.paused, log.nextCursor]).toEqual([[1], false, null]);
  });

  it('can be stopped while it looks, and goes on where it was', async () => {
    const read = archive([{ seqs: [9], time: '2026-10-09T00:00:00.000Z' }, { seqs: [8] }, { seqs: [7], last: true }]);
    const log = new AuditLog(read);
    const answer = read.getMockImplementation();
    read.mockImplementation(async (...asked) => {
      if (read.mock.calls.length === 2) log.halt();
      asked[1]?.signal?.throwIfAborted();
      return (await answer?.(...asked)) ?? expect.fail();
    });
    await log.load(() => ({}));
    expect([numbers(log), log.busy, log.paused, log.problem]).toEqual([[9], false, true, null]);
    await log.more();
    expect(numbers(log)).toEqual([9, 8, 7]);
  });

  it('asks for older events with the very query that the cursor came from, though its range ends now', async () => {
    const { read } = growing(250);
    const log = new AuditLog(read);
    let now = 0;
    await log.load(() => ({ since: new Date((now += 1000)).toISOString() }));
    await log.more();
    expect(read.mock.calls.map(([{ since }]) => since?.slice(17, 19))).toEqual(['01', '01']);
  });

  it('keeps what it shows when reading on fails, and says so', async () => {
    const { read } = growing(150);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    read.mockRejectedValueOnce(new Error('cut'));
    await log.more();
    expect(numbers(log)).toEqual(down(150).slice(0, 100));
    expect(log.problem?.code).toBe('internal');
    await log.more();
    expect([numbers(log).length, log.problem]).toEqual([150, null]);
  });
});
