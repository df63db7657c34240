import { addressesIn, concerns, mayConcern, type Sought } from '@gatehouse/core/audit/person.ts';
import type { Services } from '../platform/context.ts';
import type { ArchivePlace } from '../platform/objects.ts';
import { eraseInFile, eraseInSegment } from './archive-erase.ts';
import { erasedVersionKey, proofKey, quarantinedSeqOf, quarantinePrefix, segmentBoundsOf, sidecarKey } from './archive-layout.ts';
import { readArchived } from './archive.ts';
import { noteVersion, placeOf, placesOfFile } from './ledger.archive.ts';
import { BODY, bodyOf, eventIn, KEPT, type Body } from './ledger.body.ts';
import { erasedAmong, erasedAt, settled } from './ledger.erased.ts';
import {
  ERASURE_SOURCE,
  eraseHere,
  expectDeletion,
  lateWork,
  moveErasure,
  openErasure,
  postponeUpkeep,
  type ErasureRow,
} from './ledger.erasure.ts';
import { findingsAbout, renameFindings } from './ledger.findings.ts';
import { readRetention } from './ledger.retention.ts';
import { oldestHot, readHead } from './ledger.schema.ts';
import { archivedTo } from './ledger.segments.ts';
import { appendOwn } from './ledger.sign.ts';

/** What one step looks at, at most. */
const HOT_AT_ONCE = 1_000;
const LISTED = 500;
/** A file that nothing points to any more goes after this: whoever reads a page of it now comes to its end. */
const GRACE_MS = 60_000;
const WAIT_MS = 5_000;
const FIRST_RETRY_MS = 60_000;
/** A bucket lock lasts for days. */
const LONGEST_RETRY_MS = 6 * 60 * 60_000;
/** So often in a row, and it is no accident: then it is told. */
const TOLD_AFTER = 3;

interface Work {
  storage: DurableObjectStorage;
  services: Services;
  bucket: R2Bucket;
  row: ErasureRow;
}

/**
 * One step of the erasure that is under way. What a step does here is one transaction, and what it does in the archive may be
 * repeated: so whatever breaks off goes on where it was.
 */
export async function eraseSome(storage: DurableObjectStorage, services: Services, bucket: R2Bucket): Promise<void> {
  const now = services.now().getTime();
  const row = openErasure(storage.sql);
  if (!row) return upkeep(storage, services, bucket);
  if (row.not_before > now) return;
  const work = { storage, services, bucket, row };
  switch (row.stage) {
    case 'scan':
      return scan(work);
    case 'aside':
      return clearAside(work);
    case 'archive':
      return rewriteNext(work);
    case 'done':
      return;
  }
}

/** What came up behind an erasure that is over: files to delete, and lines that somebody had read before and wrote after. */
async function upkeep(storage: DurableObjectStorage, services: Services, bucket: R2Bucket): Promise<void> {
  const { sql } = storage;
  const now = services.now().getTime();
  postponeUpkeep(sql, now + FIRST_RETRY_MS);
  await deleteReplaced(sql, bucket, now);
  const seq = lateWork(sql);
  const place = seq === null ? null : placeOf(sql, seq);
  if (place) await rewrite(storage, services, bucket, place);
  else if (seq !== null) settled(sql, [seq]);
  postponeUpkeep(sql, 0);
}

interface Found {
  seq: number;
  body: string;
}

/** The newest first: so a person's deletion comes before all else, and tells the address that was theirs until then. */
async function scan(work: Work): Promise<void> {
  const { storage, row } = work;
  const { sql } = storage;
  if (row.next <= readRetention(sql).purgedTo) return endScan(work);
  const hot = hotBefore(sql, row.next);
  if (hot) return take(work, hot.events, hot.low - 1);
  const place = placeOf(sql, row.next);
  // What is neither here nor there is being archived, or was lost: it can't say anything.
  if (!place) return moveErasure(sql, row.asked, { next: row.next - 1 });
  const events = await readArchived(work.bucket, place);
  const above = hotAfter(sql, place.last) ?? (await firstOf(work, place.last + 1));
  take(work, [...events.filter(({ seq }) => seq <= row.next), ...above], place.first - 1);
}

