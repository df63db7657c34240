import type { Bytes } from './bytes.ts';
import type { MaybePromise } from './in-order.ts';

export const KEY_BYTES = 32;
export const TAG_BYTES = 16;

/** AES-256-GCM under one key. Who calls it keeps the arguments as they are until the answer. */
export interface Aead {
  /** Writes ciphertext and tag to `into`, which is TAG_BYTES longer than `plain`: so a frame is built in place. */
  seal(nonce: Bytes, additional: Bytes, plain: Uint8Array, into: Uint8Array): MaybePromise<void>;
  /** Throws or rejects unless all of it is genuine. */
  open(nonce: Bytes, additional: Bytes, sealed: Uint8Array): MaybePromise<Uint8Array>;
}

/** Takes the key over before it returns: its bytes may be wiped then. */
export type MakeAead = (key: Bytes) => MaybePromise<Aead>;

/** The nonce of a count (Noise §12.4; SPEC E6): 4 zero bytes, then 64 bits, big-endian. */
export function nonceOf(count: bigint): Bytes {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, count);
  return nonce;
}
