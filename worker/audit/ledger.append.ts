import { z } from 'zod';
import { draftEvent, type AuditEvent, type DraftEvent } from '@gatehouse/core/audit/event.ts';
import { appendLeaf, leafHash, type Frontier } from '@gatehouse/core/audit/merkle.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { AppendRequest } from '../platform/objects.ts';
import { packHashes, saltedHash, sha256, unpackFrontier } from './hash.ts';
import { CHECKPOINT_SOURCE, expectTelling } from './ledger.checkpoint.ts';
import { followConfiguration, wakeDestinations } from './ledger.delivery.ts';
import { eraseLate, followErasure } from './ledger.erasure.ts';
import { observe } from './ledger.findings.ts';
import { insertEvent, noteDrift, REBUILT } from './ledger.index.ts';
import { followRetention } from './ledger.retention.ts';
import { readHead, writeHead, type Head } from './ledger.schema.ts';
import { keepNodes } from './ledger.tree.ts';

/** The source of the events that the ledger makes itself when it finds something. */
const FINDINGS = 'findings';

/** What is new waits at most this long for its segment, its doorbells, and its outbox rows' deletion. */
export const GATHER_MS = 1_000;

const appendRequest = z.object({
  tenantId: z.string().min(1),
  shard: z.string().min(1),
  source: z.string().min(1).max(100),
  batches: z.array(z.object({ outboxId: z.string().min(1), events: z.array(draftEvent) })),
});

interface Tools {
  now: Date;
  random(bytes: number): Uint8Array;
}

const encoder = new TextEncoder();

/**
 * Takes events in, all or none, each once: a repetition of (source, id) changes nothing.
 * @throws AppError `invalid` naming the first field that is no event's, or when the tenant is another's
 */
export function append(storage: DurableObjectStorage, request: AppendRequest, tools: Tools): void {
  const { tenantId, shard, source, batches } = parse(request);
  const { sql } = storage;
  storage.transactionSync(() => {
    const head = readHead(sql) ?? emptyHead(tenantId, shard);
    if (head.tenantId !== tenantId) throw new AppError('invalid', 'The events are another tenant’s');
    const before = head.size;
    const taken: AuditEvent[] = [];
    let frontier = unpackFrontier(head.size, head.frontier);
    // The clock may step back; the order of recording may not.
    head.recordedAt = [head.recordedAt, tools.now.toISOString()].sort().at(-1) ?? head.recordedAt;
    for (const event of batches.flatMap((batch) => batch.events)) {
      if (isKnown(sql, source, event.id)) continue;
      head.size++;
      const recorded = numbered(event, head);
      frontier = insert(sql, frontier, source, recorded, tools.random(16));
      taken.push(recorded);
      followConfiguration(sql, event, head.size, tools.now.getTime());
      followRetention(sql, event, head.size);
      followErasure(sql, source, event, head.size);
      if (eraseLate(sql, source, recorded, head.recordedAt)) continue;
      for (const finding of observe(sql, recorded)) {
        head.size++;
        const found = numbered(finding, head);
        frontier = insert(sql, frontier, FINDINGS, found, tools.random(16));
        taken.push(found);
      }
    }
    noteDrift(sql, taken);
    head.frontier = packHashes(frontier.hashes);
    if (source === 'api' && acknowledge(sql, batches)) head.clearAt ??= tools.now.getTime() + GATHER_MS;
    if (head.size > before) wakeDestinations(sql, tools.now.getTime() + GATHER_MS);
    if (head.size > before && source !== CHECKPOINT_SOURCE) expectTelling(sql, tools.now.getTime());
    writeHead(sql, head);
  });
}

function parse(request: AppendRequest): z.infer<typeof appendRequest> {
  const parsed = appendRequest.safeParse(request);
  if (parsed.success) return parsed.data;
  const [fault] = parsed.error.issues;
  throw new AppError('invalid', `Not an event: ${fault?.path.join('.')} ${fault?.message}`);
}

const emptyHead = (tenantId: string, shard: string): Head => ({
  tenantId,
  shard,
  size: 0,
  frontier: new Uint8Array(),
  recordedAt: '',
  clearAt: null,
});

/** What was rebuilt from the archive has no source any more, and stands for every one. */
const isKnown = (sql: SqlStorage, source: string, id: string): boolean =>
  sql.exec('SELECT 1 FROM events WHERE source IN (?, ?) AND event_id = ?', source, REBUILT, id).toArray().length > 0;

const numbered = ({ id, time, ...rest }: DraftEvent, head: Head): AuditEvent => ({
  id,
  seq: head.size,
  time,
  recordedAt: head.recordedAt,
  ...rest,
});

function insert(sql: SqlStorage, frontier: Frontier, source: string, event: AuditEvent, salt: Uint8Array): Frontier {
  const json = encoder.encode(JSON.stringify(event));
  const leaf = leafHash(sha256, saltedHash(salt, json));
  insertEvent(sql, source, event, salt, json);
  sql.exec('INSERT INTO leaves (seq, hash) VALUES (?, ?)', event.seq, leaf);
  return appendLeaf(sha256, frontier, leaf, keepNodes(sql));
}

/** Notes the outbox rows that are now held, so that D1 may forget them. */
function acknowledge(sql: SqlStorage, batches: AppendRequest['batches']): boolean {
  for (const { outboxId } of batches) sql.exec('INSERT OR IGNORE INTO acknowledged (outbox_id) VALUES (?)', outboxId);
  return batches.length > 0;
}
