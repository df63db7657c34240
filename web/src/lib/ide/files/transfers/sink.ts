import { StreamError } from '../../connection/stream-error.ts';

/** Where a download goes. */
export interface Sink {
  write(bytes: Uint8Array): Promise<void>;
  /** Begins anew: what came is of no use. */
  reset(): Promise<void>;
  /** All of it is there: hands it to the person. */
  finish(): Promise<void>;
  abandon(): Promise<void>;
}

interface PickedFile {
  name: string;
  createWritable(): Promise<WritableFile>;
}
interface WritableFile {
  write(data: BufferSource): Promise<void>;
  truncate(size: number): Promise<void>;
  seek(position: number): Promise<void>;
  close(): Promise<void>;
  abort(): Promise<void>;
}
type Picker = (options: { suggestedName: string }) => Promise<PickedFile>;

/** Of what a browser keeps until it is whole, because it can't write to the disk as it comes. */
export const MOST_KEPT = 512 * 1024 * 1024;
/** Up to here the browser's own way of downloads serves best: nobody is asked where to. */
export const ASKS_ABOVE = 64 * 1024 * 1024;
/** pieces are put together, so that the browser may move them out of memory */
const TOGETHER = 8 * 1024 * 1024;

const picker = (): Picker | undefined => (globalThis as { showSaveFilePicker?: Picker }).showSaveFilePicker;

/**
 * A place for a download. Call it in the click that asks for it: a browser lets a page ask where to then only.
 * @param size bytes, null: nobody knows
 * @returns null: the person decided otherwise
 */
export async function sinkFor(name: string, size: number | null): Promise<Sink | null> {
  const pick = picker();
  if (pick === undefined || (size !== null && size <= ASKS_ABOVE)) return new KeptSink(name);
  try {
    return new DiskSink(await (await pick({ suggestedName: name })).createWritable());
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return null;
    return new KeptSink(name);
  }
}

/** Straight to the disk. */
class DiskSink implements Sink {
  readonly #file: WritableFile;

  constructor(file: WritableFile) {
    this.#file = file;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#file.write(bytes as BufferSource);
  }

  async reset(): Promise<void> {
    await this.#file.truncate(0);
    await this.#file.seek(0);
  }

  finish(): Promise<void> {
    return this.#file.close();
  }

  abandon(): Promise<void> {
    return this.#file.abort();
  }
}

/** Kept by the browser, and handed over as a whole. */
export class KeptSink implements Sink {
  readonly #name: string;
  #parts: Blob[] = [];
  #pieces: BlobPart[] = [];
  #together = 0;
  #size = 0;

  constructor(name: string) {
    this.#name = name;
  }

  write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.byteLength;
    if (this.#size > MOST_KEPT) {
      const message = 'This browser can’t keep more than 512 MB of one download: take less at once, or use Chrome or Edge';
      return Promise.reject(new StreamError('too-large', message));
    }
    // the payload is a view on its message: a copy lets go of that
    this.#pieces.push(Uint8Array.from(bytes));
    this.#together += bytes.byteLength;
    if (this.#together >= TOGETHER) this.#join();
    return Promise.resolve();
  }

  reset(): Promise<void> {
    [this.#parts, this.#pieces, this.#together, this.#size] = [[], [], 0, 0];
    return Promise.resolve();
  }

  finish(): Promise<void> {
    this.#join();
    const url = URL.createObjectURL(new Blob(this.#parts));
    const link = document.createElement('a');
    link.href = url;
    link.download = this.#name;
    link.click();
    // The browser has begun to read it by then.
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    return this.reset();
  }

  abandon(): Promise<void> {
    return this.reset();
  }

  #join(): void {
    this.#parts.push(new Blob(this.#pieces));
    this.#pieces = [];
    this.#together = 0;
  }
}