/** The next ones in the hot index, with the few behind them, which findings that they opened are among. */
function hotBefore(sql: SqlStorage, next: number): { events: Found[]; low: number } | null {
  const oldest = oldestHot(sql);
  if (oldest === null || oldest > next) return null;
  const low = Math.max(oldest, next - HOT_AT_ONCE + 1);
  return { low, events: hotBetween(sql, low, next + OPENED_BEHIND) };
}

/** Findings that one event opens stand right behind it. */
const OPENED_BEHIND = 8;
const hotBetween = (sql: SqlStorage, low: number, high: number): Found[] =>
  Array.from(
    sql.exec<Body & { seq: number }>(`SELECT seq, ${BODY} FROM events WHERE seq BETWEEN ? AND ? AND ${KEPT} ORDER BY seq`, low, high),
    ({ seq, ...body }) => ({ seq, body: bodyOf(body) }),
  );
const hotAfter = (sql: SqlStorage, seq: number): Found[] | null =>
  (oldestHot(sql) ?? Infinity) <= seq + 1 ? hotBetween(sql, seq + 1, seq + OPENED_BEHIND) : null;

async function firstOf({ storage, bucket }: Work, seq: number): Promise<Found[]> {
  const place = placeOf(storage.sql, seq);
  return place === null ? [] : (await readArchived(bucket, place)).slice(0, OPENED_BEHIND);
}

function take({ storage, services, row }: Work, events: readonly Found[], next: number): void {
  const { sql } = storage;
  storage.transactionSync(() => {
    const { seqs, addresses } = matchesIn(events, row);
    eraseHere(sql, row, seqs, services.now().toISOString());
    moveErasure(sql, row.asked, { next, addresses });
  });
}

/** @param events in order; those behind `next` are looked at only for findings that the others opened */
function matchesIn(events: readonly Found[], row: ErasureRow): { seqs: number[]; addresses: string[] } {
  const addresses = new Set(row.addresses);
  const sought = (): Sought => ({ id: row.person, addresses: [...addresses], findings: new Set(row.findings) });
  const seqs: number[] = [];
  const opened = new Map<string, number[]>();
  for (const { seq, body } of [...events].reverse()) {
    if (body.includes('"action":"finding.open"')) {
      const trigger = String(eventIn(body).details['event']);
      opened.set(trigger, [...(opened.get(trigger) ?? []), seq]);
    }
    if (seq > row.next || !mayConcern(body, sought())) continue;
    const event = eventIn(body);
    if (!concerns(event, sought())) continue;
    for (const address of addressesIn(event, row.person)) addresses.add(address);
    seqs.push(seq, ...(opened.get(event.id) ?? []));
  }
  return { seqs: [...new Set(seqs)], addresses: [...addresses] };
}

/** Findings that turned out to be about that person have events of their own: if there are any, all is looked at once more. */
function endScan({ storage, row }: Work): void {
  const { sql } = storage;
  storage.transactionSync(() => {
    const findings = findingsAbout(sql, row);
    const isNew = findings.some((id) => !row.findings.includes(id));
    if (isNew) return moveErasure(sql, row.asked, { findings, next: row.asked - 1 });
    renameFindings(sql, row.person, findings);
    forgetSaid(sql, row);
    moveErasure(sql, row.asked, { stage: 'aside', after_key: '' });
  });
}

/** What destinations answered may repeat what they were sent. */
function forgetSaid(sql: SqlStorage, { person, addresses }: ErasureRow): void {
  for (const word of [person, ...addresses])
    for (const column of ['last_error', 'last_note'])
      sql.exec(`UPDATE destinations SET ${column} = 'It is erased what was said here' WHERE instr(lower(${column}), ?) > 0`, word);
}

