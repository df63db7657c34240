import { CUT_BITS, LEAST_CHUNK, MOST_CHUNK } from '@gatehouse/core/protocol/snapshot.ts';

/** Bytes that the rolling hash looks back at: each shift pushes one bit of an older byte out. */
const WINDOW = 32;
const MASK = 2 ** CUT_BITS - 1;

/**
 * Cuts a stream into chunks where its content says so (gear hash), so that what is inserted in one place moves no cut in
 * another. The table is secret: the lengths of chunks then tell nobody which content they are of.
 */
export class Chunker {
  readonly #gear: Int32Array;
  readonly #buffer = Buffer.allocUnsafe(MOST_CHUNK);
  #length = 0;
  #hash = 0;

  /** @param gear 256 random numbers */
  constructor(gear: Int32Array) {
    this.#gear = gear;
  }

  /** The chunks that are full now, each in memory of its own. */
  *push(bytes: Buffer): Generator<Buffer> {
    let at = 0;
    while (at < bytes.length) {
      const { taken, isCut } = this.#scan(bytes, at);
      bytes.copy(this.#buffer, this.#length, at, at + taken);
      this.#length += taken;
      at += taken;
      if (isCut || this.#length === MOST_CHUNK) yield this.#take();
    }
  }

  /** What is left at the end of the stream; null: nothing. */
  end(): Buffer | null {
    return this.#length === 0 ? null : this.#take();
  }

  #take(): Buffer {
    const chunk = Buffer.from(this.#buffer.subarray(0, this.#length));
    this.#length = 0;
    this.#hash = 0;
    return chunk;
  }

  #scan(bytes: Buffer, from: number): { taken: number; isCut: boolean } {
    const gear = this.#gear;
    const end = Math.min(bytes.length, from + MOST_CHUNK - this.#length);
    // What lies further back than the window leaves no trace in the hash.
    let at = Math.min(end, from + Math.max(0, LEAST_CHUNK - WINDOW - this.#length));
    const least = from + LEAST_CHUNK - this.#length;
    let hash = this.#hash;
    for (; at < end; at++) {
      hash = ((hash << 1) + (gear[bytes[at] ?? 0] ?? 0)) | 0;
      // The upper bits have seen the whole window.
      if (at >= least && ((hash >>> (32 - CUT_BITS)) & MASK) === 0) return { taken: at + 1 - from, isCut: true };
    }
    this.#hash = hash;
    return { taken: end - from, isCut: false };
  }
}
