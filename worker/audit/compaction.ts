import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { linesOf as splitLines } from '@gatehouse/core/audit/export-lines.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { Services } from '../platform/context.ts';
import type { ArchiveBlock, SegmentRun } from '../platform/objects.ts';
import { segmentKey, sidecarKey } from './archive-layout.ts';
import { archiveProof } from './archive-proof.ts';
import { linesOf, parseLine, readLines, withoutErased } from './archive.ts';
import { bloomOf } from './bloom.ts';
import { hex, sha256 } from './hash.ts';
import { eventIn } from './ledger.body.ts';
import { isSameButErased } from './ledger.erased.ts';
import type { CompactionOrder } from './queue.ts';
import { termsOf } from './terms.ts';

/** Events and bytes (unpacked) of a block: what a reader fetches and unpacks at once. */
const BLOCK_EVENTS = 1_000;
const BLOCK_BYTES = 4_000_000;
/** A file ends once it is so large: it is made, and checked, in memory. */
const FILE_BYTES = 16_000_000;

/** What a file holds, beside it: so that a search reads only the blocks that may hold what it looks for. */
export const sidecar = z.object({
  version: z.literal(1),
  first: z.number().int(),
  last: z.number().int(),
  blocks: z.array(
    z.object({
      first: z.number().int(),
      last: z.number().int(),
      minTime: z.string(),
      maxTime: z.string(),
      offset: z.number().int(),
      length: z.number().int(),
      /** Bloom filter of its terms (bloom.ts, terms.ts), base64 */
      terms: z.string(),
    }),
  ),
});
type Sidecar = z.infer<typeof sidecar>;

/**
 * Makes one file of a day's segments: the same lines in the same order, in blocks that are compressed each by itself. What
 * was there before is deleted only when the file was read back and the ledger points to it; a bucket lock may refuse even
 * that, and no harm is done.
 */
export async function compact(bucket: R2Bucket, services: Services, { tenantId, shard, compact: from }: CompactionOrder): Promise<void> {
  const ledger = services.ledger.open(tenantId, shard);
  const run = await ledger.segmentRun(from);
  if (run) {
    const built = await build(bucket, run);
    const file = segmentKey(tenantId, run.segments[0]?.sealedAt ?? '', built.index.first, built.index.last);
    const etag = await putChecked(bucket, file, built);
    await archiveProof(bucket, tenantId, file, await ledger.proofBlock(built.index.first, built.index.last));
    await ledger.compacted({ file, etag, blocks: built.index.blocks.map(({ terms: _terms, ...block }): ArchiveBlock => block) });
  }
  const keys = await ledger.leftovers();
  if (keys.length === 0) return;
  try {
    await bucket.delete(keys);
  } catch (error) {
    // The ledger asks for it again, ever more seldom, for as long as a lock lasts: the message need not.
    if (await ledger.notDiscarded(keys))
      services.log('warn', 'the archive does not delete what lies in larger files: it is tried again', { tenantId, error: String(error) });
    return;
  }
  await ledger.discarded(keys);
}

interface Built {
  bytes: Uint8Array;
  index: Sidecar;
  /** SHA-256 of the lines */
  digest: string;
}

/** What is erased and still stands in its segment, because a lock keeps that, doesn’t come along. */
async function build(bucket: R2Bucket, { segments, erased }: SegmentRun): Promise<Built> {
  const times = new Map(erased.map(({ seq, at }) => [seq, at]));
  const writer = new BlockWriter();
  for (const segment of segments) {
    if (writer.size > FILE_BYTES) break;
    for (const line of withoutErased(await readLines(bucket, segment), times)) writer.add(line);
    writer.endSegment(segment.last);
  }
  return writer.finish();
}

/** Gathers lines into blocks, and blocks into a file. */
class BlockWriter {
  size = 0;
  readonly #parts: Uint8Array[] = [];
  readonly #blocks: Sidecar['blocks'] = [];
  #lines: string[] = [];
  #bytes = 0;
  #terms = new Set<number>();
  #times: string[] = [];
  #next: number | null = null;
  #first = 0;
  #all: string[] = [];

