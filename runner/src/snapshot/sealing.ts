import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import {
  chunkAddress,
  decodeManifest,
  encodeManifest,
  INFOS,
  KEY_BYTES,
  manifestAddress,
  MOST_CHUNK,
  type ManifestEntry,
  type SnapshotPlace,
} from '@gatehouse/core/protocol/snapshot.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const PLAIN = 0;
const ZSTD = 1;

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** All that is derived from the key of one workspace. */
export class SnapshotKeys {
  readonly #place: SnapshotPlace;
  readonly #ids: Buffer;
  readonly #chunks: Buffer;
  readonly #manifest: Buffer;
  readonly gear: Int32Array;

  /** @param key 32 bytes */
  constructor(key: Uint8Array, place: SnapshotPlace) {
    if (key.byteLength !== KEY_BYTES) throw new Error('Not the key of a workspace’s snapshots');
    const derive = (info: string, bytes = KEY_BYTES) => Buffer.from(hkdfSync('sha256', key, '', info, bytes));
    this.#place = place;
    this.#ids = derive(INFOS.ids);
    this.#chunks = derive(INFOS.chunks);
    this.#manifest = derive(INFOS.manifest);
    const cuts = derive(INFOS.cuts, 256 * 4);
    this.gear = Int32Array.from({ length: 256 }, (_, index) => cuts.readInt32BE(index * 4));
  }

  /** 32 bytes that name a content */
  idOf(content: Buffer): Buffer {
    return createHmac('sha256', this.#ids).update(content).digest();
  }

  async sealChunk(id: string, content: Buffer): Promise<Buffer> {
    const packed = await compress(content);
    const isSmaller = packed.byteLength < content.byteLength;
    return seal(this.#chunks, chunkAddress(this.#place, id), Buffer.from([isSmaller ? ZSTD : PLAIN]), isSmaller ? packed : content);
  }

  /** @throws Error when it was altered, or is another chunk, or another workspace's */
  async openChunk(id: string, sealed: Buffer): Promise<Buffer> {
    const opened = open(this.#chunks, chunkAddress(this.#place, id), sealed);
    const [packing, packed] = [opened[0], opened.subarray(1)];
    const content = packing === ZSTD ? await decompress(packed, { maxOutputLength: MOST_CHUNK }) : packed;
    if (this.idOf(content).toString('base64url') !== id) throw new Error('it is another content');
    return content;
  }

  sealManifest(snapshotId: string, entries: readonly ManifestEntry[]): Buffer {
    return seal(this.#manifest, manifestAddress(this.#place, snapshotId), Buffer.alloc(1), encodeManifest(entries));
  }

  /** @throws Error when it was altered, or is that of another snapshot */
  openManifest(snapshotId: string, sealed: Buffer): ManifestEntry[] {
    return decodeManifest(open(this.#manifest, manifestAddress(this.#place, snapshotId), sealed).subarray(1));
  }
}

function seal(key: Buffer, address: Uint8Array, ...content: Uint8Array[]): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(address);
  const parts = content.map((part) => cipher.update(part));
  cipher.final();
  return Buffer.concat([nonce, ...parts, cipher.getAuthTag()]);
}

function open(key: Buffer, address: Uint8Array, sealed: Buffer): Buffer {
  const end = sealed.byteLength - TAG_BYTES;
  if (end <= NONCE_BYTES) throw new Error('it is cut off');
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(address).setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]);
  } catch {
    throw new Error('it was altered, or is not what it is said to be');
  }
}
