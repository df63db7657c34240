import { AppError } from '@gatehouse/core/errors.ts';
import { segmentKey } from './archive-layout.ts';
import { GATHER_MS } from './ledger.append.ts';
import { BODY, bodyOf, eventIn, isErased, lineOf, type Body } from './ledger.body.ts';
import { erasedLineOf } from './ledger.erased.ts';
import { unindexEvent } from './ledger.index.ts';
import { readRetention } from './ledger.retention.ts';
import { oldestHot, readHead } from './ledger.schema.ts';
import type { SegmentPointer } from './queue.ts';

/** A segment ends at so many events or bytes, whichever comes first: it must fit an answer and memory. */
export const SEGMENT_EVENTS = 1_000;
const SEGMENT_BYTES = 4_000_000;
const ANNOUNCE_AGAIN_MS = 30_000;
const ANNOUNCE_SELDOM_MS = 15 * 60_000;
const ANNOUNCE_AT_ONCE = 100;

/** How long events stay in the hot index, and how large it may grow (an object ends at 10 GB). */
export const HOT_MS = 30 * 24 * 60 * 60_000;
const HOT_BYTES = 8_000_000_000;
const PURGE_AT_ONCE = 2_000;

function sealedTo(sql: SqlStorage): number {
  const [newest] = sql.exec<{ last: number }>('SELECT last FROM segments ORDER BY first DESC LIMIT 1');
  return newest?.last ?? readRetention(sql).purgedTo;
}

/** `seq` up to which everything lies in the archive, without a hole. */
export function archivedTo(sql: SqlStorage): number {
  const [open] = sql.exec<{ first: number }>('SELECT first FROM segments WHERE archived_at IS NULL ORDER BY first LIMIT 1');
  return open ? open.first - 1 : sealedTo(sql);
}

/** When a segment came into the archive last, and since when one waits to. */
export function archiveTimes(sql: SqlStorage): { archivedAt: string | null; archiveWaitsSince: string | null } {
  const [last] = sql.exec<{ at: string }>(
    'SELECT archived_at AS at FROM segments WHERE first <= ? ORDER BY first DESC LIMIT 1',
    archivedTo(sql),
  );
  const [waits] = sql.exec<{ at: string }>('SELECT sealed_at AS at FROM segments WHERE archived_at IS NULL ORDER BY first LIMIT 1');
  return { archivedAt: last?.at ?? null, archiveWaitsSince: waits?.at ?? null };
}

/** When the events that belong to no segment yet are to be sealed; null when there are none. */
export function sealDue(sql: SqlStorage, now: number): number | null {
  const from = sealedTo(sql);
  const size = readHead(sql)?.size ?? 0;
  if (size === from) return null;
  if (size - from >= SEGMENT_EVENTS) return now;
  const { recorded_at } = sql.exec<{ recorded_at: string }>('SELECT recorded_at FROM events WHERE seq = ?', from + 1).one();
  return Date.parse(recorded_at) + GATHER_MS;
}

/** Makes segments of everything that waits. */
export function seal(sql: SqlStorage, now: Date): void {
  for (let first = sealedTo(sql) + 1; ;) {
    const segment = nextSegment(sql, first);
    if (segment === null) return;
    sql.exec(
      'INSERT INTO segments (first, last, sealed_at, announce_at, min_time, max_time) VALUES (?, ?, ?, ?, ?, ?)',
      ...[first, segment.last, now.toISOString(), now.getTime(), segment.minTime, segment.maxTime],
    );
    first = segment.last + 1;
  }
}

interface Segment {
  last: number;
  minTime: string;
  maxTime: string;
}

function nextSegment(sql: SqlStorage, first: number): Segment | null {
  const rows = sql.exec<{ seq: number; time: string; size: number }>(
    'SELECT seq, time, coalesce(size, length(body)) AS size FROM events WHERE seq >= ? ORDER BY seq LIMIT ?',
    first,
    SEGMENT_EVENTS,
  );
  let segment: Segment | null = null;
  let bytes = 0;
  for (const { seq, time, size } of rows) {
    bytes += size;
    if (segment !== null && bytes > SEGMENT_BYTES) break;
    const { minTime, maxTime }: Omit<Segment, 'last'> = segment ?? { minTime: time, maxTime: time };
    segment = { last: seq, minTime: time < minTime ? time : minTime, maxTime: time > maxTime ? time : maxTime };
  }
  return segment;
}

