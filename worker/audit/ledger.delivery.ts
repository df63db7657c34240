import type { AuditAction, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { DeliveryStatus } from '../platform/objects.ts';
import { BODY, bodyOf, type Body } from './ledger.body.ts';
import { readHead } from './ledger.schema.ts';
import type { Doorbell } from './queue.ts';

/** A lease outlives the longest request to a destination; whoever died with it is replaced after it. */
export const LEASE_MS = 30_000;
const RING_AGAIN_MS = 30_000;
/** A consumer that goes on by itself claims again well before this. */
const RING_AFTER_ADVANCE_MS = 2_000;
const RING_AT_ONCE = 100;

/** What one claim hands out at most. A single larger event goes alone. */
const CLAIM_CHARACTERS = 900_000;

const CONFIGURED: readonly AuditAction[] = ['siem.update', 'siem.pause', 'siem.resume'];

/**
 * Destinations come and go by their own events. So a destination begins with the event of its creation,
 * and a change of configuration that was committed reaches the ledger as surely as any event does.
 */
export function followConfiguration(sql: SqlStorage, event: DraftEvent, seq: number, now: number): void {
  const { type, id } = event.resource;
  if (type !== 'siem' || id === null || event.outcome !== 'success') return;
  if (event.action === 'siem.create') sql.exec('INSERT OR IGNORE INTO destinations (id, cursor) VALUES (?, ?)', id, seq - 1);
  if (event.action === 'siem.delete') removeDestination(sql, id);
  // What failed with the old configuration is tried at once with the new one.
  if (CONFIGURED.includes(event.action)) sql.exec('UPDATE destinations SET ring_at = ?, not_before = 0 WHERE id = ?', now, id);
}

export const removeDestination = (sql: SqlStorage, id: string): void => void sql.exec('DELETE FROM destinations WHERE id = ?', id);

/** Something new is there: whoever rests is rung for. */
export function wakeDestinations(sql: SqlStorage, at: number): void {
  sql.exec('UPDATE destinations SET ring_at = ? WHERE paused = 0 AND ring_at IS NULL', at);
}

export function pauseDestination(sql: SqlStorage, id: string, paused: boolean, now: number): void {
  if (paused) sql.exec('UPDATE destinations SET paused = 1, ring_at = NULL WHERE id = ?', id);
  else sql.exec('UPDATE destinations SET paused = 0, ring_at = ?, not_before = 0 WHERE id = ? AND paused = 1', now, id);
}

export const ringDue = (sql: SqlStorage): number | null =>
  sql.exec<{ due: number | null }>('SELECT min(ring_at) AS due FROM destinations WHERE ring_at IS NOT NULL').one().due;

/** The doorbells to ring now. Each rings again until its consumer has caught up. */
export function takeDoorbells(sql: SqlStorage, now: number): Doorbell[] {
  const head = readHead(sql);
  if (!head) return [];
  const due = sql
    .exec<{ id: string }>(
      'SELECT id FROM destinations WHERE ring_at IS NOT NULL AND ring_at <= ? ORDER BY ring_at LIMIT ?',
      now,
      RING_AT_ONCE,
    )
    .toArray();
  for (const { id } of due) sql.exec('UPDATE destinations SET ring_at = ? WHERE id = ?', now + RING_AGAIN_MS, id);
  return due.map(({ id }) => ({ tenantId: head.tenantId, shard: head.shard, destinationId: id }));
}

interface Cursor extends Record<string, SqlStorageValue> {
  cursor: number;
  paused: number;
  lease: string | null;
  lease_until: number;
  not_before: number;
  failures: number;
}

/** Gives the lease to whoever asks first, when there is something to deliver. @returns where delivery stands */
export function takeLease(sql: SqlStorage, id: string, lease: string, now: number): { cursor: number; failures: number } | null {
  const [row] = sql.exec<Cursor>('SELECT cursor, paused, lease, lease_until, not_before, failures FROM destinations WHERE id = ?', id);
  if (!row || row.paused === 1 || (row.lease !== null && row.lease_until > now)) return null;
  if (row.cursor >= (readHead(sql)?.size ?? 0)) {
    sql.exec('UPDATE destinations SET ring_at = NULL, lease = NULL WHERE id = ?', id);
    return null;
  }
  if (row.not_before > now) return null;
  const until = now + LEASE_MS;
  sql.exec('UPDATE destinations SET lease = ?, lease_until = ?, ring_at = ? WHERE id = ?', lease, until, until, id);
  return { cursor: row.cursor, failures: row.failures };
}

/** The next events after the cursor that the hot index has, bounded by count and size. */
export function hotEventsAfter(sql: SqlStorage, cursor: number, limit: number): string[] {
  const rows = sql.exec<Body & { seq: number }>(`SELECT seq, ${BODY} FROM events WHERE seq > ? ORDER BY seq LIMIT ?`, cursor, limit);
  const bodies: string[] = [];
  let characters = 0;
  for (const { seq, ...row } of rows) {
    const body = bodyOf(row);
    characters += body.length;
    if (bodies.length === 0 ? seq !== cursor + 1 : characters > CLAIM_CHARACTERS) break;
    bodies.push(body);
  }
  return bodies;
}

/**
 * Moves the cursor, if the lease is still this one's, and gives the lease back. `to` at the cursor only
 * gives it back: that is no success.
 */
export function advance(sql: SqlStorage, id: string, lease: string, to: number, now: number): boolean {
  const size = readHead(sql)?.size ?? 0;
  const [row] = sql.exec<{ cursor: number }>('SELECT cursor FROM destinations WHERE id = ? AND lease = ?', id, lease);
  if (!row) return false;
  const cursor = Math.max(row.cursor, Math.min(to, size));
  if (cursor > row.cursor)
    sql.exec('UPDATE destinations SET cursor = ?, failures = 0, failing_since = NULL, last_success_at = ? WHERE id = ?', cursor, now, id);
  const ringAt = cursor < size ? now + RING_AFTER_ADVANCE_MS : null;
  sql.exec('UPDATE destinations SET lease = NULL, ring_at = CASE WHEN paused = 0 THEN ? END WHERE id = ?', ringAt, id);
  return true;
}

/** Gives the lease back after a failure; nothing is tried again before `retryAt`. @returns failing since, null when the lease was lost */
export function fail(sql: SqlStorage, id: string, lease: string, message: string, retryAt: number, now: number): number | null {
  const [row] = sql.exec<{ failing_since: number }>(
    `UPDATE destinations SET lease = NULL, failures = failures + 1, failing_since = coalesce(failing_since, ?1), last_error_at = ?1,
       last_error = ?2, not_before = ?3, ring_at = CASE WHEN paused = 0 THEN ?3 END
     WHERE id = ?4 AND lease = ?5 RETURNING failing_since`,
    now,
    message.slice(0, 500),
    retryAt,
    id,
    lease,
  );
  return row?.failing_since ?? null;
}

export function deliveryStatus(sql: SqlStorage): DeliveryStatus[] {
  const rows = sql.exec<{
    id: string;
    cursor: number;
    failing_since: number | null;
    last_success_at: number | null;
    last_error_at: number | null;
    last_error: string | null;
  }>('SELECT id, cursor, failing_since, last_success_at, last_error_at, last_error FROM destinations ORDER BY id');
  return Array.from(rows, (row) => ({
    destinationId: row.id,
    deliveredTo: row.cursor,
    lastSuccessAt: iso(row.last_success_at),
    lastError: row.last_error_at === null ? null : { at: new Date(row.last_error_at).toISOString(), message: row.last_error ?? '' },
    failingSince: iso(row.failing_since),
  }));
}

const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
