import { parseCheckpoint } from '@gatehouse/core/audit/checkpoint.ts';
import { fromBase64, toBase64 } from '@gatehouse/core/audit/base64.ts';
import { appendLeaf, isFrontier, leafHash, type Frontier } from '@gatehouse/core/audit/merkle.ts';
import { parseNote } from '@gatehouse/core/audit/note.ts';
import { parseProofLine } from '@gatehouse/core/audit/proof-lines.ts';
import type { Services } from '../platform/context.ts';
import type { ArchivePlace, Rebuilding } from '../platform/objects.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { latestCheckpointKey, proofKey, sealedDayOf, segmentBoundsOf, sidecarKey } from './archive-layout.ts';
import { parseLine, readLines, type ArchivedLine } from './archive.ts';
import { sidecar } from './compaction.ts';
import { listDestinations } from './destinations.store.ts';
import { packHashes, saltedHash, sha256, unhex, unpackFrontier } from './hash.ts';
import { eventIn } from './ledger.body.ts';
import { restoreKeys } from './ledger.checkpoint.ts';
import { followConfiguration } from './ledger.delivery.ts';
import { countErased, erasedAt } from './ledger.erased.ts';
import { followErasure } from './ledger.erasure.ts';
import { insertBlank, insertEvent, noteDrift, noteSeen, REBUILT } from './ledger.index.ts';
import { followRetention, forgetRetention, noteBeginning, readRetention } from './ledger.retention.ts';
import { readHead, writeHead } from './ledger.schema.ts';
import { archivedTo, HOT_MS } from './ledger.segments.ts';
import { keepFrontier, keepNodes, rootAt } from './ledger.tree.ts';

/** Files of the archive that are listed, and places that are read, in one step. */
const LISTED = 100;
const PLACES_A_STEP = 10;

const EMPTIED = ['events', 'terms', 'seen', 'leaves', 'nodes', 'segments', 'leftovers', 'head', 'destinations'];

interface Row extends Record<string, SqlStorageValue> {
  tenant_id: string;
  shard: string;
  after_key: string;
  fault: string | null;
}
const rowOf = (sql: SqlStorage): Row | undefined => sql.exec<Row>('SELECT tenant_id, shard, after_key, fault FROM rebuild').toArray()[0];

/** null when the ledger is whole */
export function rebuilding(sql: SqlStorage): Rebuilding | null {
  const row = rowOf(sql);
  return row ? { recorded: readHead(sql)?.size ?? 0, fault: row.fault } : null;
}

/** When the next step is due; null when there is none. One that met a fault waits for a person. */
export const rebuildDue = (sql: SqlStorage, now: number): number | null => (rowOf(sql)?.fault === null ? now : null);

/**
 * Empties the ledger and begins to make it anew from the archive; one that is being made goes on. Nothing is taken in
 * until it is done: what happens meanwhile waits in the outboxes.
 * @returns `notArchived` when events are here that the archive lacks: then nothing is done
 */
export function beginRebuild(storage: DurableObjectStorage, tenantId: string, shard: string): Rebuilding | { notArchived: number } {
  const { sql } = storage;
  const running = rowOf(sql);
  if (running && running.fault === null) return { recorded: readHead(sql)?.size ?? 0, fault: null };
  const size = readHead(sql)?.size ?? 0;
  if (!running && archivedTo(sql) < size) return { notArchived: size - archivedTo(sql) };
  storage.transactionSync(() => {
    for (const table of EMPTIED) sql.exec(`DELETE FROM ${table}`);
    forgetRetention(sql);
    sql.exec("INSERT INTO search (search) VALUES ('delete-all')");
    sql.exec('UPDATE nodes_upgrade SET built = 0, until = 0');
    sql.exec('UPDATE compaction SET done = 0, not_before = 0');
    sql.exec('UPDATE upgrade SET indexed_from = 1');
    sql.exec("INSERT OR REPLACE INTO rebuild (one, tenant_id, shard, after_key, fault) VALUES (1, ?, ?, '', NULL)", tenantId, shard);
  });
  return { recorded: 0, fault: null };
}

