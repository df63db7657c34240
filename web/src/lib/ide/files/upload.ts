import type { OutFrame, Source } from '@gatehouse/core/protocol/outbox.ts';

const SLICE = 256 * 1024;
const NOTHING = new Uint8Array(0);

/** The content of a file on its way: a Blob is read slice by slice, so that it is never in memory as a whole. */
export class Upload implements Source {
  readonly bulk = true;
  readonly #content: Uint8Array | Blob;
  readonly #wake: () => void;
  readonly #failed: () => void;
  /** what was read and not sent */
  #slice: Uint8Array = NOTHING;
  #read = 0;
  #sent = 0;
  #reading = false;
  #ended = false;

  /** @param wake is told when there is more to send @param failed the Blob can't be read any more */
  constructor(content: Uint8Array | Blob, wake: () => void, failed: () => void) {
    this.#content = content;
    this.#wake = wake;
    this.#failed = failed;
    if (content instanceof Uint8Array) this.#take(content);
  }

  get size(): number {
    return this.#content instanceof Uint8Array ? this.#content.byteLength : this.#content.size;
  }

  get pending(): number {
    return this.#slice.byteLength;
  }

  next(room: number): OutFrame | null {
    if (this.#slice.byteLength === 0) return this.#read < this.size ? this.#readOn() : this.#end();
    if (room === 0) return null;
    const payload = this.#slice.subarray(0, room);
    const offset = this.#sent;
    this.#slice = this.#slice.subarray(payload.byteLength);
    this.#sent += payload.byteLength;
    return { type: 'data', offset, payload };
  }

  #end(): OutFrame | null {
    if (this.#ended) return null;
    this.#ended = true;
    return { type: 'fin' };
  }

  #readOn(): null {
    if (this.#reading || this.#content instanceof Uint8Array) return null;
    this.#reading = true;
    const part = this.#content.slice(this.#read, this.#read + SLICE);
    part.arrayBuffer().then(
      (buffer) => {
        this.#reading = false;
        this.#take(new Uint8Array(buffer));
        this.#wake();
      },
      () => this.#failed(),
    );
    return null;
  }

  #take(bytes: Uint8Array): void {
    this.#slice = bytes;
    this.#read += bytes.byteLength;
  }
}
