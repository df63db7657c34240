import type { AuditAction, DraftEvent } from '@gatehouse/core/audit/event.ts';
import type { DeliveryReport, RefusedEvent } from '../platform/objects.ts';
import { quarantineKey } from './archive-layout.ts';
import { BODY, bodyOf, isErased, type Body } from './ledger.body.ts';
import { erasedAt } from './ledger.erased.ts';
import { expectDeletion } from './ledger.erasure.ts';
import { destinationOf, laneOf } from './ledger.delivery.schema.ts';
import { forgetSetAside, noteAnswer } from './ledger.health.ts';
import { endReplay, startReplay } from './ledger.replay.ts';
import { readHead } from './ledger.schema.ts';
import type { Doorbell } from './queue.ts';

/** A lease outlives the longest batch (`SEND_MS`); whoever died with it is replaced after it. */
export const LEASE_MS = 30_000;
const RING_AGAIN_MS = 30_000;
/** A consumer that goes on by itself claims again well before this. */
const RING_AFTER_ADVANCE_MS = 2_000;
const RING_AT_ONCE = 100;
/** What waits and doesn't move for so long is told: within five minutes, the alarm's own delay included. */
export const STALL_MS = 4 * 60_000;

/** What one claim hands out at most. A single larger event goes alone. */
const CLAIM_CHARACTERS = 900_000;

const CONFIGURED: readonly AuditAction[] = ['siem.update', 'siem.rotate_secret', 'siem.pause', 'siem.resume'];

/**
 * Destinations come and go by their own events, and so do their replays. So a destination begins with the event of its
 * creation, and a change of configuration that was committed reaches the ledger as surely as any event does.
 */
export function followConfiguration(sql: SqlStorage, event: DraftEvent, seq: number, now: number): void {
  const { type, id } = event.resource;
  if (type !== 'siem' || id === null || event.outcome !== 'success') return;
  if (event.action === 'siem.create') sql.exec('INSERT OR IGNORE INTO destinations (id, cursor) VALUES (?, ?)', id, seq - 1);
  if (event.action === 'siem.delete') removeDestination(sql, id);
  if (event.action === 'siem.replay.start') startReplay(sql, laneOf(id, true), event.details, now);
  if (event.action === 'siem.replay.cancel') endReplay(sql, laneOf(id, true), 'cancelled', now, event.details['replay']);
  if (event.action === 'siem.replay.finish') endReplay(sql, laneOf(id, true), 'finished', now, event.details['replay']);
  if (event.action === 'siem.set_aside.dismiss') forgetSetAside(sql, id, String(event.details['seqs']).split(',').map(Number));
  if (!CONFIGURED.includes(event.action)) return;
  // Somebody has looked at it: the next outage is another one.
  if (event.action === 'siem.resume') sql.exec('UPDATE destinations SET told = 0, tell_at = NULL, held = 0 WHERE id = ?', id);
  // What failed with the old configuration is tried at once with the new one.
  sql.exec(
    `UPDATE destinations SET ring_at = CASE WHEN ended IS NULL THEN ?1 END, not_before = 0, refused_in_a_row = 0, token = NULL
     WHERE id IN (?2, ?3)`,
    now,
    id,
    laneOf(id, true),
  );
}

export function removeDestination(sql: SqlStorage, id: string): void {
  sql.exec('DELETE FROM destinations WHERE id IN (?, ?)', id, laneOf(id, true));
  sql.exec('DELETE FROM set_aside WHERE destination_id = ?', id);
  sql.exec('DELETE FROM delivery_health WHERE destination_id = ?', id);
}

/** Something new is there: whoever rests is rung for. */
export function wakeDestinations(sql: SqlStorage, at: number): void {
  sql.exec('UPDATE destinations SET ring_at = ? WHERE paused = 0 AND ring_at IS NULL AND until IS NULL', at);
}

export function pauseDestination(sql: SqlStorage, id: string, paused: boolean, now: number): void {
  const lanes = [id, laneOf(id, true)];
  // Somebody knows of it: an outage that was told ends with the pause.
  if (paused)
    sql.exec(
      'UPDATE destinations SET paused = 1, ring_at = NULL, tell_at = NULL, told = 0, waiting_since = NULL WHERE id IN (?, ?)',
      ...lanes,
    );
  else
    sql.exec(
      `UPDATE destinations SET paused = 0, ring_at = CASE WHEN ended IS NULL THEN ?1 END, not_before = 0, refused_in_a_row = 0
       WHERE id IN (?2, ?3) AND paused = 1`,
      ...[now, ...lanes],
    );
}

export const ringDue = (sql: SqlStorage): number | null =>
  sql.exec<{ due: number | null }>('SELECT min(ring_at) AS due FROM destinations WHERE ring_at IS NOT NULL').one().due;

