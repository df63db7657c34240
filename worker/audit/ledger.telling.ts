import { readHead } from './ledger.schema.ts';

/** What could not be told is tried again after this. */
const TELL_AGAIN_MS = 30_000;

/** A destination whose people are to be told that it stalls, or that it recovered. */
export interface Telling {
  tenantId: string;
  shard: string;
  destinationId: string;
  what: 'stalled' | 'recovered';
  held: boolean;
  /** ISO, since when nothing moves */
  since: string | null;
  lastError: string | null;
}

export const tellDue = (sql: SqlStorage): number | null =>
  sql.exec<{ due: number | null }>('SELECT min(tell_at) AS due FROM destinations WHERE tell_at IS NOT NULL').one().due;

/** Whom to tell now. It is due again until `told` says that it was done. */
export function takeTellings(sql: SqlStorage, now: number): Telling[] {
  const head = readHead(sql);
  if (!head) return [];
  const rows = sql
    .exec<{ id: string; told: number; held: number; waiting_since: number | null; last_error: string | null; failures: number }>(
      `UPDATE destinations SET tell_at = ?1 WHERE tell_at <= ?2 RETURNING id, told, held, waiting_since, last_error, failures`,
      now + TELL_AGAIN_MS,
      now,
    )
    .toArray();
  return rows.map((row) => ({
    tenantId: head.tenantId,
    shard: head.shard,
    destinationId: row.id,
    what: row.told === 2 ? 'recovered' : 'stalled',
    held: row.held === 1,
    since: row.waiting_since === null ? null : new Date(row.waiting_since).toISOString(),
    // An error before the last success says nothing of this outage.
    lastError: row.failures > 0 ? row.last_error : null,
  }));
}

/** It was told. What has changed in the meantime is told next. */
export function told(sql: SqlStorage, { destinationId, what, since }: Telling, now: number): void {
  if (what === 'recovered') {
    sql.exec('UPDATE destinations SET told = 0, tell_at = NULL WHERE id = ? AND told = 2', destinationId);
    return;
  }
  const [row] = sql.exec<{ waiting_since: number | null }>(
    'SELECT waiting_since FROM destinations WHERE id = ? AND told = 0',
    destinationId,
  );
  if (!row) return;
  const moved = row.waiting_since === null || (since !== null && row.waiting_since > Date.parse(since));
  sql.exec('UPDATE destinations SET told = ?, tell_at = ? WHERE id = ?', moved ? 2 : 1, moved ? now : null, destinationId);
}
