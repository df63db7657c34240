import { expect } from 'vitest';
import type { Locator, Page } from 'playwright-core';

/** The terminal that a page shows, as a person uses it: keys in, text on the screen out. */
export class Terminal {
  readonly #page: Page;
  readonly #root: Locator;
  /** over all terminals of a test, so that an older command's end is never taken for this one's */
  static #commands = 0;

  private constructor(page: Page, root: Locator) {
    this.#page = page;
    this.#root = root;
  }

  /** The newest terminal in sight, once it has a prompt. */
  static async of(page: Page): Promise<Terminal> {
    const root = page.locator('.terminal-host:visible').last();
    await root.waitFor();
    const terminal = new Terminal(page, root);
    await terminal.shows(/\$\s*$/);
    return terminal;
  }

  async text(): Promise<string> {
    const rows = await this.#root.locator('.xterm-rows > div').allTextContents();
    return rows
      .map((row) => row.replaceAll('\u00a0', ' ').trimEnd())
      .join('\n')
      .trimEnd();
  }

  async shows(pattern: RegExp): Promise<void> {
    await expect.poll(() => this.text(), { timeout: 20_000, message: `the terminal shows ${pattern}` }).toMatch(pattern);
  }

  /** The shell waits again: a full-screen program that ends throws away what was typed at it too early. */
  prompt(): Promise<void> {
    return this.shows(/\$$/);
  }

  async type(keys: string): Promise<void> {
    await this.#root.locator('.xterm-helper-textarea').focus();
    // Escape is a key, not a character.
    const [first = '', ...rest] = keys.split('\x1b');
    await this.#page.keyboard.type(first);
    for (const part of rest) {
      await this.#page.keyboard.press('Escape');
      await this.#page.keyboard.type(part);
    }
  }

  /** Runs a command on a clean screen and waits until it has ended. @returns what it printed */
  async run(command: string, wanted?: RegExp): Promise<string> {
    const end = `end-${++Terminal.#commands}`;
    // Quoted apart, so that the echoed command is not taken for its end.
    await this.type(`clear; ${command}; echo "${end.slice(0, 2)}""${end.slice(2)}"\n`);
    await this.shows(new RegExp(`^${end}$`, 'm'));
    if (wanted) await this.shows(wanted);
    return this.text();
  }
}