/** The doorbells to ring now. Each rings again until its consumer has caught up. */
export function takeDoorbells(sql: SqlStorage, now: number): Doorbell[] {
  const head = readHead(sql);
  if (!head) return [];
  const due = sql
    .exec<{ id: string; until: number | null }>(
      'SELECT id, until FROM destinations WHERE ring_at IS NOT NULL AND ring_at <= ? ORDER BY ring_at LIMIT ?',
      now,
      RING_AT_ONCE,
    )
    .toArray();
  for (const { id } of due)
    sql.exec(
      `UPDATE destinations SET ring_at = ?1, waiting_since = coalesce(waiting_since, ?2),
         tell_at = CASE WHEN told = 0 AND until IS NULL THEN coalesce(tell_at, ?3) ELSE tell_at END WHERE id = ?4`,
      ...[now + RING_AGAIN_MS, now, now + STALL_MS, id],
    );
  return due.map(({ id, until }) => ({
    tenantId: head.tenantId,
    shard: head.shard,
    destinationId: destinationOf(id),
    replay: until !== null,
  }));
}

interface Cursor extends Record<string, SqlStorageValue> {
  cursor: number;
  until: number | null;
  batch_to: number | null;
  paused: number;
  lease: string | null;
  lease_until: number;
  not_before: number;
  failures: number;
  refused_in_a_row: number;
  ended: string | null;
}

export interface Taken {
  cursor: number;
  failures: number;
  refusedInARow: number;
  /** `seq` of the last event that may be handed out */
  end: number;
}

/** Gives the lease to whoever asks first. @returns where delivery stands; `done` when a replay has come to its end */
export function takeLease(sql: SqlStorage, lane: string, lease: string, now: number): Taken | 'done' | null {
  const [row] = sql.exec<Cursor>(
    `SELECT cursor, until, batch_to, paused, lease, lease_until, not_before, failures, refused_in_a_row, ended FROM destinations WHERE id = ?`,
    lane,
  );
  if (!row || row.paused === 1 || row.ended !== null || (row.lease !== null && row.lease_until > now)) return null;
  const end = row.until ?? readHead(sql)?.size ?? 0;
  if (row.cursor >= end) {
    if (row.until !== null) return 'done';
    rest(sql, lane, now);
    return null;
  }
  if (row.not_before > now) return null;
  const until = now + LEASE_MS;
  sql.exec('UPDATE destinations SET lease = ?, lease_until = ?, ring_at = ? WHERE id = ?', lease, until, until, lane);
  return {
    cursor: row.cursor,
    failures: row.failures,
    refusedInARow: row.refused_in_a_row,
    end: row.batch_to === null ? end : Math.min(Math.max(row.batch_to, row.cursor + 1), end),
  };
}

/** Nothing waits any more. An outage that was told is over. */
function rest(sql: SqlStorage, lane: string, now: number): void {
  sql.exec(
    `UPDATE destinations SET ring_at = NULL, lease = NULL, waiting_since = NULL, tell_at = CASE told WHEN 0 THEN NULL ELSE ?1 END,
       told = CASE told WHEN 0 THEN 0 ELSE 2 END WHERE id = ?2`,
    now,
    lane,
  );
}

/** Notes what a claim has handed out, so that a repetition is the same batch. */
export const noteBatch = (sql: SqlStorage, lane: string, lease: string, to: number): void =>
  void sql.exec('UPDATE destinations SET batch_to = ? WHERE id = ? AND lease = ?', to, lane, lease);

/** Events behind a cursor without those that are erased, and how far they reach with them: the cursor goes on over these. */
export interface Following {
  bodies: string[];
  last: number;
}

/** The next events after the cursor that the hot index has, bounded by count and size. */
export function hotEventsAfter(sql: SqlStorage, cursor: number, limit: number): Following {
  const rows = sql.exec<Body & { seq: number }>(`SELECT seq, ${BODY} FROM events WHERE seq > ? ORDER BY seq LIMIT ?`, cursor, limit);
  const following: Following = { bodies: [], last: cursor };
  let characters = 0;
  for (const { seq, ...row } of rows) {
    const body = isErased(row) ? null : bodyOf(row);
    characters += body?.length ?? 0;
    if (following.last === cursor ? seq !== cursor + 1 : characters > CLAIM_CHARACTERS) break;
    following.last = seq;
    if (body !== null) following.bodies.push(body);
  }
  return following;
}

/**
 * Moves the cursor, if the lease is still this one's, and gives the lease back. `to` at the cursor only gives it back: that is
 * no success.
 * @param report what was delivered on the way; null when nothing was sent, or nothing of it taken
 */