/** One step. Each place is one transaction, so that whatever breaks off goes on where it was. */
export async function rebuildSome(
  storage: DurableObjectStorage,
  bucket: R2Bucket,
  services: Pick<Services, 'now' | 'tenantDb' | 'systemDb'>,
): Promise<void> {
  const { sql } = storage;
  const row = rowOf(sql);
  if (!row || row.fault !== null) return;
  const now = services.now();
  const { objects, truncated } = await bucket.list({
    prefix: `${row.tenant_id}/`,
    limit: LISTED,
    ...(row.after_key === '' ? {} : { startAfter: row.after_key }),
  });
  let places = 0;
  for (const { key } of objects) {
    for (const place of await placesOf(bucket, key, (readHead(sql)?.size ?? 0) + 1)) {
      if (places++ === PLACES_A_STEP) return;
      const lines = (await readLines(bucket, place)).map(parseLine);
      const before = await treeBefore(sql, bucket, place);
      const fault = storage.transactionSync(() => {
        if (before) beginBehind(sql, row, before);
        return takePlace(sql, row, place, lines, now);
      });
      if (fault !== null) return stop(sql, fault);
    }
    sql.exec('UPDATE rebuild SET after_key = ?', key);
  }
  if (truncated) return;
  if ((readRetention(sql).purgedTo > 0 || countErased(sql) > 0) && row.shard !== services.systemDb.shard)
    await restoreDestinations(sql, services.tenantDb(row.shard, row.tenant_id));
  await finish(sql, bucket, row.tenant_id);
}

/** The tree before the first file that the archive has, as its proof says; null when it begins with event 1, or has begun. */
async function treeBefore(sql: SqlStorage, bucket: R2Bucket, place: ArchivePlace): Promise<Frontier | null> {
  if (place.first === 1 || readHead(sql) !== null) return null;
  const text = (await (await bucket.get(proofKey(place.key)))?.text()) ?? '';
  const line = parseProofLine(new TextEncoder().encode(text.split('\n', 1)[0]));
  return line.kind === 'before' && line.frontier.size === place.first - 1 && isFrontier(line.frontier) ? line.frontier : null;
}

/** The log goes on behind what was purged. Whether that is so, and whether the tree is the log's, `finish` finds out. */
function beginBehind(sql: SqlStorage, { tenant_id, shard }: Row, frontier: Frontier): void {
  keepFrontier(sql, frontier);
  noteBeginning(sql, frontier.size);
  writeHead(sql, { ...emptyHead, tenantId: tenant_id, shard, size: frontier.size, frontier: packHashes(frontier.hashes) });
}

/** Destinations whose creation is past retention, or erased with whoever made them: they too get everything once more that is still there. */
async function restoreDestinations(sql: SqlStorage, db: TenantDb): Promise<void> {
  const { purgedTo } = readRetention(sql);
  for (const { id } of await listDestinations(db)) sql.exec('INSERT OR IGNORE INTO destinations (id, cursor) VALUES (?, ?)', id, purgedTo);
}

const stop = (sql: SqlStorage, fault: string): void => void sql.exec('UPDATE rebuild SET fault = ?', fault);

/** What of a file is still needed, block by block where it has them. */
async function placesOf(bucket: R2Bucket, key: string, next: number): Promise<ArchivePlace[]> {
  const bounds = segmentBoundsOf(key);
  if (!bounds || bounds.last < next) return [];
  const sealedAt = `${sealedDayOf(key)}T00:00:00.000Z`;
  const beside = await bucket.get(sidecarKey(key));
  if (!beside) return [{ ...bounds, sealedAt, key, bytes: null }];
  const { blocks } = sidecar.parse(await beside.json());
  return blocks
    .filter(({ last }) => last >= next)
    .map(({ first, last, offset, length }) => ({ first, last, sealedAt, key, bytes: { offset, length } }));
}

