import { parseProofLine, type ProofLine } from './proof-lines.ts';

/** A line of the export, in the order of the log, and where it stands. */
export interface ExportLine {
  bytes: Uint8Array;
  file: string;
  line: number;
}

export type Read = ProofLine & { at: ExportLine };

/** No line of an export comes near it: a longer one would only take all memory. */
const MAX_LINE = 16_000_000;

/** The lines, with a look at the next one. */
export class LineReader {
  readonly #source: AsyncIterator<ExportLine>;
  #ahead: Promise<Read | null> | null = null;

  constructor(lines: AsyncIterable<ExportLine>) {
    this.#source = lines[Symbol.asyncIterator]();
  }

  async next(): Promise<Read | null> {
    const ahead = this.#ahead ?? this.#read();
    this.#ahead = null;
    return ahead;
  }

  peek(): Promise<Read | null> {
    return (this.#ahead ??= this.#read());
  }

  async #read(): Promise<Read | null> {
    const { done, value } = await this.#source.next();
    return done ? null : { ...parseProofLine(value.bytes), at: value };
  }
}

/** Splits bytes into lines. @throws RangeError for a line that no export has */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>, file: string): AsyncGenerator<ExportLine> {
  let rest = new Uint8Array();
  let line = 0;
  for await (const chunk of chunks) {
    let bytes: Uint8Array = chunk;
    if (rest.length > 0) {
      bytes = new Uint8Array(rest.length + chunk.length);
      bytes.set(rest);
      bytes.set(chunk, rest.length);
    }
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      yield { bytes: bytes.subarray(start, end), file, line: ++line };
      start = end + 1;
    }
    rest = bytes.slice(start);
    if (rest.length > MAX_LINE) throw new RangeError(`Line ${line + 1} of ${file} is longer than any of an export`);
  }
  if (rest.length > 0) yield { bytes: rest, file, line: line + 1 };
}