  add(line: string): void {
    const { seq, body } = parseLine(line);
    if (this.#next !== null && seq !== this.#next) throw new AppError('internal', `The archive lacks event ${this.#next}`);
    this.#next = seq + 1;
    if (this.#lines.length === 0) this.#first = seq;
    if (body !== null) this.#describe(eventIn(body));
    this.#lines.push(`${line}\n`);
    this.#bytes += line.length;
    if (this.#lines.length === BLOCK_EVENTS || this.#bytes > BLOCK_BYTES) this.#close();
  }

  #describe(event: AuditEvent): void {
    for (const term of termsOf(event)) this.#terms.add(term);
    this.#times.push(event.time);
  }

  endSegment(last: number): void {
    if (this.#next !== last + 1) throw new AppError('internal', `A segment of the archive does not end with event ${last}`);
  }

  finish(): Built {
    this.#close();
    const [first, last] = [this.#blocks[0], this.#blocks.at(-1)];
    if (!first || !last) throw new AppError('internal', 'Segments without events can’t be one file');
    const bytes = new Uint8Array(this.size);
    this.#blocks.forEach(({ offset }, index) => bytes.set(this.#parts[index] ?? new Uint8Array(), offset));
    return {
      bytes,
      index: { version: 1, first: first.first, last: last.last, blocks: this.#blocks },
      digest: digestOf(this.#all),
    };
  }

  #close(): void {
    if (this.#lines.length === 0) return;
    const text = new TextEncoder().encode(this.#lines.join(''));
    const packed = new Uint8Array(gzipSync(text));
    const times = this.#times.sort();
    this.#blocks.push({
      first: this.#first,
      last: (this.#next ?? 0) - 1,
      ...{ minTime: times[0] ?? '', maxTime: times.at(-1) ?? '', offset: this.size, length: packed.byteLength },
      terms: btoa(String.fromCharCode(...bloomOf(this.#terms))),
    });
    this.#parts.push(packed);
    this.#all.push(hex(sha256(text)));
    this.size += packed.byteLength;
    this.#lines = [];
    this.#bytes = 0;
    this.#times = [];
    this.#terms = new Set();
  }
}

/** Digest of a file by the digests of its blocks: no file is held unpacked as a whole. */
const digestOf = (blockDigests: readonly string[]): string => hex(sha256(new TextEncoder().encode(blockDigests.join(''))));

/** @throws AppError `unavailable` when somebody else writes it just now */
async function writeOverErased(
  bucket: R2Bucket,
  key: string,
  bytes: Uint8Array,
  { blocks }: Sidecar,
  written: R2PutOptions,
): Promise<void> {
  const there = await bucket.get(key);
  if (!there) return;
  const theirs = splitLines(there.body.pipeThrough(new DecompressionStream('gzip')), key);
  let differs = false;
  for (const { offset, length } of blocks)
    for (const ours of linesOf(bytes.subarray(offset, offset + length))) {
      const { value } = await theirs.next();
      const line = value ? new TextDecoder().decode(value.bytes) : '';
      if (!isSameButErased(line, ours)) return;
      differs ||= line !== ours;
    }
  if (!differs || !(await theirs.next()).done) return;
  if (!(await bucket.put(key, bytes, { ...written, onlyIf: { etagMatches: there.etag } })))
    throw new AppError('unavailable', `Somebody else writes ${key}`);
}

/** Writes over only what differs: a lock of the bucket refuses even the same once more. */
async function putBeside(bucket: R2Bucket, key: string, text: string, written: R2PutOptions): Promise<void> {
  if (await bucket.put(key, text, { ...written, onlyIf: { etagDoesNotMatch: '*' } })) return;
  if ((await (await bucket.get(key))?.text()) !== text) await bucket.put(key, text, written);
}

/**
 * Writes file and sidecar, create-only, and reads the file back. One that broke off before the ledger knew of it may lie there with
 * events that were erased since: it is written over.
 * @throws unless what lies there are these lines
 */
async function putChecked(bucket: R2Bucket, key: string, { bytes, index, digest }: Built): Promise<string> {
  const customMetadata = { first: String(index.first), last: String(index.last) };
  const written = { httpMetadata: { contentType: 'application/gzip' }, customMetadata };
  const put = await bucket.put(key, bytes, { ...written, onlyIf: { etagDoesNotMatch: '*' } });
  if (!put) await writeOverErased(bucket, key, bytes, index, written);
  await putBeside(bucket, sidecarKey(key), JSON.stringify(index), { httpMetadata: { contentType: 'application/json' }, customMetadata });
  const there = await bucket.get(key);
  if (!there) throw new AppError('internal', `The archive has not kept ${key}`);
  const back = new Uint8Array(await there.arrayBuffer());
  const digests = index.blocks.map(({ offset, length }) => {
    const lines = linesOf(back.subarray(offset, offset + length));
    return hex(sha256(new TextEncoder().encode(lines.map((line) => `${line}\n`).join(''))));
  });
  if (digestOf(digests) !== digest) throw new AppError('internal', `Another file lies in the archive at ${key}`);
  return there.etag;
}
