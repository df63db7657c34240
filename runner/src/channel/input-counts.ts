import { AppError } from '@gatehouse/core/errors.ts';

/** clients of one terminal whose counts are kept: four times as many as can be connected, and all fit into one frame */
const MOST = 64;

/** How much of each client's input was typed, so that what is sent again after a cut is not typed again. */
export class InputCounts {
  /** the least recently used first */
  readonly #counts: Map<string, number>;

  constructor(counts: Iterable<readonly [string, number]> = []) {
    this.#counts = new Map(counts);
  }

  /** offset of the client's next byte */
  of(clientId: string): number {
    return this.#counts.get(clientId) ?? 0;
  }

  get all(): [clientId: string, count: number][] {
    return [...this.#counts];
  }

  /**
   * Counts input, the first byte of which is the client's byte `offset`. @returns those bytes that were not typed yet
   * @throws AppError `invalid` when bytes are missing before it
   */
  take(clientId: string, offset: number, bytes: Uint8Array): Uint8Array {
    const count = this.of(clientId);
    if (offset > count) throw new AppError('invalid', `Input with a gap: byte ${count} is next, not ${offset}`);
    this.#counts.delete(clientId);
    this.#counts.set(clientId, Math.max(count, offset + bytes.byteLength));
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > MOST && oldest !== undefined) this.#counts.delete(oldest);
    return bytes.subarray(count - offset);
  }
}
