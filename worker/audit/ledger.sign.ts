import { toBase64 } from '@gatehouse/core/audit/base64.ts';
import { verifierKey, type Signer } from '@gatehouse/core/audit/note.ts';
import { beforeLine, checkpointLine, leavesLine } from '@gatehouse/core/audit/proof-lines.ts';
import { eventOf, type EventContext, type EventFacts } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import type { ProofBlock, SignedCheckpoint, TreeRefusal } from '../platform/objects.ts';
import { append } from './ledger.append.ts';
import { CHECKPOINT_SOURCE, noteKey, setTellingDue, signAt, signersOf, TELL_EVERY_MS, tellingDue } from './ledger.checkpoint.ts';
import { eventIn } from './ledger.body.ts';
import { readPage } from './ledger.query.ts';
import { readRetention } from './ledger.retention.ts';
import { rebuilding } from './ledger.rebuild.ts';
import { readHead, type Head } from './ledger.schema.ts';
import { isTreeComplete, packedLeaves, rootAt, treeAt } from './ledger.tree.ts';

const TELL_AGAIN_MS = 60_000;

export const auditLog = { type: 'audit', id: null, name: 'Audit log' } as const;

type Signers = [Signer, ...Signer[]];

/** Whether a tree of that size can be proven, and if not, why. */
export function refusalOf(sql: SqlStorage, size: number): TreeRefusal | null {
  const held = readHead(sql)?.size ?? 0;
  if (!isTreeComplete(sql) || rebuilding(sql)) return { refused: 'incomplete', size: held };
  if (size > held || held === 0) return { refused: 'beyond', size: held };
  return size < readRetention(sql).treeFrom ? { refused: 'forgotten', size: held } : null;
}

/** A checkpoint of the first `size` events; left out: of all. A key that is new is noted, and is an event. */
export async function signedCheckpoint(
  storage: DurableObjectStorage,
  services: Services,
  size?: number,
): Promise<SignedCheckpoint | TreeRefusal> {
  const signers = await announcedSigners(storage, services);
  const asked = size ?? readHead(storage.sql)?.size ?? 0;
  return refusalOf(storage.sql, asked) ?? signCheckpointOf(storage.sql, signers, asked);
}

async function signCheckpointOf(sql: SqlStorage, signers: Signers, size: number): Promise<SignedCheckpoint> {
  const root = rootAt(sql, size);
  return { origin: signers[0].name, size, root: toBase64(root), note: await signAt(signers, size, root) };
}

/** Those who sign now. The change of the key is recorded before the new one signs anything. */
export async function announcedSigners(storage: DurableObjectStorage, services: Services): Promise<Signers> {
  const head = readHead(storage.sql);
  const signers = await signersOf(services.settings, head?.tenantId ?? '');
  if (!head || rebuilding(storage.sql)) return signers;
  storage.transactionSync(() => {
    const { isNew, replaced } = noteKey(storage.sql, signers[0], services.now(), head.size);
    if (!isNew || replaced === null) return;
    const details = { from: replaced, to: verifierKey(signers[0]) };
    appendOwn(storage, services, head, 'ledger', { action: 'audit.rotate_key', resource: auditLog, details });
  });
  return signers;
}

/** An event that the ledger makes itself. */
export function appendOwn(
  storage: DurableObjectStorage,
  services: Services,
  { tenantId, shard }: Head,
  source: string,
  facts: EventFacts,
): void {
  const ctx: EventContext = { ...services, db: services.systemDb, request: null, actor: { type: 'system', name: 'Gatehouse' } };
  const event = eventOf(ctx, facts);
  append(
    storage,
    { tenantId, shard, source, batches: [{ outboxId: event.id, events: [event] }] },
    { now: services.now(), random: services.random },
  );
}

/** What vouches for the events of a block, as it is kept beside them: the tree before them, their leaves, a checkpoint. */
export async function proofBlock(
  storage: DurableObjectStorage,
  services: Services,
  first: number,
  last: number,
): Promise<ProofBlock | TreeRefusal> {
  const checkpoint = await signedCheckpoint(storage, services, last);
  if ('refused' in checkpoint) return checkpoint;
  const { sql } = storage;
  const lines = [beforeLine(treeAt(sql, first - 1)), leavesLine(first, packedLeaves(sql, first, last)), checkpointLine(checkpoint.note)];
  return { ...checkpoint, ndjson: lines.join('') };
}

/** When a checkpoint was told last, as far as the hot index reaches back. */
export function lastTold(sql: SqlStorage): string | null {
  const { bodies } = readPage(sql, { limit: 1, order: 'desc', by: 'seq', action: 'audit.checkpoint' }, 0);
  return bodies[0] === undefined ? null : eventIn(bodies[0]).recordedAt;
}

/**
 * Tells the SIEMs a checkpoint, as an event, when one is due: so somebody else holds what the log must lead to. It
 * covers all before itself, and is itself nothing to tell of, else the log would feed on it.
 */
export async function tellCheckpoint(storage: DurableObjectStorage, services: Services): Promise<void> {
  const { sql } = storage;
  const now = services.now().getTime();
  const due = tellingDue(sql);
  if (due === null || due > now) return;
  // What fails is due again, and not at once.
  setTellingDue(sql, now + TELL_AGAIN_MS);
  const checkpoint = await signedCheckpoint(storage, services);
  const head = readHead(sql);
  if ('refused' in checkpoint || !head) return;
  const { origin, size, root, note } = checkpoint;
  storage.transactionSync(() => {
    appendOwn(storage, services, head, CHECKPOINT_SOURCE, {
      action: 'audit.checkpoint',
      resource: auditLog,
      details: { origin, size, root, note },
    });
    setTellingDue(sql, head.size === size ? null : now + TELL_EVERY_MS);
  });
}
