import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { Unicode11Addon } from '@xterm/addon-unicode11';
import { WebLinksAddon } from '@xterm/addon-web-links';
import type { WebglAddon } from '@xterm/addon-webgl';
import { Terminal } from '@xterm/xterm';
import { browserClock } from '../connection/ports.ts';
import type { Surroundings } from './prediction/ports.ts';
import { predictiveEcho } from './prediction/predictive-echo.ts';
import type { Predictor } from './prediction/predictor.ts';
import { guardErase } from './erase-guard.ts';
import { guardReplay } from './replay-guard.ts';
import type { Screen, Size } from './terminal-link.ts';
import { terminalTheme } from './terminal-theme.ts';

export interface ScreenEvents {
  input(text: string): void;
  /** there is room for this size now */
  fits(size: Size): void;
  /** @returns whether the key was taken, and so must not reach the program */
  key(event: KeyboardEvent): boolean;
  /** pasting these lines would run them at once; the answer decides */
  confirmPaste(lines: number): Promise<boolean>;
}

/** xterm.js, dressed for this page. Works before it is shown: output is parsed, and drawn once there is room. */
export class XtermScreen implements Screen {
  readonly #terminal: Terminal;
  readonly #events: ScreenEvents;
  readonly #fit = new FitAddon();
  readonly search = new SearchAddon();
  readonly #echo: Predictor;
  #webgl: WebglAddon | null = null;
  #inSight = false;
  readonly #firstOutput = Promise.withResolvers<undefined>();
  readonly #host = document.createElement('div');
  #opened = false;
  #replaying = false;
  /** the size that would fill the container */
  #room: Size | null = null;

  constructor(size: Size, events: ScreenEvents, surroundings: Surroundings) {
    this.#events = events;
    this.#terminal = new Terminal({
      ...size,
      allowProposedApi: true,
      cursorBlink: true,
      cursorInactiveStyle: 'outline',
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-mono'),
      fontSize: 12.5,
      lineHeight: 1.25,
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
      scrollback: 10_000,
    });
    this.#terminal.loadAddon(this.#fit);
    this.#terminal.loadAddon(this.search);
    this.#terminal.loadAddon(new Unicode11Addon());
    this.#terminal.unicode.activeVersion = '11';
    this.#terminal.loadAddon(new WebLinksAddon((_event, address) => window.open(address, '_blank', 'noopener,noreferrer')));
    guardReplay(this.#terminal, () => this.#replaying);
    guardErase(this.#terminal);
    this.#echo = predictiveEcho(this.#terminal, browserClock, surroundings);
    this.#terminal.onData((text) => {
      events.input(text);
      this.#echo.typed(text);
    });
    this.#terminal.onRender(() => this.#keepInSight());
    this.#host.className = 'terminal-host';
    this.#terminal.attachCustomKeyEventHandler((event) => !events.key(event));
  }

  write(bytes: Uint8Array, replay: boolean, parsed: () => void): void {
    this.#inOrder(() => (this.#replaying = replay));
    this.#terminal.write(bytes, () => {
      if (replay) this.#echo.reset();
      else this.#echo.output(bytes.byteLength);
      this.#firstOutput.resolve(undefined);
      parsed();
    });
  }

  resize({ cols, rows }: Size): void {
    this.#inOrder(() => this.#terminal.resize(cols, rows));
  }

  reset(size: Size): void {
    this.#inOrder(() => {
      this.#terminal.reset();
      this.#echo.reset();
    });
    this.resize(size);
  }

  get readOnly(): boolean {
    return this.#terminal.options.disableStdin ?? false;
  }

  set readOnly(readOnly: boolean) {
    this.#terminal.options.disableStdin = readOnly;
    this.#terminal.options.cursorBlink = !readOnly;
  }

  /** Shows the terminal in `container`, which may change as the page's layout does. */
  mount(container: HTMLElement): void {
    container.append(this.#host);
    this.fit();
  }

  /** Tells which size would fill the container, once that has one. The terminal's own is what its runner says. */
  fit(): void {
    if (this.#host.clientWidth === 0 || this.#host.clientHeight === 0) return;
    if (!this.#opened) this.#open();
    const room = this.#fit.proposeDimensions();
    if (room === undefined || Number.isNaN(room.cols + room.rows)) return;
    this.#room = room;
    this.#events.fits(room);
  }

  /** Browsers allow few WebGL contexts at once: only what is in sight has one, the rest is drawn by the DOM. */
  async accelerate(visible: boolean): Promise<void> {
    this.#inSight = visible;
    if (!visible) {
      this.#webgl?.dispose();
      this.#webgl = null;
      return;
    }
    if (this.#webgl !== null || !this.#opened) return;
    // The first prompt does not wait for it.
    await this.#firstOutput.promise;
    const { WebglAddon } = await import('@xterm/addon-webgl');
    if (!this.#inSight || this.#webgl !== null) return;
    try {
      const addon = new WebglAddon();
      addon.onContextLoss(() => void this.accelerate(false));
      this.#terminal.loadAddon(addon);
      this.#webgl = addon;
    } catch {
      // no WebGL here: xterm.js draws with elements instead
    }
  }

  /** Reads the colours again, after a change of theme. */
  recolor(): void {
    this.#terminal.options.theme = terminalTheme(this.#host);
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** whether a program like vim or less has the whole screen */
  get fullScreen(): boolean {
    return this.#terminal.buffer.active.type === 'alternate';
  }

  get selection(): string {
    return this.#terminal.getSelection();
  }

  clearSelection(): void {
    this.#terminal.clearSelection();
  }

  dispose(): void {
    this.#echo.reset();
    this.#terminal.dispose();
    this.#host.remove();
  }

  /** xterm parses its queue in order: an empty write's callback runs right before the bytes behind it. */
  #inOrder(act: () => void): void {
    this.#terminal.write('', act);
  }

  /** Where somebody else's size is higher than the room, the cursor's line stays in it. */
  #keepInSight(): void {
    const { rows, buffer } = this.#terminal;
    if (this.#room === null || rows <= this.#room.rows) return;
    const { scrollHeight, clientHeight, scrollTop } = this.#host;
    const line = scrollHeight / rows;
    const top = buffer.active.cursorY * line;
    this.#host.scrollTop = Math.min(top, Math.max(scrollTop, top + line - clientHeight));
  }

  #open(): void {
    this.#opened = true;
    this.recolor();
    this.#terminal.open(this.#host);
    this.#host.addEventListener('paste', (event) => void this.#paste(event), { capture: true });
    void this.#measureAgain();
  }

  /** A cell that was measured before its font came has the size of another font's. */
  async #measureAgain(): Promise<void> {
    const { fontFamily = '', fontSize } = this.#terminal.options;
    const font = `${fontSize}px ${fontFamily}`;
    if (document.fonts.check(font)) return;
    await document.fonts.load(font);
    // xterm.js measures when the option changes, and only then
    this.#terminal.options.fontFamily = 'monospace';
    this.#terminal.options.fontFamily = fontFamily;
    this.fit();
  }

  async #paste(event: ClipboardEvent): Promise<void> {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (!/[\r\n]/.test(text) || this.#terminal.modes.bracketedPasteMode) return;
    event.preventDefault();
    event.stopPropagation();
    const lines = text.replace(/[\r\n]+$/, '').split(/\r\n|\r|\n/).length;
    if (await this.#events.confirmPaste(lines)) this.#terminal.paste(text);
    this.#terminal.focus();
  }
}
