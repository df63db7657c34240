import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { auditEvent } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Services } from '../platform/context.ts';
import type { ArchivePlace } from '../platform/objects.ts';
import { archiveProof } from './archive-proof.ts';
import { hex, sha256 } from './hash.ts';
import { erasedLineFrom, isSameButErased } from './ledger.erased.ts';
import type { SegmentPointer } from './queue.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

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
  const put = await bucket.put(file.key, await compressed(bytes), {
    onlyIf: { etagDoesNotMatch: '*' },
    httpMetadata: { contentType: 'application/gzip' },
    customMetadata: { first: String(first), last: String(last), sha256: digest },
  });
  const etag = put?.etag ?? (await etagOfSame(bucket, file, digest));
  await archiveProof(bucket, tenantId, file.key, await ledger.proofBlock(first, last));
  await ledger.archived(first, last, etag);
}

/** An event may have been erased since the file was written: then the ledger sees to it that it is erased there, too. */
async function etagOfSame(bucket: R2Bucket, { key, ndjson }: { key: string; ndjson: string }, digest: string): Promise<string> {
  const there = await bucket.get(key);
  const isSame = there?.customMetadata?.['sha256'] === digest;
  if (!there || (!isSame && !areSameButErased(linesOf(new Uint8Array(await there.arrayBuffer())), ndjson.trimEnd().split('\n'))))
    throw new AppError('internal', `Another file lies in the archive at ${key}`);
  return there.etag;
}

/** Whether both are the same lines, but for events that are erased in one of them. */
export const areSameButErased = (there: readonly string[], ours: readonly string[]): boolean =>
  there.length === ours.length && there.every((line, index) => isSameButErased(line, ours[index] ?? ''));

async function compressed(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer());
}

/** The lines of an archived place, each as it was written. */
export async function readLines(bucket: R2Bucket, { key, bytes }: Pick<ArchivePlace, 'key' | 'bytes'>): Promise<string[]> {
  const object = await bucket.get(key, bytes === null ? {} : { range: bytes });
  if (!object) throw new AppError('internal', `The archive has no ${key}`);
  return linesOf(new Uint8Array(await object.arrayBuffer()));
}

/** @param bytes compressed: one run of events, or several behind each other */
export const linesOf = (bytes: Uint8Array): string[] =>
  decoder
    .decode(gunzipSync(bytes))
    .split('\n')
    .filter((line) => line !== '');

const archiveLine = z.union([
  z.object({ salt: z.string(), event: auditEvent.pick({ seq: true }).loose() }),
  /** its contents were erased: the leaf is what is left */
  z.object({ seq: z.number().int(), leafHash: z.string(), erased: z.union([z.literal(true), z.string()]) }),
]);

/** A line of the archive. */
export interface ArchivedLine {
  seq: number;
  salt: string;
  /** the very JSON that was hashed; null where it was erased */
  body: string | null;
  /** base64, where the event was erased */
  leafHash?: string;
  /** and when */
  erasedAt?: string;
  line: string;
}

export function parseLine(line: string): ArchivedLine {
  const parsed = archiveLine.parse(JSON.parse(line));
  if ('leafHash' in parsed) {
    const { seq, leafHash, erased } = parsed;
    return { seq, salt: '', body: null, leafHash, erasedAt: erased === true ? '' : erased, line };
  }
  const { salt, event } = parsed;
  // Cut out, not serialised again: the bytes are what was hashed.
  return { seq: event.seq, salt, body: line.slice(`{"salt":"${salt}","event":`.length, -1), line };
}

/** The lines, and of events that are erased what is left. @param erased when, by number */
export const withoutErased = (lines: readonly string[], erased: ReadonlyMap<number, string>): string[] =>
  lines.map((line) => {
    const { seq, salt, body } = parseLine(line);
    const at = erased.get(seq);
    return at === undefined || body === null ? line : erasedLineFrom({ seq, salt, body }, at);
  });

/** The events of an archived place, but for what was erased. */
export async function readArchived(
  bucket: R2Bucket,
  place: Pick<ArchivePlace, 'key' | 'bytes'>,
): Promise<Array<{ seq: number; body: string }>> {
  const lines = (await readLines(bucket, place)).map(parseLine);
  return lines.flatMap(({ seq, body }) => (body === null ? [] : [{ seq, body }]));
}
