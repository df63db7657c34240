import { StringDecoder } from 'node:string_decoder';

/**
 * Splits a program's output: whole lines for the log, and what a later one overwrites (ended by a carriage
 * return) as progress, so that a log holds no hundred versions of one line.
 */
export class ProgressLines {
  readonly #line: (text: string) => void;
  readonly #progress: (text: string) => void;
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  constructor(line: (text: string) => void, progress: (text: string) => void) {
    this.#line = line;
    this.#progress = progress;
  }

  push(bytes: Uint8Array): void {
    this.#rest += this.#decoder.write(Buffer.from(bytes));
    const parts = this.#rest.split(/(?<=[\r\n])/);
    this.#rest = parts.at(-1)?.match(/[\r\n]$/) === null ? (parts.pop() ?? '') : '';
    for (const part of parts) {
      if (part.endsWith('\n')) this.#line(part);
      else this.#progress(part);
    }
  }

  end(): void {
    if (this.#rest !== '') this.#line(`${this.#rest}\n`);
    this.#rest = '';
  }
}

/** Percent of git's longest phase, or null for its other messages. */
export function clonePercent(text: string): number | null {
  const found = /Receiving objects:\s+(\d+)%/.exec(text);
  return found?.[1] === undefined ? null : Number(found[1]);
}
