import unicode11 from '@xterm/addon-unicode11';
import headless from '@xterm/headless';
import { resizeScreen } from '@gatehouse/core/protocol/resize-screen.ts';
import type { Size } from '../size.ts';
import { Charsets } from './charsets.ts';
import { Palette } from './palette.ts';
import { screenState } from './screen-state.ts';
import type { Screen, Screens, Step } from './screens.ts';
import { coreOf, isAtRest } from './xterm-core.ts';

/** Lines above the screen that are kept too: a screen that is made smaller and larger again takes them back. */
export const LINES_ABOVE = 100;

/** A terminal as the web app makes it, without a display. */
export function makeHeadless({ cols, rows }: Size): headless.Terminal {
  const terminal = new headless.Terminal({
    cols,
    rows,
    scrollback: LINES_ABOVE,
    allowProposedApi: true,
    cursorBlink: true,
    logLevel: 'off',
  });
  terminal.loadAddon(new unicode11.Unicode11Addon());
  terminal.unicode.activeVersion = '11';
  return terminal;
}

/** Applies steps at once. The public `write` parses in a timer, where nobody can catch what the parser throws. */
export function play(terminal: headless.Terminal, steps: Step[]): void {
  for (const step of steps)
    if (step instanceof Uint8Array) coreOf(terminal)._inputHandler.parse(step);
    else resizeScreen(terminal, step);
}

class HeadlessScreen implements Screen {
  readonly #charsets: Charsets;
  readonly #terminal: headless.Terminal;
  readonly #palette: Palette;

  constructor(size: Size, charsets: Charsets) {
    this.#charsets = charsets;
    this.#terminal = makeHeadless(size);
    this.#palette = new Palette(this.#terminal);
  }

  /** A parser that throws, as some output makes it, has no state any more. */
  advance(take: () => Step[]): Promise<Uint8Array<ArrayBuffer> | null> {
    try {
      play(this.#terminal, take());
      if (!isAtRest(coreOf(this.#terminal))) return Promise.resolve(null);
      return Promise.resolve(new TextEncoder().encode(screenState(this.#terminal, this.#charsets, this.#palette)));
    } catch {
      return Promise.resolve(null);
    }
  }

  close(): void {
    this.#terminal.dispose();
  }
}

/** Screens that are parsed in this thread. */
export function makeLocalScreens(): Screens {
  const charsets = new Charsets();
  return { open: (size) => new HeadlessScreen(size, charsets) };
}
