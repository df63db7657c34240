import { extendedOf, hasBackground, selectAttributes, selectBackground, showsWithoutText } from './attributes.ts';
import type { Core, CoreBuffer, CoreCell, CoreLine } from './xterm-core.ts';

const WRAPAROUND = '\x1b[?7h';
const NO_WRAPAROUND = '\x1b[?7l';

/**
 * Writes lines as the output that makes them, in a buffer that is empty, with default modes and the cursor at home.
 * It leaves default attributes, and wraparound off, so that no row can run into the next.
 */
export class BufferText {
  readonly #core: Core;
  readonly #cell: CoreCell;
  readonly #cols: number;
  #text = '';
  /** what the reader has selected */
  #fg = 0;
  #bg = 0;
  #ext = 0;
  #link = 0;
  /** cells without a character that are still to be passed, and their background */
  #gap = 0;
  #gapBg = 0;

  constructor(core: Core, cell: CoreCell, cols: number) {
    this.#core = core;
    this.#cell = cell;
    this.#cols = cols;
  }

  /** All lines of a buffer, those above the screen included. */
  lines(buffer: CoreBuffer): string {
    const { length } = buffer.lines;
    this.#text += NO_WRAPAROUND;
    for (let index = 0; index < length; index++) {
      const line = buffer.lines.get(index);
      this.#cells(line);
      if (index + 1 === length) break;
      if (buffer.lines.get(index + 1).isWrapped) this.#wrap(line);
      else {
        this.#plain();
        this.#text += '\r\n';
      }
    }
    return this.#taken();
  }

  /** The last character of the cursor's row, to be written again at its column. */
  last(buffer: CoreBuffer): { column: number; text: string } {
    const line = buffer.lines.get(buffer.ybase + buffer.y);
    const column = this.#lastColumn(line);
    const cell = line.loadCell(column, this.#cell);
    this.#select(cell);
    this.#text += cell.getChars() || ' ';
    return { column, text: this.#taken() };
  }

  #taken(): string {
    this.#plain();
    this.#follow(0);
    const text = this.#text;
    this.#text = '';
    return text;
  }

  #cells(line: CoreLine): void {
    for (let column = 0; column < this.#cols; column++) {
      const cell = line.loadCell(column, this.#cell);
      const chars = textOf(cell, column, this.#cols);
      if (chars === '') {
        if (this.#gap > 0 && this.#gapBg !== cell.bg) this.#pass();
        this.#gap++;
        this.#gapBg = cell.bg;
        continue;
      }
      this.#pass();
      this.#select(cell);
      // a combining character on its own must not join the one before it
      if (cell.getWidth() === 0) this.#text += selectAttributes(cell);
      this.#text += chars;
      if (cell.getWidth() === 2) this.#over(line, ++column);
    }
    this.#pass(false);
  }

  /** Without wraparound, a character in the last column covers the second half of a wide one. */
  #over(line: CoreLine, column: number): void {
    const cell = line.loadCell(column, this.#cell);
    const chars = cell.getChars();
    if (chars === '' || column + 1 < this.#cols) return;
    this.#select(cell);
    this.#text += chars;
  }

  /** Erases what lies in the gap, if that shows, and goes behind it when more follows. */
  #pass(on = true): void {
    if (this.#gap === 0) return;
    const gap = { bg: this.#gapBg };
    if (hasBackground(gap)) {
      this.#text += `${selectBackground(gap)}\x1b[${this.#gap}X`;
      // never the attributes of a character: what is selected next is selected anew
      this.#ext = -1;
    }
    if (on) this.#text += `\x1b[${this.#gap}C`;
    this.#gap = 0;
  }

  #select(cell: CoreCell): void {
    const { fg, bg } = cell;
    const { _ext: ext, urlId } = extendedOf(cell);
    if (fg !== this.#fg || bg !== this.#bg || ext !== this.#ext) this.#text += selectAttributes(cell);
    this.#fg = fg;
    this.#bg = bg;
    this.#ext = ext;
    this.#follow(urlId);
  }

  #plain(): void {
    if (this.#fg !== 0 || this.#bg !== 0 || this.#ext !== 0) this.#text += '\x1b[m';
    this.#fg = this.#bg = this.#ext = 0;
  }

  #follow(urlId: number): void {
    if (urlId === this.#link) return;
    this.#link = urlId;
    this.#text += linkTo(this.#core, urlId);
  }

  /**
   * Goes on to the next line by printing past the end, which alone marks the two as one, and erases what that printed.
   * A last cell without a character is what a wide one leaves that did not fit, with its attributes.
   */
  #wrap(line: CoreLine): void {
    const cell = line.loadCell(this.#cols - 1, this.#cell);
    const isLeft = cell.getWidth() > 0 && textOf(cell, this.#cols - 1, this.#cols) === '';
    if (isLeft) {
      this.#text += `\x1b[${this.#cols}G${WRAPAROUND}`;
      this.#select(cell);
      this.#text += '\u6f22';
    }
    this.#plain();
    this.#text += isLeft ? `\r\x1b[${this.#cols}X` : `${WRAPAROUND}x\r\x1b[X`;
    this.#text += NO_WRAPAROUND;
  }

  #lastColumn(line: CoreLine): number {
    const last = this.#cols - 1;
    return last > 0 && line.loadCell(last - 1, this.#cell).getWidth() === 2 ? last - 1 : last;
  }
}

/** What is written for a cell. xterm.js's reflow can leave half of a wide character in the last column: none is written. */
function textOf(cell: CoreCell, column: number, cols: number): string {
  if (column + cell.getWidth() > cols) return '';
  return cell.getChars() || (showsWithoutText(cell) ? ' ' : '');
}

/** The sequence that begins a hyperlink, or with 0 ends it. */
export function linkTo(core: Core, urlId: number): string {
  const link = core._oscLinkService.getLinkData(urlId);
  return `\x1b]8;${link?.id === undefined ? '' : `id=${link.id}`};${link?.uri ?? ''}\x1b\\`;
}