export function advance(sql: SqlStorage, lane: string, lease: string, to: number, report: DeliveryReport | null, now: number): boolean {
  const [row] = sql.exec<Pick<Cursor, 'cursor' | 'until'>>(
    'SELECT cursor, until FROM destinations WHERE id = ? AND lease = ?',
    lane,
    lease,
  );
  if (!row) return false;
  const end = row.until ?? readHead(sql)?.size ?? 0;
  const cursor = Math.max(row.cursor, Math.min(to, end));
  if (report) noteAnswer(sql, destinationOf(lane), report.status, report.delivered, now);
  if (report && report.delivered > 0) noteSuccess(sql, lane, report, now);
  if (cursor > row.cursor)
    sql.exec(
      `UPDATE destinations SET cursor = ?1, batch_to = NULL, waiting_since = ?2, tell_at = CASE told WHEN 0 THEN ?3 ELSE tell_at END WHERE id = ?4`,
      ...[cursor, now, row.until === null ? now + STALL_MS : null, lane],
    );
  const ringAt = cursor < end || row.until !== null ? now + RING_AFTER_ADVANCE_MS : null;
  sql.exec('UPDATE destinations SET lease = NULL, ring_at = CASE WHEN paused = 0 THEN ? END WHERE id = ?', ringAt, lane);
  if (cursor >= end && row.until === null) rest(sql, lane, now);
  return true;
}

function noteSuccess(sql: SqlStorage, lane: string, { note }: DeliveryReport, now: number): void {
  sql.exec(
    `UPDATE destinations SET failures = 0, failing_since = NULL, last_success_at = ?1, refused_in_a_row = 0, held = 0,
       tell_at = CASE told WHEN 1 THEN ?1 ELSE tell_at END, told = CASE told WHEN 1 THEN 2 ELSE told END WHERE id = ?2`,
    now,
    lane,
  );
  if (note !== undefined) sql.exec('UPDATE destinations SET last_note_at = ?, last_note = ? WHERE id = ?', now, note.slice(0, 500), lane);
}

export interface Failure {
  message: string;
  status: number | null;
  retryAt: number;
  /** it goes on only once somebody has changed something: told at once */
  held: boolean;
}

/** Gives the lease back after a failure; nothing is tried again before `retryAt`. @returns whether the lease was still this one's */
export function fail(sql: SqlStorage, lane: string, lease: string, { message, status, retryAt, held }: Failure, now: number): boolean {
  const rows = sql
    .exec(
      `UPDATE destinations SET lease = NULL, failures = failures + 1, failing_since = coalesce(failing_since, ?1), last_error_at = ?1,
         last_error = ?2, not_before = ?3, ring_at = CASE WHEN paused = 0 THEN ?3 END, held = ?4,
         waiting_since = coalesce(waiting_since, ?1),
         tell_at = CASE WHEN until IS NOT NULL OR paused = 1 OR told <> 0 THEN tell_at WHEN ?4 = 1 THEN ?1 ELSE coalesce(tell_at, ?5) END
       WHERE id = ?6 AND lease = ?7 RETURNING id`,
      ...[now, message.slice(0, 500), retryAt, held ? 1 : 0, now + STALL_MS, lane, lease],
    )
    .toArray();
  if (rows.length > 0) noteAnswer(sql, destinationOf(lane), status, 0, now);
  return rows.length > 0;
}

/** Notes an event that the destination refuses for good, and goes on behind it. @returns whether the lease was still this one's */
export function setAside(sql: SqlStorage, lane: string, lease: string, refused: RefusedEvent, now: number): boolean {
  const [row] = sql.exec('SELECT 1 FROM destinations WHERE id = ? AND lease = ?', lane, lease);
  if (!row) return false;
  const { seq, eventId, action, time, reason, status, before } = refused;
  // One that was erased on its way is no list's any more, nor is what was kept of it.
  if (erasedAt(sql, seq) !== null) expectDeletion(sql, quarantineKey(readHead(sql)?.tenantId ?? '', destinationOf(lane), seq), now);
  else
    sql.exec(
      `INSERT INTO set_aside (destination_id, seq, event_id, action, time, at, reason, status) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET at = excluded.at, reason = excluded.reason, status = excluded.status, attempts = attempts + 1`,
      ...[destinationOf(lane), seq, eventId, action, time, now, reason.slice(0, 500), status],
    );
  const advanced = advance(sql, lane, lease, seq, { status, delivered: before }, now);
  sql.exec('UPDATE destinations SET refused_in_a_row = refused_in_a_row + 1 WHERE id = ?', lane);
  return advanced;
}

/** The sealed access token, while it is good. */
export function accessToken(sql: SqlStorage, id: string, now: number): string | null {
  const [row] = sql.exec<{ token: string | null }>('SELECT token FROM destinations WHERE id = ? AND token_until > ?', id, now);
  return row?.token ?? null;
}

export const keepAccessToken = (sql: SqlStorage, id: string, sealed: string | null, until: number): void =>
  void sql.exec('UPDATE destinations SET token = ?, token_until = ? WHERE id = ?', sealed, until, id);
