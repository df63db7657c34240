import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { AppError } from '../errors.ts';
import { type Bytes, concat } from './bytes.ts';

/**
 * Snapshots of a workspace's home. The home is one stream of entries (runner/src/snapshot/entry.ts), cut into chunks where its
 * content says so; a chunk that is stored already is not stored again. Each workspace has one key of 32 bytes; what names,
 * seals and cuts chunks is derived from it (HKDF-SHA-256, no salt, the infos below).
 *
 * id of a chunk: HMAC-SHA-256 of its content, so that it says nothing to whoever lacks the key
 * sealed chunk: nonce (12), AES-256-GCM of (packing (1), content); additional data `chunkAddress`
 * manifest: `GHM1`, number of chunks (u32), then each one's id (32) and length (u32), in the order of the stream; sealed in
 * the same way with `manifestAddress`, which names the snapshot: an older one does not open under a newer one's name
 */
export const KEY_BYTES = 32;
export const INFOS = {
  ids: 'gatehouse snapshot ids 1',
  chunks: 'gatehouse snapshot chunks 1',
  manifest: 'gatehouse snapshot manifest 1',
  cuts: 'gatehouse snapshot cuts 1',
} as const;

/** Bytes of a chunk, before it is packed. */
export const LEAST_CHUNK = 256 * 1024;
export const MOST_CHUNK = 2 * 1024 * 1024;
/** A chunk ends where so many low bits of the rolling hash are zero: after another mebibyte, on average. */
export const CUT_BITS = 20;
/** What sealing adds: nonce, packing, tag. */
export const SEAL_BYTES = 12 + 1 + 16;
export const MOST_SEALED_CHUNK = MOST_CHUNK + SEAL_BYTES;

const MAGIC = new TextEncoder().encode('GHM1');
const ID_BYTES = 32;
const ENTRY_BYTES = ID_BYTES + 4;
/** Homes of some 130 GB: beyond, a snapshot fails and says so. */
export const MOST_CHUNKS = 116_000;
export const MOST_SEALED_MANIFEST = MAGIC.byteLength + 4 + MOST_CHUNKS * ENTRY_BYTES + SEAL_BYTES;

/** Ids of chunks that are asked about at once. */
export const MOST_CLAIM = 500;
export const chunkId = z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be the id of a chunk');

/** Why a snapshot was made. */
export const SNAPSHOT_CAUSES = ['asked', 'stop', 'schedule'] as const;
export type SnapshotCause = (typeof SNAPSHOT_CAUSES)[number];

export const snapshotOrder = z.object({
  /** the workspace's key, sealed to the runner's agreement key; about: runner, workspace */
  key: z.string().max(2048),
  /** after each stop that changed something */
  automatic: z.boolean(),
  /** also while it runs, at least so far apart; null: not */
  everyHours: z.number().int().min(1).max(168).nullable(),
  /** what of the home is left out: paths from the home, without a slash in front */
  ignore: z.array(z.string().max(200)).max(50),
  /** one that somebody asked for and that is not made yet */
  asked: idSchema('snapshot').nullable(),
  /** what the home is to be replaced with before anything else; `number` grows with each wish */
  restore: z.object({ id: idSchema('snapshot'), number: z.number().int().min(1) }).nullable(),
});
export type SnapshotOrder = z.infer<typeof snapshotOrder>;

/** Whose chunks and manifests they are. */
export interface SnapshotPlace {
  tenantId: string;
  workspaceId: string;
}

const address = (...parts: string[]): Bytes => new TextEncoder().encode(parts.join('\0')).slice();
export const chunkAddress = ({ tenantId, workspaceId }: SnapshotPlace, id: string): Bytes =>
  address(INFOS.chunks, tenantId, workspaceId, id);
export const manifestAddress = ({ tenantId, workspaceId }: SnapshotPlace, snapshotId: string): Bytes =>
  address(INFOS.manifest, tenantId, workspaceId, snapshotId);

export interface ManifestEntry {
  /** 32 bytes */
  id: Uint8Array;
  /** of its content */
  bytes: number;
}

export function encodeManifest(entries: readonly ManifestEntry[]): Bytes {
  const encoded = new Uint8Array(MAGIC.byteLength + 4 + entries.length * ENTRY_BYTES);
  const view = new DataView(encoded.buffer);
  encoded.set(MAGIC);
  view.setUint32(MAGIC.byteLength, entries.length);
  entries.forEach(({ id, bytes }, index) => {
    const at = MAGIC.byteLength + 4 + index * ENTRY_BYTES;
    encoded.set(id, at);
    view.setUint32(at + ID_BYTES, bytes);
  });
  return encoded;
}

/** @throws AppError `invalid` when it is none */
export function decodeManifest(encoded: Uint8Array): ManifestEntry[] {
  const view = new DataView(encoded.buffer, encoded.byteOffset, encoded.byteLength);
  const head = MAGIC.byteLength + 4;
  const isOne = encoded.byteLength >= head && MAGIC.every((byte, index) => encoded[index] === byte);
  if (!isOne || encoded.byteLength !== head + view.getUint32(MAGIC.byteLength) * ENTRY_BYTES)
    throw new AppError('invalid', 'Not the manifest of a snapshot');
  return Array.from({ length: view.getUint32(MAGIC.byteLength) }, (_, index) => {
    const at = head + index * ENTRY_BYTES;
    return { id: concat(encoded.subarray(at, at + ID_BYTES).slice()), bytes: view.getUint32(at + ID_BYTES) };
  });
}
