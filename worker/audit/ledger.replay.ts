import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { ReplayStatus } from '../platform/objects.ts';
import { laneOf } from './ledger.delivery.schema.ts';
import { readRetention } from './ledger.retention.ts';

type Detail = DraftEvent['details'][string] | undefined;

/** Begins a cursor of its own for a range, in place of the last replay's. */
export function startReplay(sql: SqlStorage, lane: string, details: DraftEvent['details'], now: number): void {
  const { replay, first, last } = details;
  if (typeof replay !== 'string' || typeof first !== 'number' || typeof last !== 'number') return;
  sql.exec(
    `INSERT OR REPLACE INTO destinations (id, cursor, replay_id, first, until, started_at, ring_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    // What was purged since it was asked for can't be sent any more.
    ...[lane, Math.max(first - 1, readRetention(sql).purgedTo), replay, first, last, now, now],
  );
}

/** Ends the replay that runs, or only that one. Whoever sends for it loses the lease. */
export function endReplay(sql: SqlStorage, lane: string, ended: 'finished' | 'cancelled', now: number, replayId: Detail = null): void {
  sql.exec(
    `UPDATE destinations SET ended = ?1, ended_at = ?2, ring_at = NULL, lease = NULL
     WHERE id = ?3 AND ended IS NULL AND replay_id = coalesce(?4, replay_id)`,
    ...[ended, now, lane, typeof replayId === 'string' ? replayId : null],
  );
}

interface ReplayRow extends Record<string, SqlStorageValue> {
  first: number;
  until: number;
  cursor: number;
  ended: 'finished' | 'cancelled' | null;
  started_at: number;
  ended_at: number | null;
  last_error_at: number | null;
  last_error: string | null;
}

/** How the last replay of a destination stands; null when there was none. */
export function replayOf(sql: SqlStorage, destinationId: string): ReplayStatus | null {
  const [row] = sql.exec<ReplayRow>(
    `SELECT first, until, cursor, ended, started_at, ended_at, last_error_at, last_error FROM destinations WHERE id = ?`,
    laneOf(destinationId, true),
  );
  if (!row) return null;
  return {
    first: row.first,
    last: row.until,
    deliveredTo: row.cursor,
    state: row.ended ?? 'running',
    startedAt: new Date(row.started_at).toISOString(),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at).toISOString(),
    lastError: row.last_error_at === null ? null : { at: new Date(row.last_error_at).toISOString(), message: row.last_error ?? '' },
  };
}

/**
 * `seq` of the first event recorded at that time or later; one past the last when there is none. Numbers grow with the time
 * of recording, so halving finds it; of an archived event the time at which its segment was sealed is known, a second later.
 */
export function firstRecordedFrom(sql: SqlStorage, time: string, size: number): number {
  let [low, high] = [1, size + 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((recordedAtOf(sql, middle) ?? '') < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** When that event was recorded; null when there is no such event. Of an archived one, when its segment was sealed. */
export function recordedAtOf(sql: SqlStorage, seq: number): string | null {
  const [hot] = sql.exec<{ recorded_at: string }>('SELECT recorded_at FROM events WHERE seq = ?', seq);
  if (hot) return hot.recorded_at;
  const [segment] = sql.exec<{ sealed_at: string; last: number }>(
    'SELECT sealed_at, last FROM segments WHERE first <= ? ORDER BY first DESC LIMIT 1',
    seq,
  );
  return segment && segment.last >= seq ? segment.sealed_at : null;
}
