import type { Terminal } from '@xterm/xterm';

/** Lead byte of U+0300 in UTF-8: below it every character is one cell wide by any table. */
const FIRST_IN_TABLE = 0xcc;

/** How wide characters are, by Unicode 11. The table loads when the first of them comes, and what is printed waits for it. */
export class Widths {
  readonly #terminal: Terminal;
  #state: 'unneeded' | 'loading' | 'there' = 'unneeded';
  readonly #waiting: (() => void)[] = [];

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** @param bytes that are to be printed, UTF-8 */
  need(bytes: Uint8Array): void {
    if (this.#state !== 'unneeded') return;
    for (const byte of bytes) if (byte >= FIRST_IN_TABLE) return void this.#load();
  }

  /** Does it in the order of the calls, at once where nothing is waited for. */
  inOrder(act: () => void): void {
    if (this.#state === 'loading') this.#waiting.push(act);
    else act();
  }

  async #load(): Promise<void> {
    this.#state = 'loading';
    try {
      const { Unicode11Addon } = await import('@xterm/addon-unicode11');
      this.#terminal.loadAddon(new Unicode11Addon());
      this.#terminal.unicode.activeVersion = '11';
    } catch {
      // Out of reach for now: older widths are better than no output.
    }
    this.#state = 'there';
    for (const act of this.#waiting.splice(0)) act();
  }
}
