import headless from '@xterm/headless';
import { coreOf, type Charset, type Core } from './xterm-core.ts';

/** the finals that name a set; ASCII is no set to xterm.js */
const NAMES = '0A4C5RQKYE6Z7H=';
const DESIGNATE = ['(', ')', '*', '+'];
const INVOKE = ['', '\x0e', '\x1bn', '\x1bo'];

/** The names of xterm.js's character sets, which it forgets once they are selected. */
export class Charsets {
  readonly #names = new Map<Charset, string>();

  /** Learns the sets by selecting each of them. */
  constructor() {
    const terminal = new headless.Terminal({ cols: 2, rows: 1, scrollback: 0, allowProposedApi: true });
    const { _inputHandler, _charsetService } = coreOf(terminal);
    for (const name of NAMES) {
      _inputHandler.parse(new TextEncoder().encode(`\x1b(${name}`));
      const { charset } = _charsetService;
      if (charset !== undefined && !this.#names.has(charset)) this.#names.set(charset, name);
    }
    terminal.dispose();
  }

  asG0(charset: Charset): string {
    return this.#designate(0, charset);
  }

  /** All that are designated, and the one that is invoked; in a terminal where none is. */
  select({ charset, glevel, _charsets }: Core['_charsetService']): string {
    const designated = DESIGNATE.map((_, level) => (level === glevel ? charset : _charsets[level]));
    return designated.map((each, level) => (each === undefined ? '' : this.#designate(level, each))).join('') + INVOKE[glevel];
  }

  #designate(level: number, charset: Charset): string {
    return `\x1b${DESIGNATE[level]}${this.#names.get(charset) ?? 'B'}`;
  }
}
