import { closeSync, existsSync, openSync, readSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

const MOST = 512 * 1024;
const CUT = '\n(The log is cut here: it has reached 512 KiB.)\n';
const PIECE = 16 * 1024;

const isContinuation = (byte: number | undefined) => byte !== undefined && (byte & 0xc0) === 0x80;

/** What a start of a workspace printed, in UTF-8 on disk, so that it survives the runner and can be sent again. */
export class BuildLog {
  readonly generation: number;
  readonly #file: number;
  readonly #changed: () => void;
  readonly #decoder = new StringDecoder('utf8');
  #size: number;
  #full = false;

  /** Opens the log of a generation, and forgets those of earlier ones. */
  constructor(folder: string, generation: number, changed: () => void) {
    const name = `build-${generation}.log`;
    for (const other of readdirSync(folder)) if (/^build-\d+\.log$/.test(other) && other !== name) rmSync(join(folder, other));
    this.generation = generation;
    this.#changed = changed;
    const path = join(folder, name);
    this.#size = existsSync(path) ? statSync(path).size : 0;
    this.#file = openSync(path, 'a+', 0o600);
  }

  get size(): number {
    return this.#size;
  }

  /** Bytes of a program's output; a character cut in two is put together again. */
  append(bytes: Uint8Array): void {
    this.line(this.#decoder.write(Buffer.from(bytes)));
  }

  line(text: string): void {
    const room = MOST - this.#size;
    if (this.#full || room <= 0 || text === '') return;
    const bytes = Buffer.from(text);
    const kept = bytes.byteLength <= room ? bytes : Buffer.concat([bytes.subarray(0, cutAt(bytes, room)), Buffer.from(CUT)]);
    try {
      this.#size += writeSync(this.#file, kept);
    } catch {
      // A full disk: a log that can't be written ends here, and what it tells of goes on.
      this.#full = true;
      return;
    }
    // A log that was cut is full, even if its last character left a byte of room.
    if (kept !== bytes) this.#full = true;
    this.#changed();
  }

  /** At most 16 KiB of whole characters from `offset`. */
  read(offset: number): { text: string; bytes: number } {
    const buffer = Buffer.alloc(Math.max(0, Math.min(PIECE, this.#size - offset)));
    const read = readSync(this.#file, buffer, 0, buffer.byteLength, offset);
    const end = offset + read < this.#size ? cutAt(buffer, read) : read;
    return { text: buffer.subarray(0, end).toString(), bytes: end };
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** The last place at or before `at` where no character is cut. */
function cutAt(bytes: Uint8Array, at: number): number {
  let cut = at;
  // The byte behind a full buffer is unknown: step back over the last character unless it is known to be whole.
  if (cut === bytes.byteLength) {
    let start = cut - 1;
    while (start > 0 && isContinuation(bytes[start])) start--;
    const lead = bytes[start] ?? 0;
    const length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    return start + length <= cut ? cut : start;
  }
  while (cut > 0 && isContinuation(bytes[cut])) cut--;
  return cut;
}
