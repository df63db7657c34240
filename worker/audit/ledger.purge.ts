import type { Services } from '../platform/context.ts';
import type { LedgerStatus } from '../platform/objects.ts';
import { proofKey, segmentKey, sidecarKey } from './archive-layout.ts';
import { compactedTo } from './ledger.archive.ts';
import { destinationOf } from './ledger.delivery.schema.ts';
import { recordedAtOf } from './ledger.replay.ts';
import { notePurged, postponePurge, readRetention } from './ledger.retention.ts';
import { oldestHot, readHead, type Head } from './ledger.schema.ts';
import { archivedTo } from './ledger.segments.ts';
import { appendOwn, auditLog } from './ledger.sign.ts';

const DAY_MS = 24 * 60 * 60_000;
/** What one run purges at most. */
const FILES_AT_ONCE = 20;
/** A purge that is recorded is carried out after this: whoever reads a page of those files now comes to its end. */
export const GRACE_MS = 60_000;
/** When to look again after a destination, or the hot index, still needed what is due. */
export const HELD_AGAIN_MS = 60 * 60_000;
/** When to try again after R2 refused to delete: a bucket lock lasts for days. */
export const REFUSED_AGAIN_MS = 6 * 60 * 60_000;

interface OldFile {
  key: string;
  first: number;
  last: number;
}

/** A file goes by the day (UTC) on which it was sealed, once that is over: nothing in it was recorded later. */
const expiryOf = (sealedAt: string, days: number): number => Date.parse(`${sealedAt.slice(0, 10)}T00:00:00.000Z`) + (days + 1) * DAY_MS;

/** The oldest files that are past retention, whole ones only. What may still become part of a larger file is none yet. */
function dueFiles(sql: SqlStorage, { tenantId }: Head, now: number): OldFile[] {
  const { days } = readRetention(sql);
  const rows = sql.exec<{ first: number; last: number; sealed_at: string; file: string | null }>(
    'SELECT first, last, sealed_at, file FROM segments WHERE last <= ? ORDER BY first',
    compactedTo(sql),
  );
  const files: OldFile[] = [];
  for (const { first, last, sealed_at, file } of rows) {
    if (expiryOf(sealed_at, days) > now) break;
    const key = file ?? segmentKey(tenantId, sealed_at, first, last);
    const open = files.at(-1);
    if (open?.key === key) open.last = last;
    else if (files.length === FILES_AT_ONCE) break;
    else files.push({ key, first, last });
  }
  return files;
}

/** Cursors that have not gone beyond that event, those of replays that run among them. */
const behind = (sql: SqlStorage, last: number): string[] =>
  Array.from(sql.exec<{ id: string }>('SELECT id FROM destinations WHERE ended IS NULL AND cursor < ? ORDER BY id', last), ({ id }) => id);

/** The files that nobody needs any more. What the hot index still has is not past anything. */
function freeFiles(sql: SqlStorage, head: Head, now: number): OldFile[] {
  const hot = oldestHot(sql) ?? Number.MAX_SAFE_INTEGER;
  const files = dueFiles(sql, head, now);
  const held = files.findIndex(({ last }) => last >= hot || behind(sql, last).length > 0);
  return held === -1 ? files : files.slice(0, held);
}

const hasExpired = (sql: SqlStorage): boolean => sql.exec('SELECT 1 FROM expired LIMIT 1').toArray().length > 0;

/** When the oldest file is purged, or deleted; null while there is none. */
export function expiryDue(sql: SqlStorage): number | null {
  const { days, notBefore } = readRetention(sql);
  if (hasExpired(sql)) return notBefore;
  const [oldest] = sql.exec<{ last: number; sealed_at: string }>('SELECT last, sealed_at FROM segments ORDER BY first LIMIT 1');
  if (!oldest || oldest.last > compactedTo(sql)) return null;
  return Math.max(expiryOf(oldest.sealed_at, days), notBefore);
}

/**
 * One step: records a purge, or deletes the files of the one that was recorded. What breaks off in between goes on there: a
 * purge is recorded once, and its files are deleted until they are gone. Leaves and checkpoints stay, so proofs stay valid.
 */
export async function purgeArchive(storage: DurableObjectStorage, services: Services, bucket: R2Bucket): Promise<void> {
  const { sql } = storage;
  const now = services.now().getTime();
  const due = expiryDue(sql);
  if (due === null || due > now) return;
  if (hasExpired(sql)) await deleteExpired(sql, services, bucket);
  else recordPurge(storage, services);
}

function recordPurge(storage: DurableObjectStorage, services: Services): void {
  const { sql } = storage;
  const now = services.now().getTime();
  storage.transactionSync(() => {
    const head = readHead(sql);
    const files = head ? freeFiles(sql, head, now) : [];
    const [from, to] = [files[0], files.at(-1)];
    if (!head || !from || !to) return postponePurge(sql, now + HELD_AGAIN_MS);
    for (const { first, key } of files) sql.exec('INSERT INTO expired (first, key) VALUES (?, ?)', first, key);
    sql.exec('DELETE FROM segments WHERE last <= ?', to.last);
    notePurged(sql, to.last);
    const { days } = readRetention(sql);
    const until = new Date(Math.floor(now / DAY_MS) * DAY_MS - days * DAY_MS).toISOString();
    appendOwn(storage, services, head, 'retention', {
      action: 'audit.purge',
      resource: auditLog,
      details: { first: from.first, last: to.last, until, days },
    });
    postponePurge(sql, now + GRACE_MS);
  });
}

/**
 * Only once the purge itself lies in the archive: what is missing there is always explained there. A lock of the bucket that
 * refuses it does no harm: nothing points to these files any more.
 */
async function deleteExpired(sql: SqlStorage, services: Services, bucket: R2Bucket): Promise<void> {
  if (archivedTo(sql) < readRetention(sql).recordedBy) return postponePurge(sql, services.now().getTime() + GRACE_MS);
  const files = sql.exec<{ first: number; key: string }>('SELECT first, key FROM expired ORDER BY first LIMIT ?', FILES_AT_ONCE).toArray();
  for (const { first, key } of files) {
    try {
      await bucket.delete([key, sidecarKey(key), proofKey(key)]);
    } catch (error) {
      postponePurge(sql, services.now().getTime() + REFUSED_AGAIN_MS);
      services.log('warn', 'the archive does not delete what is past retention: it is tried again in six hours', {
        ...{ tenantId: readHead(sql)?.tenantId, key, error: String(error) },
      });
      return;
    }
    sql.exec('DELETE FROM expired WHERE first = ?', first);
  }
}

/** What can still be read, and what holds the purge. */
export function retentionStatus(sql: SqlStorage, now: number): Pick<LedgerStatus, 'oldest' | 'retention'> {
  const { days, purgedTo } = readRetention(sql);
  const head = readHead(sql);
  const [due] = head ? dueFiles(sql, head, now) : [];
  const heldBy = due ? [...new Set(behind(sql, due.last).map(destinationOf))] : [];
  const oldest = head ? { seq: purgedTo + 1, time: recordedAtOf(sql, purgedTo + 1) } : null;
  return { oldest, retention: { days, heldBy } };
}