/** @returns why the archive can't be believed, null when all is well */
function takePlace(sql: SqlStorage, row: Row, place: ArchivePlace, lines: readonly ArchivedLine[], now: Date): string | null {
  const head = readHead(sql) ?? { ...emptyHead, tenantId: row.tenant_id, shard: row.shard };
  const first = head.size + 1;
  let frontier: Frontier = unpackFrontier(head.size, head.frontier);
  const times: string[] = [];
  for (const line of lines.filter(({ seq }) => seq > head.size)) {
    if (line.seq !== head.size + 1) return `${place.key} has event ${line.seq} where ${head.size + 1} is due`;
    const leaf = leafOf(line);
    if (leaf === null) return `${place.key} has no leaf of event ${line.seq}`;
    sql.exec('INSERT INTO leaves (seq, hash) VALUES (?, ?)', line.seq, leaf);
    frontier = appendLeaf(sha256, frontier, leaf, keepNodes(sql));
    head.size++;
    if (takeErased(sql, line, head.recordedAt || place.sealedAt, now) || line.body === null) continue;
    const event = eventIn(line.body);
    times.push(event.time);
    head.recordedAt = event.recordedAt;
    takeEvent(sql, line, line.body, now);
  }
  if (head.size < first) return `${place.key} does not have the events that its name says`;
  writeHead(sql, { ...head, frontier: packHashes(frontier.hashes) });
  times.sort();
  sql.exec(
    `INSERT INTO segments (first, last, sealed_at, announce_at, archived_at, min_time, max_time, file, file_offset, file_length)
     VALUES (?, ?, ?, 0, ?, ?, ?, ?, ?, ?)`,
    ...[first, head.size, sealedAtOf(place, head.recordedAt), now.toISOString(), times[0] ?? null, times.at(-1) ?? null],
    ...[place.key, place.bytes?.offset ?? null, place.bytes?.length ?? null],
  );
  return null;
}

const emptyHead = { size: 0, frontier: new Uint8Array(), recordedAt: '', clearAt: null };

/** The name tells the day only; within it nothing was sealed before it was recorded. */
const sealedAtOf = ({ sealedAt }: ArchivePlace, recordedAt: string): string =>
  recordedAt.slice(0, 10) === sealedAt.slice(0, 10) ? recordedAt : sealedAt;

function leafOf({ salt, body, leafHash: kept }: ArchivedLine): Uint8Array | null {
  if (body === null) return fromBase64(kept ?? '');
  return leafHash(sha256, saltedHash(unhex(salt), new TextEncoder().encode(body)));
}

/** The archive may not have let go yet of what this ledger knows to be erased. @returns whether the event is */
function takeErased(sql: SqlStorage, { seq, body, erasedAt: said }: ArchivedLine, recordedAt: string, now: Date): boolean {
  const at = said ?? erasedAt(sql, seq);
  if (at === null) return false;
  sql.exec(
    'INSERT INTO erased (seq, at, pending) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET pending = ?3',
    seq,
    at,
    body === null ? 0 : 1,
  );
  if (Date.parse(recordedAt) > now.getTime() - HOT_MS) insertBlank(sql, seq, recordedAt);
  return true;
}

/** What is recent can be searched again; destinations are what their events made of them, and get everything once more. */
function takeEvent(sql: SqlStorage, { salt, seq }: ArchivedLine, body: string, now: Date): void {
  const event = eventIn(body);
  if (Date.parse(event.recordedAt) > now.getTime() - HOT_MS) insertEvent(sql, REBUILT, event, unhex(salt), new TextEncoder().encode(body));
  else noteSeen(sql, event);
  noteDrift(sql, [event]);
  followConfiguration(sql, event, seq, now.getTime());
  followRetention(sql, event, seq);
  followErasure(sql, null, event, seq);
  restoreKeys(sql, event);
}

/** Done, if the newest checkpoint in the archive vouches for what was made. */
async function finish(sql: SqlStorage, bucket: R2Bucket, tenantId: string): Promise<void> {
  const { purgedTo, recordedTo } = readRetention(sql);
  if (purgedTo > recordedTo) return stop(sql, `The archive has event ${purgedTo + 1} where 1 is due, and no purge explains it`);
  const note = await (await bucket.get(latestCheckpointKey(tenantId)))?.text();
  if (note !== undefined) {
    const { size, root } = parseCheckpoint(parseNote(note).text);
    const held = readHead(sql)?.size ?? 0;
    if (size > held) return stop(sql, `The archive ends at event ${held}, and its checkpoint covers ${size}`);
    if (size > 0 && toBase64(rootAt(sql, size)) !== toBase64(root))
      return stop(sql, `The first ${size} events are not those of the checkpoint`);
  }
  sql.exec('DELETE FROM rebuild');
}