/** Events that destinations refused lie in the archive, each in a file, also when their lists no longer have them. */
async function clearAside(work: Work): Promise<void> {
  const { storage, bucket, row } = work;
  const { sql } = storage;
  const prefix = quarantinePrefix(readHead(sql)?.tenantId ?? '');
  const { objects, truncated } = await bucket.list({
    prefix,
    limit: LISTED,
    ...(row.after_key === '' ? {} : { startAfter: row.after_key }),
  });
  storage.transactionSync(() => {
    for (const { key } of objects) if (erasedAt(sql, quarantinedSeqOf(key)) !== null) expectDeletion(sql, key, 0);
    const last = objects.at(-1)?.key;
    if (truncated && last !== undefined) moveErasure(sql, row.asked, { after_key: last });
    else moveErasure(sql, row.asked, { stage: 'archive', next: 0 });
  });
}

/** One file of the archive at a time, from the first event on; then round again while anything is left. */
async function rewriteNext(work: Work): Promise<void> {
  const { storage, services, row } = work;
  const { sql } = storage;
  sql.exec('UPDATE erased SET pending = 0 WHERE pending = 1 AND seq <= ?', readRetention(sql).purgedTo);
  await attempt(work, () => deleteReplaced(sql, work.bucket, services.now().getTime()));
  const [pending] = sql.exec<{ seq: number }>(
    'SELECT seq FROM erased WHERE pending = 1 AND seq > ? AND seq <= ? ORDER BY seq LIMIT 1',
    row.next,
    archivedTo(sql),
  );
  if (!pending) return endRound(work);
  const place = placeOf(sql, pending.seq);
  // Whatever becomes of this file, the next step looks at those behind it.
  moveErasure(sql, row.asked, { next: place ? lastOfFile(sql, place) : pending.seq });
  if (place) await attempt(work, () => rewrite(storage, services, work.bucket, place));
}

/** The archive may refuse, as one does whose bucket is locked: that is said, and tried again. */
async function attempt({ storage: { sql }, services, row }: Work, step: () => Promise<void>): Promise<void> {
  try {
    await step();
  } catch (error) {
    const refusal = `The archive does not let go of them: ${error instanceof Error ? error.message : String(error)}`.slice(0, 300);
    services.log('warn', 'the archive does not let go of what is to be erased: it is tried again', {
      ...{ tenantId: readHead(sql)?.tenantId, error: String(error) },
    });
    moveErasure(sql, row.asked, { refused: 1, refusal });
  }
}

async function rewrite(storage: DurableObjectStorage, services: Services, bucket: R2Bucket, place: ArchivePlace): Promise<void> {
  const { sql } = storage;
  if (place.bytes === null) {
    const erased = erasedAmong(sql, place.first, place.last);
    await eraseInSegment(bucket, place.key, erased);
    return settled(sql, [...erased.keys()]);
  }
  const places = placesOfFile(sql, place.key);
  const erased = erasedAmong(sql, places[0]?.first ?? place.first, lastOfFile(sql, place));
  const newKey = erasedVersionKey(place.key, services.now().getTime());
  // Should this break off, nothing points to what it left: it is deleted, and begun anew.
  expectDeletion(sql, newKey, services.now().getTime() + GRACE_MS);
  const version = await eraseInFile(bucket, places, erased, newKey);
  storage.transactionSync(() => {
    if (version && !noteVersion(sql, place.key, version)) return;
    settled(sql, [...erased.keys()]);
    sql.exec('DELETE FROM erasure_files WHERE key = ?', newKey);
    if (version) expectDeletion(sql, place.key, services.now().getTime() + GRACE_MS);
  });
}

const lastOfFile = (sql: SqlStorage, { key, bytes, last }: ArchivePlace): number =>
  bytes === null ? last : (placesOfFile(sql, key).at(-1)?.last ?? last);

