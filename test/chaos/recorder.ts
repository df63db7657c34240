import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Once there is a file of this name, the recorders print their last line. */
export const STOP = 'stop';
const LAST = 'LAST\n';

/**
 * The command of a recorder: it prints numbered lines, some of them long, and writes down what it prints, and what is
 * typed into it. The terminal is raw, so that what is printed is what comes out of it, behind the line GO.
 */
export function recorder(name: string): string {
  const lines = "for i in {1..20}; do printf '%08d\\n' $((n += 1)); done; printf '%1200d\\n' $n; sleep 0.05";
  const print = `{ n=0; until [ -e ${STOP} ]; do ${lines}; done; printf '${LAST.trim()}\\n'; } | tee ${name}.printed`;
  return `stty raw -echo; printf 'G''O\\n'; ( ${print} & ); exec cat > ${name}.typed\n`;
}

/** What one page saw of a recorder's terminal: runs of bytes, each from an offset on. */
export class Seen {
  readonly runs: { from: number; pieces: Uint8Array[] }[] = [];
  #next = -1;
  #tail = '';

  readonly take = (bytes: Uint8Array, offset: number): void => {
    if (offset !== this.#next) this.runs.push({ from: offset, pieces: [] });
    this.#next = offset + bytes.byteLength;
    this.runs.at(-1)?.pieces.push(bytes);
    this.#tail = (this.#tail + Buffer.from(bytes.subarray(-64)).toString('latin1')).slice(-64);
  };

  /** whether the program runs */
  get hasBegun(): boolean {
    return this.runs.some(({ pieces }) => Buffer.concat(pieces).includes('GO\n'));
  }

  get isWhole(): boolean {
    return this.#tail.endsWith(LAST);
  }

  /** offset of the first byte that the recorder printed */
  get begin(): number {
    const [first] = this.runs;
    const at = first === undefined ? -1 : Buffer.concat(first.pieces).indexOf('GO\n');
    if (first === undefined || at < 0) throw new Error('The recorder has not begun');
    return first.from + at + 3;
  }

  /** How it differs from what was printed; null: not at all. @param begin offset of the first printed byte */
  difference(printed: Buffer, begin: number): string | null {
    for (const { from, pieces } of this.runs) {
      const bytes = Buffer.concat(pieces);
      const skipped = Math.max(0, begin - from);
      const start = from + skipped - begin;
      if (!bytes.subarray(skipped).equals(printed.subarray(start, start + Math.max(0, bytes.byteLength - skipped)))) {
        return `the ${bytes.byteLength} bytes from ${from} are not what was printed`;
      }
    }
    return this.#next === begin + printed.byteLength ? null : `${this.#next - begin} of ${printed.byteLength} bytes came`;
  }
}

/** What one recorder wrote down, in the workspace's home on disk. */
export const recorded = (home: string, name: string): { printed: Buffer; typed: string } => ({
  printed: readFileSync(join(home, `${name}.printed`)),
  typed: readFileSync(join(home, `${name}.typed`), 'latin1'),
});
