import { z } from 'zod';
import { auditEvent } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Services } from '../platform/context.ts';
import { archiveProof } from './archive-proof.ts';
import { hex, sha256 } from './hash.ts';
import type { SegmentPointer } from './queue.ts';

const encoder = new TextEncoder();

/**
 * Puts a sealed segment into the archive, create-only, and tells the ledger. A second delivery of the same
 * message finds the file there and only repeats the telling.
 * @throws when R2 or the ledger does not answer, or another content lies under the same name
 */
export async function archiveSegment(bucket: R2Bucket, services: Services, pointer: SegmentPointer): Promise<void> {
  const { tenantId, shard, first, last } = pointer;
  const ledger = services.ledger.open(tenantId, shard);
  const file = await ledger.segment(first, last);
  if (!file) return;
  const bytes = encoder.encode(file.ndjson);
  const digest = hex(sha256(bytes));
  const put = await bucket.put(file.key, await throughStream(bytes, new CompressionStream('gzip')), {
    onlyIf: { etagDoesNotMatch: '*' },
    httpMetadata: { contentType: 'application/gzip' },
    customMetadata: { first: String(first), last: String(last), sha256: digest },
  });
  const etag = put?.etag ?? (await etagOfSame(bucket, file.key, digest));
  await archiveProof(bucket, tenantId, file.key, await ledger.proofBlock(first, last));
  await ledger.archived(first, last, etag);
}

async function etagOfSame(bucket: R2Bucket, key: string, digest: string): Promise<string> {
  const there = await bucket.head(key);
  if (there?.customMetadata?.['sha256'] !== digest) throw new AppError('internal', `Another file lies in the archive at ${key}`);
  return there.etag;
}

const archiveLine = z.object({ salt: z.string(), event: auditEvent.pick({ seq: true }).loose() });

/** The events of an archived segment, each as the very JSON that was hashed. */
export async function readArchived(bucket: R2Bucket, key: string): Promise<Array<{ seq: number; body: string }>> {
  const object = await bucket.get(key);
  if (!object) throw new AppError('internal', `The archive has no ${key}`);
  const bytes = await throughStream(new Uint8Array(await object.arrayBuffer()), new DecompressionStream('gzip'));
  const lines = new TextDecoder()
    .decode(bytes)
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => {
    const { salt, event } = archiveLine.parse(JSON.parse(line));
    // Cut out, not serialised again: the bytes are what was hashed.
    return { seq: event.seq, body: line.slice(`{"salt":"${salt}","event":`.length, -1) };
  });
}

/** Bytes through a (de)compressor. */
async function throughStream(bytes: Uint8Array, stream: CompressionStream | DecompressionStream): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(stream)).arrayBuffer());
}
