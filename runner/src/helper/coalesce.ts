const WITHIN = 8;
const AT_MOST = 32 * 1024;

/**
 * Joins small pieces of output: the first goes at once, what follows within 8 ms goes together.
 * A PTY is read 4 KiB at a time, and fifty megabytes in such messages would be 12,500 of them.
 */
export class Coalescer {
  readonly #send: (bytes: Uint8Array) => void;
  #pieces: Uint8Array[] = [];
  #size = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (bytes: Uint8Array) => void) {
    this.#send = send;
  }

  push(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#size += piece.byteLength;
    if (this.#timer === undefined) {
      this.flush();
      this.#timer = setTimeout(() => this.#tick(), WITHIN);
    } else if (this.#size >= AT_MOST) this.flush();
  }

  /** Sends what is held now, before something that must come after it. */
  flush(): void {
    if (this.#size === 0) return;
    const joined = this.#pieces.length === 1 ? this.#pieces[0] : Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.#size = 0;
    if (joined !== undefined) this.#send(joined);
  }

  #tick(): void {
    this.#timer = undefined;
    if (this.#size === 0) return;
    this.flush();
    this.#timer = setTimeout(() => this.#tick(), WITHIN);
  }

  end(): void {
    this.flush();
    clearTimeout(this.#timer);
  }
}
