import { decode } from 'jose/base64url';
import { z } from 'zod';
import { AppError } from '../errors.ts';
import { TAG_BYTES } from './aead.ts';
import { type Bytes, concat } from './bytes.ts';
import { agree, type KeyPair } from './noise-state.ts';
import { webAead } from './web-aead.ts';

/**
 * Recordings of terminals. A recording is numbered slices; each is sealed to the tenant's recording key and names the hash
 * of the slice before it. A slice is a head and records, and a record one event: what was cut off in the middle of a
 * record is read up to it.
 *
 * head: `GHR1`, ephemeral X25519 key (32), SHA-256 of the slice before (32; zeros in the first)
 * record: length of the sealed event (u32), offset of the terminal's output behind it (u64), sealed event
 *
 * The key of a slice is HKDF-SHA-256 of the X25519 secret of the ephemeral key and the recording key; the record's number
 * is its nonce, and its whole address the additional data.
 */

const MAGIC = new TextEncoder().encode('GHR1');
const KEY_BYTES = 32;
const HASH_BYTES = 32;
export const SLICE_HEAD_BYTES = MAGIC.byteLength + KEY_BYTES + HASH_BYTES;
export const RECORD_HEAD_BYTES = 12;
/** Behind this a slice is closed; one event more may be in it, of at most 64 KiB of output. */
export const SLICE_BYTES = 96 * 1024;
export const MOST_SLICE_BYTES = 176 * 1024;
export const SLICE_KEY_INFO = new TextEncoder().encode('gatehouse recording slice 1');

/** The tenant's key that slices are sealed to. `managed`: the service holds the private half; `held`: only the tenant does. */
export const recordingKey = z.object({ id: z.string().max(64), publicKey: z.string().regex(/^[A-Za-z0-9_-]{43}$/) });
export type RecordingKey = z.infer<typeof recordingKey>;

const told = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('begin'), cols: z.number().int(), rows: z.number().int(), title: z.string() }),
  z.object({ kind: z.literal('resize'), cols: z.number().int(), rows: z.number().int() }),
  /** something that whoever watches must know, in words for people */
  z.object({ kind: z.literal('note'), text: z.string() }),
  z.object({ kind: z.literal('end'), code: z.number().int().nullable(), signal: z.string().nullable() }),
]);
/** `time` in milliseconds since the epoch. Output is kept as the bytes it was. */
export type TapeEvent = { time: number } & (z.infer<typeof told> | { kind: 'output'; bytes: Uint8Array });

const OUTPUT = 1;
const TOLD = 2;

export function encodeEvent(event: TapeEvent): Bytes {
  const { time, ...rest } = event;
  const content = rest.kind === 'output' ? rest.bytes : new TextEncoder().encode(JSON.stringify(rest));
  const encoded = new Uint8Array(9 + content.byteLength);
  encoded[0] = rest.kind === 'output' ? OUTPUT : TOLD;
  new DataView(encoded.buffer).setFloat64(1, time);
  encoded.set(content, 9);
  return encoded;
}

function decodeEvent(plain: Uint8Array): TapeEvent {
  const time = new DataView(plain.buffer, plain.byteOffset).getFloat64(1);
  const content = plain.subarray(9);
  if (plain[0] === OUTPUT) return { time, kind: 'output', bytes: content };
  return { time, ...told.parse(JSON.parse(new TextDecoder().decode(content))) };
}

/** Bytes that came as base64url. @throws TypeError when the text is none */
export const sliceBytes = (text: string): Bytes => decode(text).slice();

/** Events one behind the other, for whoever may see them. */
export function packEvents(events: readonly TapeEvent[]): Bytes {
  return concat(
    ...events.flatMap((event) => {
      const encoded = encodeEvent(event);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, encoded.byteLength);
      return [length, encoded];
    }),
  );
}

export function unpackEvents(packed: Uint8Array): TapeEvent[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const events: TapeEvent[] = [];
  for (let at = 0; at < packed.byteLength; at += 4 + view.getUint32(at))
    events.push(decodeEvent(packed.subarray(at + 4, at + 4 + view.getUint32(at))));
  return events;
}

/** @param previous SHA-256 of the slice before; null: it is the first */
export const sliceHead = (ephemeral: Uint8Array, previous: Uint8Array | null): Bytes =>
  concat(MAGIC, ephemeral.slice(), (previous ?? new Uint8Array(HASH_BYTES)).slice());

