import type { Mark, Surface } from '../ports.ts';

/** A terminal that understands as much as the programs of these tests say. Nothing scrolls away. */
export class PaperSurface implements Surface {
  readonly cols: number;
  alternate = false;
  row = 0;
  x = 0;
  #lines: string[][] = [[]];

  constructor(cols: number) {
    this.cols = cols;
  }

  write(output: string): void {
    // eslint-disable-next-line no-control-regex -- control characters are what a terminal is about
    for (const [token] of output.matchAll(/\x1b\[\??\d*[a-zA-Z]|[^]/gu)) this.#act(token);
  }

  cell(row: number, x: number): string {
    return this.#lines[row]?.[x] ?? ' ';
  }

  mark(): Mark {
    return { line: this.row, dispose: () => undefined };
  }

  /** all lines, without spaces at their ends */
  get text(): string {
    return this.#lines.map((_line, row) => this.lineText(row)).join('\n');
  }

  lineText(row: number): string {
    return Array.from(this.#lines[row] ?? [], (char) => char ?? ' ')
      .join('')
      .trimEnd();
  }

  #act(token: string): void {
    if (token === '\r') this.x = 0;
    else if (token === '\n') this.#down();
    else if (token === '\b') this.x = Math.max(0, Math.min(this.x, this.cols - 1) - 1);
    else if (token === '\x1b[K') this.#lines[this.row]?.splice(this.x);
    else if (token === '\x1b[?1049h') this.alternate = true;
    else if (token === '\x1b[?1049l') this.alternate = false;
    else if (token >= ' ') this.#print(token);
  }

  #print(char: string): void {
    if (this.x === this.cols) {
      this.x = 0;
      this.#down();
    }
    const line = this.#lines[this.row];
    if (line !== undefined) line[this.x] = char;
    this.x += 1;
  }

  #down(): void {
    this.row += 1;
    this.#lines[this.row] ??= [];
  }
}
