import { describe, expect, it, vi } from 'vitest';
import type { events } from '../src/lib/api/audit.ts';
import { AuditLog } from '../src/lib/audit/log.svelte.ts';
import { auditEvent } from './data.ts';

/** An API whose log grows while it is read; pages of the size that is asked for, newest first. */
function growing(count: number) {
  const all = Array.from({ length: count }, (_, index) => auditEvent(index + 1));
  const read = vi.fn<typeof events>(async ({ limit = 100, cursor }) => {
    const older = all.toReversed().filter(({ seq }) => cursor === undefined || seq < Number(cursor));
    const items = older.slice(0, limit);
    const hasMore = older.length > limit;
    return { items, nextCursor: hasMore ? String(items.at(-1)?.seq) : null, hasMore, progress: null };
  });
  return { read, happen: (times: number) => all.push(...Array.from({ length: times }, (_, index) => auditEvent(all.length + index + 1))) };
}

const numbers = (log: AuditLog) => log.events?.map(({ seq }) => seq) ?? [];

describe('the audit log of the page', () => {
  it('lets new events wait until they are asked for', async () => {
    const { read, happen } = growing(3);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    happen(2);
    await log.look();
    expect(numbers(log)).toEqual([3, 2, 1]);
    expect(log.waiting.map(({ seq }) => seq)).toEqual([5, 4]);
    await log.show();
    expect(numbers(log)).toEqual([5, 4, 3, 2, 1]);
    expect(log.waiting).toEqual([]);
  });

  it('begins anew when more arrived than one page holds, so that none is left out', async () => {
    const { read, happen } = growing(1);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    happen(150);
    await log.look();
    expect(log.overflown).toBe(true);
    await log.show();
    expect(numbers(log).slice(0, 2)).toEqual([151, 150]);
    await log.more();
    expect(numbers(log)).toEqual(Array.from({ length: 151 }, (_, index) => 151 - index));
  });

  it('adds older pages without gap or repetition, until the beginning', async () => {
    const { read } = growing(250);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    await log.more();
    await log.more();
    expect(numbers(log)).toEqual(Array.from({ length: 250 }, (_, index) => 250 - index));
    expect(log.nextCursor).toBeNull();
  });

  it('follows short and empty answers until a page is full or the log begins', async () => {
    const answers = [[], [9, 8], [], [3]].map((seqs, index) => ({
      items: seqs.map(auditEvent),
      nextCursor: index < 3 ? `c${index}` : null,
      hasMore: index < 3,
      progress: null,
    }));
    const read = vi.fn<typeof events>(async () => answers.shift() ?? { items: [], nextCursor: null, hasMore: false, progress: null });
    const log = new AuditLog(read);
    await log.load(() => ({}));
    expect(numbers(log)).toEqual([9, 8, 3]);
    expect(read.mock.calls.map(([{ cursor, limit }]) => [cursor, limit])).toEqual([
      [undefined, 100],
      ['c0', 100],
      ['c1', 98],
      ['c2', 98],
    ]);
    expect(log.nextCursor).toBeNull();
  });

  it('asks for older events with the very query that the cursor came from, though its range ends now', async () => {
    const { read } = growing(150);
    const log = new AuditLog(read);
    let now = 0;
    await log.load(() => ({ since: new Date((now += 1000)).toISOString() }));
    await log.look();
    await log.more();
    expect(read.mock.calls.map(([{ since }]) => since?.slice(17, 19))).toEqual(['01', '02', '01']);
  });

  it('keeps what it shows when looking fails, and says so', async () => {
    const { read } = growing(2);
    const log = new AuditLog(read);
    await log.load(() => ({}));
    read.mockRejectedValueOnce(new Error('cut'));
    await log.look();
    expect(numbers(log)).toEqual([2, 1]);
    expect(log.problem?.code).toBe('internal');
  });
});