async function deleteReplaced(sql: SqlStorage, bucket: R2Bucket, now: number): Promise<void> {
  const due = sql.exec<{ key: string }>('SELECT key FROM erasure_files WHERE not_before <= ? ORDER BY not_before LIMIT 20', now).toArray();
  for (const { key } of due) {
    const beside = key.endsWith('.ndjson.gz') ? [sidecarKey(key), proofKey(key)] : [];
    try {
      await bucket.delete([key, ...beside]);
      sql.exec('DELETE FROM erasure_files WHERE key = ?', key);
    } catch (error) {
      sql.exec('UPDATE erasure_files SET not_before = ? WHERE key = ?', now + FIRST_RETRY_MS, key);
      throw error;
    }
  }
}

/** All files were looked at: it is done, or what is left is tried again. */
function endRound({ storage, services, row: before }: Work): void {
  const { sql } = storage;
  const now = services.now().getTime();
  storage.transactionSync(() => {
    const row = openErasure(sql);
    if (row?.asked !== before.asked) return;
    const left = sql.exec<{ n: number }>('SELECT count(*) AS n FROM erased WHERE erasure = ? AND pending = 1', row.asked).one().n;
    const { own, others } = filesLeft(sql, row.asked);
    if (left + own + others === 0) return tell(storage, services, row, { outcome: 'success' });
    const failures = row.refused === 1 ? row.failures + 1 : row.failures;
    const waiting = others > 0 ? `Former versions of ${others} files wait to be deleted` : null;
    const refusal = row.refused === 1 ? row.refusal : waiting;
    const pause = row.refused === 1 ? retryMs(failures) : waiting === null ? WAIT_MS : FIRST_RETRY_MS;
    moveErasure(sql, row.asked, { next: 0, not_before: now + pause, failures, refused: 0, refusal });
    if (row.refused === 1 && failures === TOLD_AFTER) tell(storage, services, row, { outcome: 'failure', reason: refusal ?? '' });
  });
}

/** Files that still hold such events: replaced ones, and those that compaction or retention could not delete yet. */
function filesLeft(sql: SqlStorage, asked: number): { own: number; others: number } {
  const own = sql.exec<{ n: number }>('SELECT count(*) AS n FROM erasure_files').one().n;
  const waiting = sql.exec<{ key: string }>('SELECT key FROM leftovers UNION ALL SELECT key FROM expired').toArray();
  const others = waiting.filter(({ key }) => {
    const bounds = segmentBoundsOf(key);
    return bounds !== null && holdsErased(sql, asked, bounds);
  });
  return { own, others: others.length };
}

const holdsErased = (sql: SqlStorage, asked: number, { first, last }: { first: number; last: number }): boolean =>
  sql.exec('SELECT 1 FROM erased WHERE erasure = ? AND seq BETWEEN ? AND ? LIMIT 1', asked, first, last).toArray().length > 0;

const retryMs = (failures: number): number => Math.min(FIRST_RETRY_MS * 2 ** (failures - 1), LONGEST_RETRY_MS);

/** By its id alone. The days of retention come along: the event that set them may be one of those that are gone. */
function tell(
  storage: DurableObjectStorage,
  services: Services,
  row: ErasureRow,
  said: { outcome: 'success' } | { outcome: 'failure'; reason: string },
): void {
  const head = readHead(storage.sql);
  if (!head) return;
  const { n: erased } = storage.sql.exec<{ n: number }>('SELECT count(*) AS n FROM erased WHERE erasure = ?', row.asked).one();
  const { days } = readRetention(storage.sql);
  appendOwn(storage, services, head, ERASURE_SOURCE, {
    ...{ action: 'audit.erase.finish', resource: { type: 'user', id: row.person, name: row.person } },
    ...said,
    details: { events: erased, asked: row.asked, days },
  });
}
