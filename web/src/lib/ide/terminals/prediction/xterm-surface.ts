import type { Terminal } from '@xterm/xterm';
import type { Mark, Surface } from './ports.ts';

/** What xterm.js shows. */
export class XtermSurface implements Surface {
  readonly #terminal: Terminal;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  get x(): number {
    return this.#terminal.buffer.active.cursorX;
  }

  get row(): number {
    const { baseY, cursorY } = this.#terminal.buffer.active;
    return baseY + cursorY;
  }

  get cols(): number {
    return this.#terminal.cols;
  }

  get alternate(): boolean {
    return this.#terminal.buffer.active.type === 'alternate';
  }

  cell(row: number, x: number): string {
    return this.#terminal.buffer.active.getLine(row)?.getCell(x)?.getChars() || ' ';
  }

  mark(): Mark {
    return this.#terminal.registerMarker(0);
  }
}
