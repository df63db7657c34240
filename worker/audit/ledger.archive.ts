import type { ArchivePlace, ArchivePlan, Compacted, EventQuery, PlaceQuery, SegmentRun } from '../platform/objects.ts';
import { proofKey, segmentKey, sidecarKey } from './archive-layout.ts';
import { expectInArchive, pendingAmong } from './ledger.erased.ts';
import type { NewVersion } from './archive-erase.ts';
import { filterOf, hotBounds, usableCovers } from './ledger.query.ts';
import { readHead } from './ledger.schema.ts';
import { archivedTo } from './ledger.segments.ts';

/** A day's file holds at most so many events. */
export const COMPACTED_EVENTS = 100_000;
const DAY_MS = 24 * 60 * 60_000;
/** A day is compacted once it has been over for so long. */
const SETTLED_MS = 60 * 60_000;
const COMPACT_AGAIN_MS = 30 * 60_000;
const DISCARDED_AT_ONCE = 500;
/** What the archive won't delete is tried ever more seldom: a bucket lock lasts for days, or for years. */
const REFUSED_AGAIN_MS = COMPACT_AGAIN_MS;
const REFUSED_SELDOM_MS = 7 * DAY_MS;

interface SegmentRow extends Record<string, SqlStorageValue> {
  first: number;
  last: number;
  sealed_at: string;
  min_time: string | null;
  max_time: string | null;
  file: string | null;
  file_offset: number | null;
  file_length: number | null;
}
const COLUMNS = 'first, last, sealed_at, min_time, max_time, file, file_offset, file_length';

function placeAt(tenantId: string, row: SegmentRow): ArchivePlace {
  const { first, last, sealed_at, file, file_offset, file_length } = row;
  const bytes = file_offset === null || file_length === null ? null : { offset: file_offset, length: file_length };
  return { first, last, sealedAt: sealed_at, key: file ?? segmentKey(tenantId, sealed_at, first, last), bytes };
}

/** Where the archive keeps the event of that number; null while it is not archived. */
export function placeOf(sql: SqlStorage, seq: number): ArchivePlace | null {
  const head = readHead(sql);
  const [segment] = sql.exec<SegmentRow & { archived_at: string | null }>(
    `SELECT ${COLUMNS}, archived_at FROM segments WHERE first <= ? ORDER BY first DESC LIMIT 1`,
    seq,
  );
  if (!head || !segment || segment.archived_at === null || segment.last < seq) return null;
  return placeAt(head.tenantId, segment);
}

/** The archived places of a range of numbers that may hold events of a range of time, in order. */
export function placesIn(sql: SqlStorage, { low, high, order, since, until, sealedSince, limit }: PlaceQuery): ArchivePlace[] {
  const head = readHead(sql);
  if (!head) return [];
  const rows = sql.exec<SegmentRow>(
    `SELECT ${COLUMNS} FROM segments WHERE last >= ? AND first <= ? AND archived_at IS NOT NULL
       AND coalesce(max_time >= ?, 1) AND coalesce(min_time < ?, 1) AND sealed_at >= ? ORDER BY first ${order} LIMIT ?`,
    ...[low, high, since ?? '', until ?? '~', sealedSince ?? '', limit],
  );
  return Array.from(rows, (row) => placeAt(head.tenantId, row));
}

/** The first event that the archive still has; 0 when it has none. */
const oldestArchived = (sql: SqlStorage): number => {
  const [row] = sql.exec<{ first: number }>('SELECT first FROM segments WHERE archived_at IS NOT NULL ORDER BY first LIMIT 1');
  return row?.first ?? 0;
};

/** Where to look in the archive for what a query asks, and what to look for. */
export function archivePlan(sql: SqlStorage, query: EventQuery, range: PlaceQuery): ArchivePlan {
  const filter = filterOf(query);
  const covers = filter ? usableCovers(sql, filter) : [];
  const places = placesIn(sql, range);
  const [low, high] = places.reduce(
    ([from, to], { first, last }) => [Math.min(from, first), Math.max(to, last)],
    [Number.MAX_SAFE_INTEGER, 0],
  );
  return {
    places,
    erased: pendingAmong(sql, low, high),
    terms: covers.filter(({ match }) => match === null).map(({ terms }) => terms),
    oldest: oldestArchived(sql),
    hot: hotBounds(sql),
  };
}

interface Chore {
  /** segments up to this event are in larger files, or stay as they are */
  done: number;
  /** not announced again before */
  notBefore: number;
}

const readChore = (sql: SqlStorage): Chore => {
  const row = sql.exec<{ done: number; not_before: number }>('SELECT done, not_before FROM compaction').one();
  return { done: row.done, notBefore: row.not_before };
};

