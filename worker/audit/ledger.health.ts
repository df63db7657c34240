import type { DeliveryHealth, DeliveryStatus, SetAsideRow } from '../platform/objects.ts';
import { recordedAtOf, replayOf } from './ledger.replay.ts';

const HOUR_MS = 60 * 60_000;
const DAY_MS = 24 * HOUR_MS;
/** How far back answers are counted. */
export const HEALTH_MS = 30 * DAY_MS;

type Column = 'ok' | 'redirected' | 'refused' | 'broken' | 'silent';

function columnOf(status: number | null): Column {
  if (status === null) return 'silent';
  if (status < 300) return 'ok';
  if (status < 400) return 'redirected';
  return status < 500 ? 'refused' : 'broken';
}

/** Counts an answer, or that there was none, in its hour; hours that are too old go when a new one begins. */
export function noteAnswer(sql: SqlStorage, destinationId: string, status: number | null, events: number, now: number): void {
  const hour = Math.floor(now / HOUR_MS) * HOUR_MS;
  const column = columnOf(status);
  const made = sql.exec('INSERT OR IGNORE INTO delivery_health (destination_id, hour) VALUES (?, ?)', destinationId, hour).rowsWritten;
  if (made > 0) sql.exec('DELETE FROM delivery_health WHERE destination_id = ? AND hour < ?', destinationId, now - HEALTH_MS);
  sql.exec(
    `UPDATE delivery_health SET ${column} = ${column} + 1, events = events + ? WHERE destination_id = ? AND hour = ?`,
    events,
    destinationId,
    hour,
  );
}

/** Answers of the last thirty days by hour or day (UTC), oldest first; hours without any are left out. */
export function readHealth(sql: SqlStorage, destinationId: string, by: 'hour' | 'day', now: number): DeliveryHealth {
  const size = by === 'hour' ? HOUR_MS : DAY_MS;
  const rows = sql.exec<Record<Column | 'at' | 'events', number>>(
    `SELECT hour / ?1 * ?1 AS at, sum(events) AS events, sum(ok) AS ok, sum(redirected) AS redirected, sum(refused) AS refused,
       sum(broken) AS broken, sum(silent) AS silent
     FROM delivery_health WHERE destination_id = ?2 AND hour >= ?3 GROUP BY 1 ORDER BY 1`,
    ...[size, destinationId, now - HEALTH_MS],
  );
  return {
    since: new Date(now - HEALTH_MS).toISOString(),
    items: Array.from(rows, ({ at, events, ok, redirected, refused, broken, silent }) => ({
      at: new Date(at).toISOString(),
      events,
      requests: { '2xx': ok, '3xx': redirected, '4xx': refused, '5xx': broken, none: silent },
    })),
  };
}

interface StatusRow extends Record<string, SqlStorageValue> {
  id: string;
  cursor: number;
  failing_since: number | null;
  last_success_at: number | null;
  last_error_at: number | null;
  last_error: string | null;
  last_note_at: number | null;
  last_note: string | null;
  set_aside: number;
}

/** How delivery stands, of each destination. */
export function deliveryStatus(sql: SqlStorage): DeliveryStatus[] {
  const rows = sql
    .exec<StatusRow>(
      `SELECT id, cursor, failing_since, last_success_at, last_error_at, last_error, last_note_at, last_note,
         (SELECT count(*) FROM set_aside WHERE destination_id = id) AS set_aside
       FROM destinations WHERE until IS NULL ORDER BY id`,
    )
    .toArray();
  return rows.map((row) => ({
    destinationId: row.id,
    deliveredTo: row.cursor,
    waitingSince: recordedAtOf(sql, row.cursor + 1),
    lastSuccessAt: iso(row.last_success_at),
    lastError: said(row.last_error_at, row.last_error),
    lastNote: said(row.last_note_at, row.last_note),
    failingSince: iso(row.failing_since),
    setAside: row.set_aside,
    replay: replayOf(sql, row.id),
  }));
}

const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
const said = (at: number | null, message: string | null): { at: string; message: string } | null =>
  at === null ? null : { at: new Date(at).toISOString(), message: message ?? '' };

/** Events set aside after that one, in order. */
export function setAsideAfter(sql: SqlStorage, destinationId: string, seq: number, limit: number): SetAsideRow[] {
  const rows = sql.exec<Omit<SetAsideRow, 'eventId' | 'at'> & { event_id: string; at: number }>(
    `SELECT seq, event_id, action, time, at, reason, status, attempts FROM set_aside
     WHERE destination_id = ? AND seq > ? ORDER BY seq LIMIT ?`,
    ...[destinationId, seq, limit],
  );
  return Array.from(rows, ({ event_id, at, ...row }) => ({ ...row, eventId: event_id, at: new Date(at).toISOString() }));
}

/** Takes events off the list. @returns how many were on it */
export const forgetSetAside = (sql: SqlStorage, destinationId: string, seqs: readonly number[]): number =>
  sql
    .exec(
      'DELETE FROM set_aside WHERE destination_id = ? AND seq IN (SELECT value FROM json_each(?)) RETURNING seq',
      destinationId,
      JSON.stringify(seqs),
    )
    .toArray().length;

/** Notes that an event was sent again, and refused again. */
export const refusedAgain = (
  sql: SqlStorage,
  destinationId: string,
  seq: number,
  reason: string,
  status: number | null,
  now: number,
): void =>
  void sql.exec(
    'UPDATE set_aside SET at = ?, reason = ?, status = ?, attempts = attempts + 1 WHERE destination_id = ? AND seq = ?',
    ...[now, reason.slice(0, 500), status, destinationId, seq],
  );