/** When a segment that isn't archived is announced next; null when all are archived. */
export const announceDue = (sql: SqlStorage): number | null =>
  sql.exec<{ due: number | null }>('SELECT min(announce_at) AS due FROM segments WHERE archived_at IS NULL').one().due;

/** The segments to announce now. They count as announced: whether they arrive, `archived` tells. */
export function takeAnnouncements(sql: SqlStorage, now: number): SegmentPointer[] {
  const head = readHead(sql);
  if (!head) return [];
  const due = sql
    .exec<{ first: number; last: number; announcements: number }>(
      'SELECT first, last, announcements FROM segments WHERE archived_at IS NULL AND announce_at <= ? ORDER BY announce_at LIMIT ?',
      now,
      ANNOUNCE_AT_ONCE,
    )
    .toArray();
  for (const { first, announcements } of due) {
    const pause = Math.min(ANNOUNCE_AGAIN_MS * 2 ** announcements, ANNOUNCE_SELDOM_MS);
    sql.exec('UPDATE segments SET announcements = announcements + 1, announce_at = ? WHERE first = ?', now + pause, first);
  }
  return due.map(({ first, last }) => ({ tenantId: head.tenantId, shard: head.shard, first, last }));
}

/**
 * The archive's file of a segment; null when it is archived already, or no such segment was sealed.
 * @throws AppError `internal` rather than give a file with a hole
 */
export function segmentFile(sql: SqlStorage, first: number, last: number): { key: string; ndjson: string } | null {
  const head = readHead(sql);
  const [segment] = sql.exec<{ sealed_at: string }>(
    'SELECT sealed_at FROM segments WHERE first = ? AND last = ? AND archived_at IS NULL',
    first,
    last,
  );
  if (!head || !segment) return null;
  const rows = sql
    .exec<Body & { seq: number; salt: ArrayBuffer }>(
      `SELECT seq, salt, ${BODY} FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq`,
      first,
      last,
    )
    .toArray();
  const lines = rows.map((row) => `${isErased(row) ? erasedLineOf(sql, row.seq) : lineOf(row.salt, bodyOf(row))}\n`);
  if (lines.length !== last - first + 1) throw new AppError('internal', `Segment ${first}-${last} has lost events`);
  return { key: segmentKey(head.tenantId, segment.sealed_at, first, last), ndjson: lines.join('') };
}

/** Notes that a segment lies in the archive. Repetitions change nothing. */
export function noteArchived(sql: SqlStorage, now: Date, first: number, last: number, etag: string): void {
  sql.exec(
    'UPDATE segments SET archived_at = ?, etag = ? WHERE first = ? AND last = ? AND archived_at IS NULL',
    now.toISOString(),
    etag,
    first,
    last,
  );
}

/** When the oldest event leaves the hot index; null while nothing may. */
export function purgeDue(sql: SqlStorage, now: number): number | null {
  const oldest = oldestHot(sql);
  // Rows that D1 still has could come again: their events must be known then.
  if (oldest === null || oldest > archivedTo(sql) || readHead(sql)?.clearAt !== null) return null;
  if (sql.databaseSize > HOT_BYTES) return now;
  const { recorded_at } = sql.exec<{ recorded_at: string }>('SELECT recorded_at FROM events WHERE seq = ?', oldest).one();
  return Date.parse(recorded_at) + HOT_MS;
}

/** Deletes a bounded number of the oldest events that are due; never one that isn't archived. */
export function purge(storage: DurableObjectStorage, now: number): void {
  const { sql } = storage;
  const due = purgeDue(sql, now);
  if (due === null || due > now) return;
  const before = sql.databaseSize > HOT_BYTES ? '~' : new Date(now - HOT_MS + 1).toISOString();
  storage.transactionSync(() => {
    const rows = sql
      .exec<Body & { seq: number }>(
        `SELECT seq, ${BODY} FROM events WHERE seq <= ? AND recorded_at < ? ORDER BY seq LIMIT ?`,
        archivedTo(sql),
        before,
        PURGE_AT_ONCE,
      )
      .toArray();
    for (const { seq, ...row } of rows) {
      if (!isErased(row)) unindexEvent(sql, eventIn(bodyOf(row)));
      sql.exec('DELETE FROM events WHERE seq = ?', seq);
    }
  });
}
