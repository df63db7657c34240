import type { Size } from '../../../../web/src/lib/ide/terminals/terminal-link.ts';

/** bytes of one numbered line of output */
const LINE = 8;
const LINES = 1_000_000;

/** What every program prints: its lines are numbered, so that no part of it is like another. */
const output = numberedLines();

/** All that happened in one terminal: the truth that every screen is held against. */
export class Pty {
  #end = 0;
  /** SPEC T3: each size, from this byte on */
  readonly #sizes: { offset: number; size: Size }[];
  input: Uint8Array = new Uint8Array(0);

  constructor(size: Size) {
    this.#sizes = [{ offset: 0, size }];
  }

  get end(): number {
    return this.#end;
  }

  get size(): Size {
    return this.sizeAt(this.#end);
  }

  /** @returns the next so many bytes of output */
  print(bytes: number): Uint8Array {
    const from = this.#end;
    this.#end += bytes;
    if (this.#end > output.byteLength) throw new Error('A scenario prints too much');
    return this.read(from, this.#end);
  }

  read(from: number, to: number): Uint8Array {
    return output.subarray(from, Math.min(to, this.#end));
  }

  resize(size: Size): void {
    this.#sizes.push({ offset: this.#end, size });
  }

  /** The size at which the byte at this offset was, or will be, written. */
  sizeAt(offset: number): Size {
    const found = this.#sizes.findLast((each) => each.offset <= offset);
    if (found === undefined) throw new Error('Before the first byte');
    return found.size;
  }

  /** whether the size changed between these bytes */
  resizedWithin(from: number, to: number): boolean {
    return this.#sizes.some(({ offset }) => offset > from && offset < to);
  }

  take(bytes: Uint8Array): void {
    this.input = Buffer.concat([this.input, bytes]);
  }
}

function numberedLines(): Uint8Array {
  const bytes = new Uint8Array(LINES * LINE).fill(0x30);
  for (let line = 0; line < LINES; line++) {
    let at = line * LINE + LINE - 1;
    bytes[at] = 0x0a;
    for (let rest = line; rest > 0; rest = Math.floor(rest / 10)) bytes[--at] = 0x30 + (rest % 10);
  }
  return bytes;
}
