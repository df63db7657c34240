const FIRST_SIZE = 16 * 1024;

/** The last bytes of a terminal's output, addressed by their offset since its first byte. Grows up to `most`. */
export class OutputRing {
  readonly #most: number;
  #bytes = new Uint8Array(FIRST_SIZE);
  #end = 0;

  constructor(most = 2 * 1024 * 1024) {
    this.#most = most;
  }

  /** offset of the oldest byte that is still here */
  get start(): number {
    return Math.max(0, this.#end - this.#most);
  }

  /** offset behind the newest byte */
  get end(): number {
    return this.#end;
  }

  append(bytes: Uint8Array): void {
    const kept = bytes.byteLength > this.#most ? bytes.subarray(bytes.byteLength - this.#most) : bytes;
    this.#grow(Math.min(this.#most, this.#end + bytes.byteLength));
    this.#put(this.#end + bytes.byteLength - kept.byteLength, kept);
    this.#end += bytes.byteLength;
  }

  /** A copy of at most `most` bytes from `offset`, which must lie between start and end. */
  read(offset: number, most: number): Uint8Array<ArrayBuffer> {
    const result = new Uint8Array(Math.max(0, Math.min(most, this.#end - offset)));
    const at = offset % this.#bytes.byteLength;
    const first = this.#bytes.subarray(at, at + result.byteLength);
    result.set(first);
    result.set(this.#bytes.subarray(0, result.byteLength - first.byteLength), first.byteLength);
    return result;
  }

  #put(offset: number, bytes: Uint8Array): void {
    const at = offset % this.#bytes.byteLength;
    const first = bytes.subarray(0, this.#bytes.byteLength - at);
    this.#bytes.set(first, at);
    this.#bytes.set(bytes.subarray(first.byteLength), 0);
  }

  #grow(needed: number): void {
    let size = this.#bytes.byteLength;
    if (needed <= size) return;
    while (size < needed) size *= 2;
    const from = this.start;
    const old = this.read(from, this.#end - from);
    this.#bytes = new Uint8Array(Math.min(size, this.#most));
    this.#put(from, old);
  }
}
