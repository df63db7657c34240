import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

const MOST = 1024 * 1024;

/** A log that grows to a megabyte, and keeps the megabyte before it beside it. What can't be written is lost: the program goes on. */
export class BoundedLog {
  readonly #path: string;
  #size: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  write(bytes: Uint8Array): void {
    try {
      this.#size ??= this.#begin();
      if (this.#size > MOST) {
        renameSync(this.#path, `${this.#path}.1`);
        this.#size = 0;
      }
      appendFileSync(this.#path, bytes);
      this.#size += bytes.byteLength;
    } catch {
      this.#size = null;
    }
  }

  line(text: string): void {
    this.write(Buffer.from(`[gatehouse ${new Date().toISOString()}] ${text}\n`));
  }

  #begin(): number {
    mkdirSync(dirname(this.#path), { recursive: true });
    return statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
  }
}
