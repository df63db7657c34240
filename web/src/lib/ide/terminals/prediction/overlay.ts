import './overlay.css';
import type { IDecoration, Terminal } from '@xterm/xterm';
import type { Cell } from './line.ts';
import type { Prediction } from './ports.ts';

/** Draws predictions over the line, as one decoration: xterm.js keeps it in place while the terminal scrolls or grows. */
export class Overlay {
  readonly #terminal: Terminal;
  #prediction: Prediction | null = null;
  #decoration: IDecoration | null = null;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(prediction: Prediction | null): void {
    if (prediction === null || prediction.row !== this.#decoration?.marker.line) this.#remove();
    this.#prediction = prediction;
    if (prediction === null) return;
    this.#decoration ??= this.#add(prediction.row);
    if (this.#decoration?.element !== undefined) this.#fill(this.#decoration.element);
  }

  #add(row: number): IDecoration | null {
    const { active } = this.#terminal.buffer;
    const marker = this.#terminal.registerMarker(row - active.baseY - active.cursorY);
    const decoration = this.#terminal.registerDecoration({ marker, width: this.#terminal.cols, layer: 'top' }) ?? null;
    decoration?.onRender((element) => this.#fill(element));
    return decoration;
  }

  #remove(): void {
    this.#decoration?.marker.dispose();
    this.#decoration?.dispose();
    this.#decoration = null;
  }

  #fill(element: HTMLElement): void {
    const prediction = this.#prediction;
    if (prediction === null) return;
    const { fontFamily = '', fontSize = 0 } = this.#terminal.options;
    element.classList.add('terminal-prediction');
    element.classList.toggle('doubtful', prediction.doubtful);
    element.ariaHidden = 'true';
    element.style.fontFamily = fontFamily;
    element.style.fontSize = `${fontSize}px`;
    element.replaceChildren(
      ...prediction.cells.filter(({ x }) => x !== prediction.cursor.x).map((cell) => this.#cell(cell, 'typed')),
      this.#cell(prediction.cursor, 'cursor'),
    );
  }

  #cell({ x, char }: Cell, className: string): HTMLElement {
    const element = document.createElement('span');
    element.className = className;
    element.textContent = char;
    element.style.left = `${(x / this.#terminal.cols) * 100}%`;
    element.style.width = `${100 / this.#terminal.cols}%`;
    return element;
  }
}
