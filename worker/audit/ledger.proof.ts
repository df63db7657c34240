import { toBase64 } from '@gatehouse/core/audit/base64.ts';
import { proofLine } from '@gatehouse/core/audit/proof-lines.ts';
import type { Services } from '../platform/context.ts';
import type { ConsistencyAnswer, InclusionAnswer, TreeRefusal } from '../platform/objects.ts';
import { parseLine, readLines } from './archive.ts';
import { hex } from './hash.ts';
import { placeOf } from './ledger.archive.ts';
import { BODY, bodyOf, type Body } from './ledger.body.ts';
import { erasedAt } from './ledger.erased.ts';
import { readRetention } from './ledger.retention.ts';
import { refusalOf, signedCheckpoint } from './ledger.sign.ts';
import * as tree from './ledger.tree.ts';

/** That the event is one of those that the checkpoint covers, with all that makes up its leaf. */
export async function proveInclusion(
  storage: DurableObjectStorage,
  services: Services,
  archive: R2Bucket,
  seq: number,
  size?: number,
): Promise<InclusionAnswer | TreeRefusal> {
  const { sql } = storage;
  const checkpoint = await signedCheckpoint(storage, services, size);
  if ('refused' in checkpoint) return checkpoint;
  if (seq > checkpoint.size) return { refused: 'beyond', size: checkpoint.size };
  if (seq <= readRetention(sql).treeFrom) return { refused: 'forgotten', size: checkpoint.size };
  const proof = tree.proveInclusion(sql, seq, checkpoint.size).map(toBase64);
  const leafHash = toBase64(tree.leafOf(sql, seq));
  const erased = erasedAt(sql, seq);
  return { leafHash, proof, checkpoint, erased, entry: erased === null ? await entryOf(sql, archive, seq) : null };
}

async function entryOf(sql: SqlStorage, archive: R2Bucket, seq: number): Promise<InclusionAnswer['entry']> {
  const [hot] = sql.exec<Body & { salt: ArrayBuffer }>(`SELECT salt, ${BODY} FROM events WHERE seq = ?`, seq);
  if (hot) return { salt: hex(new Uint8Array(hot.salt)), event: bodyOf(hot) };
  const place = placeOf(sql, seq);
  // Retention may have taken the file: the leaf is proven all the same.
  if (!place || !(await archive.head(place.key))) return null;
  const line = (await readLines(archive, place)).map(parseLine).find((each) => each.seq === seq);
  return line?.body ? { salt: line.salt, event: line.body } : null;
}

/** For an export of chosen events: the line behind each that proves it in the tree of that size, in order. */
export function inclusionLines(sql: SqlStorage, seqs: readonly number[], size: number): string[] | TreeRefusal {
  const refusal = refusalOf(sql, Math.max(size, ...seqs));
  return refusal ?? seqs.map((seq) => proofLine(seq, size, tree.proveInclusion(sql, seq, size)));
}

/** That the first events are the same in both trees. */
export async function proveConsistency(
  storage: DurableObjectStorage,
  services: Services,
  first: number,
  second?: number,
): Promise<ConsistencyAnswer | TreeRefusal> {
  const { sql } = storage;
  const checkpoint = await signedCheckpoint(storage, services, second);
  if ('refused' in checkpoint) return checkpoint;
  const refusal = refusalOf(sql, first);
  if (refusal) return refusal;
  if (first > checkpoint.size) return { refused: 'beyond', size: checkpoint.size };
  const proof = tree.proveConsistency(sql, first, checkpoint.size).map(toBase64);
  return { first: { size: first, root: toBase64(tree.rootAt(sql, first)) }, proof, checkpoint };
}