export function recordHead(sealedBytes: number, offset: number): Bytes {
  const head = new Uint8Array(RECORD_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint32(0, sealedBytes);
  view.setBigUint64(4, BigInt(offset));
  return head;
}

export interface SliceAddress {
  recordingId: string;
  /** from 0 */
  slice: number;
}

/** What the `index`th record of a slice is bound to, beside its own key. */
export const recordAddress = ({ recordingId, slice }: SliceAddress, index: number, offset: number): Bytes =>
  new TextEncoder().encode(`${recordingId}|${slice}|${index}|${offset}`);

export function recordNonce(index: number): Bytes {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setUint32(8, index);
  return nonce;
}

interface SealedRecord {
  offset: number;
  sealed: Uint8Array;
}

/** The whole records of a slice, and where the last of them ends. @throws AppError `invalid` when it is none */
export function readRecords(bytes: Uint8Array): { ephemeral: Bytes; previous: Bytes; records: SealedRecord[]; end: number } {
  if (bytes.byteLength < SLICE_HEAD_BYTES || MAGIC.some((byte, index) => bytes[index] !== byte))
    throw new AppError('invalid', 'Not a slice of a recording');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: SealedRecord[] = [];
  let at = SLICE_HEAD_BYTES;
  while (at + RECORD_HEAD_BYTES <= bytes.byteLength) {
    const end = at + RECORD_HEAD_BYTES + view.getUint32(at);
    if (end > bytes.byteLength) break;
    records.push({ offset: Number(view.getBigUint64(at + 4)), sealed: bytes.subarray(at + RECORD_HEAD_BYTES, end) });
    at = end;
  }
  const keyEnd = MAGIC.byteLength + KEY_BYTES;
  return { ephemeral: bytes.slice(MAGIC.byteLength, keyEnd), previous: bytes.slice(keyEnd, SLICE_HEAD_BYTES), records, end: at };
}

/**
 * The events of a slice.
 * @throws AppError `invalid` when it was altered, moved, or sealed to another key
 */
export async function openSlice(bytes: Uint8Array, address: SliceAddress, key: KeyPair): Promise<TapeEvent[]> {
  const { ephemeral, records, end } = readRecords(bytes);
  if (end !== bytes.byteLength) throw new AppError('invalid', 'The slice of the recording is not whole');
  try {
    const aead = await webAead(await sliceKey(ephemeral, key));
    return await Promise.all(
      records.map(async ({ offset, sealed }, index) => {
        if (sealed.byteLength < TAG_BYTES) throw new Error('Not sealed');
        return decodeEvent(await aead.open(recordNonce(index), recordAddress(address, index, offset), sealed));
      }),
    );
  } catch (cause) {
    throw new AppError('invalid', 'The recording does not open with this key, or was altered', { cause });
  }
}

async function sliceKey(ephemeral: Bytes, { privateKey, publicKey }: KeyPair): Promise<Bytes> {
  const source = await crypto.subtle.importKey('raw', await agree(privateKey, ephemeral), { name: 'HKDF' }, false, ['deriveBits']);
  const salt = concat(ephemeral, publicKey);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt, info: SLICE_KEY_INFO }, source, 256));
}

/** The private half of a recording key as people keep it, and as the service keeps that of a managed one: a JWK (RFC 8037). */
export const recordingPrivateKey = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('X25519'),
  x: recordingKey.shape.publicKey,
  d: recordingKey.shape.publicKey,
});
export type RecordingPrivateKey = z.infer<typeof recordingPrivateKey>;

/** A new key for recordings, to be kept by whoever made it. */
export async function makeRecordingKey(): Promise<RecordingPrivateKey> {
  const pair = await crypto.subtle.generateKey({ name: 'X25519' }, true, ['deriveBits']);
  return recordingPrivateKey.parse(await crypto.subtle.exportKey('jwk', pair.privateKey));
}

/** @throws Error when it is no X25519 key */
export async function importRecordingKey({ kty, crv, x, d }: RecordingPrivateKey): Promise<KeyPair> {
  const privateKey = await crypto.subtle.importKey('jwk', { kty, crv, x, d }, { name: 'X25519' }, false, ['deriveBits']);
  return { privateKey, publicKey: decode(x).slice() };
}
