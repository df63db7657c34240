import { type Aead, KEY_BYTES, type MakeAead, nonceOf, TAG_BYTES } from './aead.ts';
import type { Bytes } from './bytes.ts';
import { type Frame, HEADER_BYTES, writeHeader } from './frame.ts';
import { andThen, InOrder, type MaybePromise } from './in-order.ts';

/** SPEC E8: so many frames of a direction are sealed under one key. */
export const REKEY_EVERY = 2 ** 16;

/** A frame before it is sealed, and again once it is opened. */
export type PlainFrame = Omit<Frame, 'sealed'>;

const LAST_COUNT = 2n ** 64n - 1n;
const NOTHING = new Uint8Array(0);

/** Noise §4.2 REKEY (SPEC E8): one-way, so who finds the new key can't go back to the old one. */
function rekey(aead: Aead, makeAead: MakeAead): MaybePromise<Aead> {
  const block = new Uint8Array(KEY_BYTES + TAG_BYTES);
  return andThen(aead.seal(nonceOf(LAST_COUNT), NOTHING, new Uint8Array(KEY_BYTES), block), () => {
    const next = makeAead(block.subarray(0, KEY_BYTES));
    block.fill(0);
    return next;
  });
}

/** Keys and nonces of one direction: no pair of them is given out twice. */
class Cipher {
  readonly #makeAead: MakeAead;
  readonly #rekeyEvery: bigint;
  #aead: MaybePromise<Aead>;
  #count = 0n;

  constructor(key: Bytes, makeAead: MakeAead, rekeyEvery: number) {
    this.#makeAead = makeAead;
    this.#rekeyEvery = BigInt(rekeyEvery);
    this.#aead = makeAead(key);
  }

  /** SPEC E6 and E8: the count goes on across keys, as in Noise. */
  next<T>(operation: (aead: Aead, nonce: Bytes) => MaybePromise<T>): MaybePromise<T> {
    if (this.#count > 0n && this.#count % this.#rekeyEvery === 0n) {
      this.#aead = andThen(this.#aead, (aead) => rekey(aead, this.#makeAead));
    }
    const nonce = nonceOf(this.#count);
    this.#count += 1n;
    return andThen(this.#aead, (aead) => operation(aead, nonce));
  }
}

/** SPEC E7: the header as it must have been sealed. F1 to F3 leave one way to write a header, so this is the sender's. */
function sealedHeader(frame: PlainFrame, message = new Uint8Array(HEADER_BYTES)): Bytes {
  writeHeader(message, { ...frame, sealed: true });
  return message.subarray(0, HEADER_BYTES);
}

/** Seals the frames of one direction, in order (SPEC E5 to E8). */
export class Sealer {
  readonly #cipher: Cipher;
  readonly #messages: InOrder<Bytes>;

  /**
   * @param deliver takes each message, ready to send; must not throw
   * @param broken is called once when the platform failed to seal: nothing is delivered any more
   * @param rekeyEvery frames; both ends must agree
   */
  constructor(key: Bytes, makeAead: MakeAead, deliver: (message: Bytes) => void, broken: () => void, rekeyEvery = REKEY_EVERY) {
    this.#cipher = new Cipher(key, makeAead, rekeyEvery);
    this.#messages = new InOrder(deliver, broken);
  }

  /** The payload must stay as it is until the message is delivered. */
  seal(frame: PlainFrame): void {
    const message = new Uint8Array(HEADER_BYTES + frame.payload.byteLength + TAG_BYTES);
    const header = sealedHeader(frame, message);
    const body = message.subarray(HEADER_BYTES);
    this.#messages.start(() => this.#cipher.next((aead, nonce) => andThen(aead.seal(nonce, header, frame.payload, body), () => message)));
  }
}

/** Opens the frames of one direction, in order (SPEC E5 to E9). */
export class Opener {
  readonly #cipher: Cipher;
  readonly #frames: InOrder<PlainFrame>;

  /**
   * @param deliver takes each frame that proved genuine; must not throw
   * @param broken is called once at the first that did not: nothing is delivered any more
   * @param rekeyEvery frames; both ends must agree
   */
  constructor(key: Bytes, makeAead: MakeAead, deliver: (frame: PlainFrame) => void, broken: () => void, rekeyEvery = REKEY_EVERY) {
    this.#cipher = new Cipher(key, makeAead, rekeyEvery);
    this.#frames = new InOrder(deliver, broken);
  }

  open({ sealed, ...frame }: Frame): void {
    this.#frames.start(() => {
      if (!sealed) throw new Error('A frame came in clear');
      const header = sealedHeader(frame);
      return this.#cipher.next((aead, nonce) => andThen(aead.open(nonce, header, frame.payload), (payload) => ({ ...frame, payload })));
    });
  }
}
