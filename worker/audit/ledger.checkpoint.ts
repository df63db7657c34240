import { logOrigin, signCheckpoint } from '@gatehouse/core/audit/checkpoint.ts';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { signerOf, verifierKey, type Signer } from '@gatehouse/core/audit/note.ts';
import type { Settings } from '../platform/env.ts';
import type { CheckpointKey } from '../platform/objects.ts';

/** A checkpoint is told to the SIEMs at most once in this time, and only when something was recorded since. */
export const TELL_EVERY_MS = 60 * 60_000;

/** Whoever appends as this tells only of a checkpoint: that is nothing to make another one for. */
export const CHECKPOINT_SOURCE = 'checkpoint';

/** Which keys have signed checkpoints, in the order of their use, and when the next one is told to the SIEMs. */
export const CHECKPOINT_SCHEMA = `
CREATE TABLE IF NOT EXISTS checkpoint_keys (
  number INTEGER PRIMARY KEY,
  verifier_key TEXT NOT NULL,
  since TEXT NOT NULL,
  first_size INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS checkpoint_telling (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  due_at INTEGER
) STRICT;
INSERT OR IGNORE INTO checkpoint_telling (one, due_at) VALUES (1, NULL);
`;

/** Something was recorded: within the hour a checkpoint that covers it goes to the SIEMs. */
export const expectTelling = (sql: SqlStorage, now: number): void =>
  void sql.exec('UPDATE checkpoint_telling SET due_at = ? WHERE due_at IS NULL', now + TELL_EVERY_MS);

export const tellingDue = (sql: SqlStorage): number | null =>
  sql.exec<{ due_at: number | null }>('SELECT due_at FROM checkpoint_telling').one().due_at;

export const setTellingDue = (sql: SqlStorage, at: number | null): void => void sql.exec('UPDATE checkpoint_telling SET due_at = ?', at);

/** The keys that sign this log's checkpoints now, the current one first. Each has the log's name, so it vouches for no other. */
export async function signersOf(settings: Settings, tenantId: string): Promise<[Signer, ...Signer[]]> {
  const origin = logOrigin(settings.AUDIT_LOG_NAME, tenantId);
  const current = await signerOf(origin, settings.CHECKPOINT_KEY);
  const former = settings.CHECKPOINT_KEY_FORMER;
  return former && former.x !== settings.CHECKPOINT_KEY.x ? [current, await signerOf(origin, former)] : [current];
}

interface KeyRow extends Record<string, SqlStorageValue> {
  verifier_key: string;
  since: string;
  first_size: number;
}
const newestFirst = (sql: SqlStorage): KeyRow[] =>
  sql.exec<KeyRow>('SELECT verifier_key, since, first_size FROM checkpoint_keys ORDER BY number DESC').toArray();

/** Notes who signs from now on. @returns whether that is another one than before, and whom it replaces */
export function noteKey(sql: SqlStorage, signer: Signer, now: Date, size: number): { isNew: boolean; replaced: string | null } {
  const [newest] = newestFirst(sql);
  const key = verifierKey(signer);
  if (newest?.verifier_key === key) return { isNew: false, replaced: null };
  sql.exec('INSERT INTO checkpoint_keys (verifier_key, since, first_size) VALUES (?, ?, ?)', key, now.toISOString(), size);
  return { isNew: true, replaced: newest?.verifier_key ?? null };
}

/** A ledger that is made anew from the archive learns there who signed before. */
export function restoreKeys(sql: SqlStorage, { action, details, recordedAt, seq }: AuditEvent): void {
  if (action !== 'audit.rotate_key') return;
  const known = new Set(newestFirst(sql).map(({ verifier_key }) => verifier_key));
  for (const key of [details['from'], details['to']])
    if (typeof key === 'string' && !known.has(key))
      sql.exec('INSERT INTO checkpoint_keys (verifier_key, since, first_size) VALUES (?, ?, ?)', key, recordedAt, seq - 1);
}

/** Every key that has signed, the newest first. */
export function keysOf(sql: SqlStorage, signers: readonly Signer[]): CheckpointKey[] {
  const rows = newestFirst(sql);
  return rows.map((row, index) => ({
    verifierKey: row.verifier_key,
    since: row.since,
    firstSize: row.first_size,
    until: rows[index - 1]?.since ?? null,
    signs: signers.some((signer) => verifierKey(signer) === row.verifier_key),
  }));
}

export const signAt = (signers: readonly [Signer, ...Signer[]], size: number, root: Uint8Array): Promise<string> =>
  signCheckpoint({ origin: signers[0].name, size, root }, signers);
