import { gzipSync } from 'node:zlib';
import { AppError } from '@gatehouse/core/errors.ts';
import type { ArchivePlace } from '../platform/objects.ts';
import { proofKey, sidecarKey } from './archive-layout.ts';
import { linesOf, parseLine, withoutErased } from './archive.ts';
import { bloomOf } from './bloom.ts';
import { sidecar } from './compaction.ts';
import { hex, sha256 } from './hash.ts';
import { eventIn } from './ledger.body.ts';
import { termsOf } from './terms.ts';

type Erased = ReadonlyMap<number, string>;
type Block = ReturnType<typeof sidecar.parse>['blocks'][number];

/** What became of a larger file: the version that replaces it. */
export interface NewVersion {
  key: string;
  etag: string;
  blocks: Array<Pick<Block, 'first' | 'offset' | 'length'>>;
}

const encoder = new TextEncoder();

const differs = (lines: readonly string[], other: readonly string[]): boolean => lines.some((line, index) => line !== other[index]);
const textOf = (lines: readonly string[]): Uint8Array => encoder.encode(lines.map((line) => `${line}\n`).join(''));

async function bytesOf(bucket: R2Bucket, key: string): Promise<{ bytes: Uint8Array; object: R2Object }> {
  const object = await bucket.get(key);
  if (!object) throw new AppError('internal', `The archive has no ${key}`);
  return { bytes: new Uint8Array(await object.arrayBuffer()), object };
}

/**
 * Writes a segment's own file over, if it still is what was read: one put, and whoever reads it gets it as a whole, before or
 * after. @returns its etag; null when nothing was to be erased in it
 * @throws what R2 throws where a lock keeps the file; `unavailable` when somebody else wrote it just now
 */
export async function eraseInSegment(bucket: R2Bucket, key: string, erased: Erased): Promise<string | null> {
  const { bytes, object } = await bytesOf(bucket, key);
  const before = linesOf(bytes);
  const after = withoutErased(before, erased);
  if (!differs(before, after)) return null;
  const text = textOf(after);
  const put = await bucket.put(key, new Uint8Array(gzipSync(text)), {
    onlyIf: { etagMatches: object.etag },
    httpMetadata: { contentType: 'application/gzip' },
    customMetadata: { ...object.customMetadata, sha256: hex(sha256(text)) },
  });
  if (!put) throw new AppError('unavailable', `Somebody else writes ${key}`);
  return put.etag;
}

/**
 * Writes a new version of a file of several blocks under a name of its own: readers find blocks by their place in the file, so
 * none may be written over. Blocks in which nothing is erased stay as they are, to the byte.
 * @returns null when nothing was to be erased in it
 */
export async function eraseInFile(
  bucket: R2Bucket,
  places: readonly ArchivePlace[],
  erased: Erased,
  newKey: string,
): Promise<NewVersion | null> {
  const key = places[0]?.key ?? '';
  const { bytes, object } = await bytesOf(bucket, key);
  const index = await indexOf(bucket, key);
  const parts: Uint8Array[] = [];
  const blocks: Block[] = [];
  let offset = 0;
  let changed = false;
  for (const { first, last, bytes: range } of places) {
    const packed = bytes.subarray(range?.offset ?? 0, (range?.offset ?? 0) + (range?.length ?? 0));
    const known = index.get(first);
    const before = linesOf(packed);
    const after = withoutErased(before, erased);
    const isOther = differs(before, after);
    const part = isOther ? new Uint8Array(gzipSync(textOf(after))) : packed;
    changed ||= isOther;
    const described = known && !isOther ? known : descriptionOf(after, known);
    blocks.push({ ...described, first, last, offset, length: part.byteLength });
    parts.push(part);
    offset += part.byteLength;
  }
  if (!changed) return null;
  const [from, to] = [blocks[0], blocks.at(-1)];
  const customMetadata = { first: String(from?.first), last: String(to?.last) };
  const put = await bucket.put(newKey, joined(parts, offset), {
    httpMetadata: object.httpMetadata ?? {},
    customMetadata,
  });
  if (!put) throw new AppError('unavailable', `The archive does not take ${newKey}`);
  await bucket.put(sidecarKey(newKey), JSON.stringify({ version: 1, first: from?.first, last: to?.last, blocks }), {
    httpMetadata: { contentType: 'application/json' },
    customMetadata,
  });
  const proof = await (await bucket.get(proofKey(key)))?.text();
  if (proof !== undefined) await bucket.put(proofKey(newKey), proof, { httpMetadata: { contentType: 'application/x-ndjson' } });
  return { key: newKey, etag: put.etag, blocks: blocks.map(({ first, offset: at, length }) => ({ first, offset: at, length })) };
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

async function indexOf(bucket: R2Bucket, key: string): Promise<Map<number, Block>> {
  const object = await bucket.get(sidecarKey(key));
  const parsed = object ? sidecar.safeParse(await object.json()) : null;
  return new Map((parsed?.success ? parsed.data.blocks : []).map((block) => [block.first, block]));
}

/** What a block still holds: its filter knows no value of what was erased. Its range of time stays, that it keeps its place. */
function descriptionOf(lines: readonly string[], known: Block | undefined): Pick<Block, 'minTime' | 'maxTime' | 'terms'> {
  const events = lines.flatMap((line) => {
    const { body } = parseLine(line);
    return body === null ? [] : [eventIn(body)];
  });
  const times = events.map(({ time }) => time).sort();
  return {
    minTime: known?.minTime ?? times[0] ?? '',
    maxTime: known?.maxTime ?? times.at(-1) ?? '',
    terms: btoa(String.fromCharCode(...bloomOf(new Set(events.flatMap(termsOf))))),
  };
}
