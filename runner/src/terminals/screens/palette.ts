import type { Terminal } from '@xterm/headless';
import { coreOf, type ColorEvent } from './xterm-core.ts';

const SET = 1;
const RESTORE = 2;
const FOREGROUND = 256;

/** The colours that a program has changed. The screen without a display that parses for us keeps none. */
export class Palette {
  readonly #colors = new Map<number, string>();

  constructor(terminal: Terminal) {
    coreOf(terminal)._inputHandler.onColor((events) => events.forEach((event) => this.#take(event)));
  }

  /** The sequences that change them again. */
  changes(): string {
    return [...this.#colors]
      .map(([index, color]) => `\x1b]${index < FOREGROUND ? `4;${index}` : index - FOREGROUND + 10};${color}\x1b\\`)
      .join('');
  }

  #take({ type, index, color }: ColorEvent): void {
    if (type === RESTORE && index === undefined) this.#colors.clear();
    else if (type === RESTORE && index !== undefined) this.#colors.delete(index);
    else if (type === SET && index !== undefined && color !== undefined)
      this.#colors.set(index, `rgb:${color.map((channel) => channel.toString(16).padStart(2, '0')).join('/')}`);
  }
}