/** `seq` up to which files stay as they are. */
export const compactedTo = (sql: SqlStorage): number => readChore(sql).done;

/** The segments of the first day that is over and in small files yet, at most as many as one file holds. */
function nextRun(sql: SqlStorage, done: number): SegmentRow[] {
  const [first] = sql.exec<SegmentRow>(`SELECT ${COLUMNS} FROM segments WHERE first > ? ORDER BY first LIMIT 1`, done);
  if (!first) return [];
  const day = first.sealed_at.slice(0, 10);
  const rows = sql.exec<SegmentRow>(
    `SELECT ${COLUMNS} FROM segments WHERE first > ? AND last < ? AND sealed_at < ? AND file IS NULL ORDER BY first`,
    ...[done, first.first + COMPACTED_EVENTS, `${day}~`],
  );
  return rows.toArray();
}

/** When the first day that is in small files yet has been over for long enough; null when there is none. */
function settledAt(sql: SqlStorage): number | null {
  const { done } = readChore(sql);
  const [first] = sql.exec<{ sealed_at: string }>('SELECT sealed_at FROM segments WHERE first > ? ORDER BY first LIMIT 1', done);
  return first ? Date.parse(`${first.sealed_at.slice(0, 10)}T00:00:00.000Z`) + DAY_MS + SETTLED_MS : null;
}

/** When segments become a larger file; null when there is nothing to do. */
function runDue(sql: SqlStorage): number | null {
  const settled = settledAt(sql);
  return settled === null ? null : Math.max(settled, readChore(sql).notBefore);
}

/** When left-overs are deleted; null when there are none. */
function discardDue(sql: SqlStorage): number | null {
  const [row] = sql.exec<{ due: number }>(
    'SELECT max(leftovers.not_before, discard_at) AS due FROM leftovers, compaction ORDER BY leftovers.not_before LIMIT 1',
  );
  return row?.due ?? null;
}

/** When segments become a larger file, or left-overs are deleted; null when there is nothing to do. */
export function compactDue(sql: SqlStorage): number | null {
  const dues = [runDue(sql), discardDue(sql)].filter((due) => due !== null);
  return dues.length === 0 ? null : Math.min(...dues);
}

/** What is to become one file, or to be deleted, now that it counts as announced; null when there is nothing. */
export function takeCompaction(sql: SqlStorage, now: number): { tenantId: string; shard: string; compact: number } | null {
  const head = readHead(sql);
  if (!head) return null;
  const isDue = (due: number | null) => due !== null && due <= now;
  const discards = isDue(discardDue(sql));
  if (discards) sql.exec('UPDATE compaction SET discard_at = ?', now + COMPACT_AGAIN_MS);
  const run = isDue(runDue(sql)) ? takeRun(sql, now) : null;
  return run === null && !discards ? null : { tenantId: head.tenantId, shard: head.shard, compact: run ?? 0 };
}

/** @returns where a run of segments begins that are to become one file; null when it is not the time, or they stay as they are */
function takeRun(sql: SqlStorage, now: number): number | null {
  const run = nextRun(sql, readChore(sql).done);
  const [first, last] = [run[0], run.at(-1)];
  // What a rebuilt ledger found in the archive stays in the files in which it was.
  if (!first || !last) {
    sql.exec(
      `UPDATE compaction SET not_before = ?,
         done = max(done, coalesce((SELECT min(first) - 1 FROM segments WHERE file IS NULL AND first > done), (SELECT max(last) FROM segments)))`,
      now,
    );
    return null;
  }
  const isArchived = last.last <= archivedTo(sql);
  // A day of one segment is a file already.
  if (isArchived && run.length === 1) {
    sql.exec('UPDATE compaction SET done = ?, not_before = ?', last.last, now);
    return null;
  }
  sql.exec('UPDATE compaction SET not_before = ?', now + COMPACT_AGAIN_MS);
  return isArchived ? first.first : null;
}

/** What becomes one file, for whoever makes it; null when that has happened. */
export function segmentRun(sql: SqlStorage, first: number): SegmentRun | null {
  const head = readHead(sql);
  const run = nextRun(sql, readChore(sql).done);
  if (!head || run.length < 2 || run[0]?.first !== first) return null;
  const erased = pendingAmong(sql, first, run.at(-1)?.last ?? first);
  return { tenantId: head.tenantId, segments: run.map((row) => placeAt(head.tenantId, row)), erased };
}

/**
 * Notes that segments lie in one file now, as the blocks of that file. What they were in is left over, to be deleted.
 * Repetitions change nothing.
 */
