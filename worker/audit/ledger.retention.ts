import { z } from 'zod';
import { AUDIT_RETENTION } from '@gatehouse/core/api/directory.ts';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';

/** How long this log is kept, what of it is gone, and files whose purge is recorded, until they are deleted. */
export const RETENTION_SCHEMA = `
CREATE TABLE IF NOT EXISTS retention (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  days INTEGER NOT NULL,
  purged_to INTEGER NOT NULL DEFAULT 0,
  -- the last event that a purge in the log names, and the end of the log when that was recorded
  recorded_to INTEGER NOT NULL DEFAULT 0,
  recorded_by INTEGER NOT NULL DEFAULT 0,
  -- a ledger that was rebuilt after a purge has leaves from behind that event on
  tree_from INTEGER NOT NULL DEFAULT 0,
  not_before INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT OR IGNORE INTO retention (one, days) VALUES (1, ${AUDIT_RETENTION.usual});
CREATE TABLE IF NOT EXISTS expired (first INTEGER PRIMARY KEY, key TEXT NOT NULL) STRICT;
`;

export interface RetentionState {
  days: number;
  /** events up to this number are purged */
  purgedTo: number;
  /** the last event that a purge in the log names */
  recordedTo: number;
  /** the log as it was when that purge was recorded ends there */
  recordedBy: number;
  /** leaves are known from behind that event on */
  treeFrom: number;
  /** no purge before, in milliseconds */
  notBefore: number;
}

export function readRetention(sql: SqlStorage): RetentionState {
  const row = sql.exec<Record<string, number>>('SELECT * FROM retention').one();
  const of = (column: string): number => row[column] ?? 0;
  return {
    days: of('days'),
    purgedTo: of('purged_to'),
    recordedTo: of('recorded_to'),
    recordedBy: of('recorded_by'),
    treeFrom: of('tree_from'),
    notBefore: of('not_before'),
  };
}

export const notePurged = (sql: SqlStorage, to: number): void => void sql.exec('UPDATE retention SET purged_to = ?', to);
/** This ledger begins behind that event: the archive has nothing before it. */
export const noteBeginning = (sql: SqlStorage, at: number): void =>
  void sql.exec('UPDATE retention SET purged_to = ?1, tree_from = ?1', at);
export const postponePurge = (sql: SqlStorage, until: number): void => void sql.exec('UPDATE retention SET not_before = ?', until);

/** As a new ledger has it: a rebuilt one learns the rest from the events. */
export function forgetRetention(sql: SqlStorage): void {
  sql.exec('DELETE FROM expired');
  sql.exec('DELETE FROM retention');
  sql.exec('INSERT INTO retention (one, days) VALUES (1, ?)', AUDIT_RETENTION.usual);
}

const days = z.number().int().min(AUDIT_RETENTION.min).max(AUDIT_RETENTION.max);

/**
 * The setting comes by the event of its change, as surely as any event does. Purges and erasures repeat it: so a rebuilt ledger
 * knows it even when the change itself is gone.
 */
export function followRetention(sql: SqlStorage, { action, resource, outcome, diff, details }: DraftEvent, seq: number): void {
  if (outcome !== 'success') return;
  if (action === 'tenant.update' && resource.type === 'tenant') setDays(sql, diff.find(({ path }) => path === 'auditRetentionDays')?.new);
  if (action === 'audit.erase.finish') setDays(sql, details['days']);
  if (action !== 'audit.purge') return;
  setDays(sql, details['days']);
  const to = Number(details['last']);
  sql.exec('UPDATE retention SET recorded_to = ?1, recorded_by = ?2 WHERE recorded_to < ?1', to, seq);
}

function setDays(sql: SqlStorage, said: unknown): void {
  const parsed = days.safeParse(said);
  if (parsed.success) sql.exec('UPDATE retention SET days = ?1, not_before = CASE days WHEN ?1 THEN not_before ELSE 0 END', parsed.data);
}
