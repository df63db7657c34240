import { parseCheckpoint } from '@gatehouse/core/audit/checkpoint.ts';
import { parseNote } from '@gatehouse/core/audit/note.ts';
import { parseProofLine } from '@gatehouse/core/audit/proof-lines.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { ProofBlock, SignedCheckpoint, TreeRefusal } from '../platform/objects.ts';
import { latestCheckpointKey, proofKey } from './archive-layout.ts';

const TRIES = 5;

/**
 * Puts what vouches for an archived segment beside it, create-only, and its checkpoint where the latest one lies.
 * @throws AppError `internal` when another checkpoint of the segment lies there, `unavailable` to be tried again
 */
export async function archiveProof(bucket: R2Bucket, tenantId: string, segmentKey: string, block: ProofBlock | TreeRefusal): Promise<void> {
  if ('refused' in block) throw new AppError('unavailable', 'The tree of the log is still being made');
  const key = proofKey(segmentKey);
  const put = await bucket.put(key, block.ndjson, {
    onlyIf: { etagDoesNotMatch: '*' },
    httpMetadata: { contentType: 'application/x-ndjson' },
  });
  if (!put && (await textBeside(bucket, key)) !== parseNote(block.note).text)
    throw new AppError('internal', `Another checkpoint lies in the archive at ${key}`);
  await putLatest(bucket, latestCheckpointKey(tenantId), block);
}

/** What the checkpoint says that lies there: its signatures change with the key. */
async function textBeside(bucket: R2Bucket, key: string): Promise<string | null> {
  const lines = (await (await bucket.get(key))?.text())?.trimEnd().split('\n') ?? [];
  const last = parseProofLine(new TextEncoder().encode(lines.at(-1)));
  return last.kind === 'checkpoint' ? parseNote(last.note).text : null;
}

/** Segments are archived in any order; the latest checkpoint only ever grows. */
async function putLatest(bucket: R2Bucket, key: string, { size, note }: SignedCheckpoint): Promise<void> {
  for (let tries = 0; tries < TRIES; tries++) {
    const there = await bucket.get(key);
    if (there && sizeOf(await there.text()) >= size) return;
    const put = await bucket.put(key, note, {
      onlyIf: there ? { etagMatches: there.etag } : { etagDoesNotMatch: '*' },
      httpMetadata: { contentType: 'text/plain; charset=utf-8' },
    });
    if (put) return;
  }
  throw new AppError('unavailable', `The latest checkpoint at ${key} is being written by others`);
}

const sizeOf = (note: string): number => parseCheckpoint(parseNote(note).text).size;