export function noteCompacted(storage: DurableObjectStorage, now: Date, { file, etag, blocks }: Compacted): void {
  const { sql } = storage;
  const head = readHead(sql);
  const [from, to] = [blocks[0], blocks.at(-1)];
  if (!head || !from || !to) return;
  storage.transactionSync(() => {
    const replaced = nextRun(sql, readChore(sql).done).filter(({ last }) => last <= to.last);
    if (replaced[0]?.first !== from.first || replaced.at(-1)?.last !== to.last) return forgetUnlessUsed(sql, file);
    // What was erased meanwhile may have been read before.
    expectInArchive(sql, from.first, to.last);
    const sealedAt = replaced[0].sealed_at;
    for (const row of replaced) {
      const { key } = placeAt(head.tenantId, row);
      sql.exec('INSERT OR IGNORE INTO leftovers (key) VALUES (?), (?)', key, proofKey(key));
      sql.exec('DELETE FROM segments WHERE first = ?', row.first);
    }
    for (const { first, last, minTime, maxTime, offset, length } of blocks)
      sql.exec(
        `INSERT INTO segments (first, last, sealed_at, announce_at, archived_at, etag, min_time, max_time, file, file_offset, file_length)
         VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)`,
        ...[first, last, sealedAt, now.toISOString(), etag, minTime, maxTime, file, offset, length],
      );
    sql.exec('DELETE FROM leftovers WHERE key = ?', file);
    sql.exec('UPDATE compaction SET done = ?, not_before = ?', to.last, now.getTime());
  });
}

/** The blocks of a larger file, in order. */
export function placesOfFile(sql: SqlStorage, file: string): ArchivePlace[] {
  const tenantId = readHead(sql)?.tenantId ?? '';
  const rows = sql.exec<SegmentRow>(`SELECT ${COLUMNS} FROM segments WHERE file = ? ORDER BY first`, file);
  return Array.from(rows, (row) => placeAt(tenantId, row));
}

/** Segments lie in another version of their file from now on. @returns false when they no longer lie in that file: then nothing is changed */
export function noteVersion(sql: SqlStorage, file: string, { key, etag, blocks }: NewVersion): boolean {
  if (placesOfFile(sql, file).length !== blocks.length) return false;
  for (const { first, offset, length } of blocks)
    sql.exec(
      'UPDATE segments SET file = ?, etag = ?, file_offset = ?, file_length = ? WHERE first = ? AND file = ?',
      ...[key, etag, offset, length, first, file],
    );
  return true;
}

/** A file that somebody else's came before: nothing points to it, and it may hold what has been erased since. */
function forgetUnlessUsed(sql: SqlStorage, file: string): void {
  if (sql.exec('SELECT 1 FROM segments WHERE file = ?', file).toArray().length > 0) return;
  for (const key of [file, sidecarKey(file), proofKey(file)]) sql.exec('INSERT OR IGNORE INTO leftovers (key) VALUES (?)', key);
}

/** Files whose lines lie in a larger one, but for those that are left alone for now. */
export const leftovers = (sql: SqlStorage, now: number): string[] =>
  Array.from(
    sql.exec<{ key: string }>('SELECT key FROM leftovers WHERE not_before <= ? ORDER BY not_before, key LIMIT ?', now, DISCARDED_AT_ONCE),
    ({ key }) => key,
  );

/** They are gone: those behind them have their turn. */
export function noteDiscarded(sql: SqlStorage, keys: readonly string[]): void {
  sql.exec('DELETE FROM leftovers WHERE key IN (SELECT value FROM json_each(?))', JSON.stringify(keys));
  sql.exec('UPDATE compaction SET discard_at = 0');
}

/**
 * The archive would not delete them: they are left alone for twice as long as the last time, a week at most, and those behind
 * them have their turn.
 * @returns whether that is news: nothing was refused until now
 */
export function noteRefused(sql: SqlStorage, keys: readonly string[], now: number): boolean {
  const isNews = undeletedSince(sql) === null;
  sql.exec(
    `UPDATE leftovers SET refusals = refusals + 1, refused_since = coalesce(refused_since, ?1),
       not_before = ?1 + min(?2 << min(refusals, 20), ?3) WHERE key IN (SELECT value FROM json_each(?4))`,
    ...[now, REFUSED_AGAIN_MS, REFUSED_SELDOM_MS, JSON.stringify(keys)],
  );
  sql.exec('UPDATE compaction SET discard_at = 0');
  return isNews;
}

/** Since when the archive won't delete what lies in larger files; null when it does. */
export function undeletedSince(sql: SqlStorage): string | null {
  const { since } = sql
    .exec<{ since: number | null }>('SELECT min(refused_since) AS since FROM leftovers WHERE refused_since IS NOT NULL')
    .one();
  return since === null ? null : new Date(since).toISOString();
}
