import '@xterm/xterm/css/xterm.css';
import { FitAddon } from '@xterm/addon-fit';
import type { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import type { WebglAddon } from '@xterm/addon-webgl';
import { Terminal } from '@xterm/xterm';
import { whenIdle } from '#lib/idle.ts';
import { browserClock } from '../connection/ports.ts';
import type { Surroundings } from './prediction/ports.ts';
import { predictiveEcho } from './prediction/predictive-echo.ts';
import type { Predictor } from './prediction/predictor.ts';
import type { IdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import { resizeScreen } from '@gatehouse/core/protocol/resize-screen.ts';
import { textBetween, writtenLine } from './buffer-text.ts';
import { showMark } from './command-dot.ts';
import { takeCopies } from './copy-request.ts';
import { FileLinks, type FilePlace, type LinkPorts } from './file-links.ts';
import { guardErase } from './erase-guard.ts';
import { guardReplay } from './replay-guard.ts';
import { ShellMarks, type ShellCommand } from './shell-marks.ts';
import type { Screen, Size } from './terminal-link.ts';
import { terminalTheme } from './terminal-theme.ts';
import { Widths } from './widths.ts';

/** of a terminal’s font, in steps from what the settings say */
const MOST_ZOOM = 16;
const LEAST_FONT = 6;
/** lines that are looked through for files, and files that are listed */
const LOOKED_THROUGH = 500;
const MOST_LISTED = 200;

export interface ScreenEvents extends Pick<LinkPorts, 'locate' | 'open'> {
  input(text: string): void;
  /** there is room for this size now */
  fits(size: Size): void;
  /** @returns whether the key was taken, and so must not reach the program */
  key(event: KeyboardEvent): boolean;
  /** pasting these lines would run them at once; the answer decides */
  confirmPaste(lines: number): Promise<boolean>;
  /** what the program calls itself */
  titled(title: string): void;
  rang(): void;
  /** output was parsed */
  wrote(): void;
  started(command: ShellCommand): void;
  finished(command: ShellCommand): void;
  /** a program wants this on the clipboard */
  offered(text: string): void;
  /** somebody has selected this with the pointer */
  selected(text: string): void;
  /** a link of the program’s own; `text`: what it shows instead of the address */
  address(address: string, text: string): void;
  /** whose output goes on above what is in sight; null: none */
  above(command: ShellCommand | null): void;
}

/** xterm.js, dressed for this page. Works before it is shown: output is parsed, and drawn once there is room. */
export class XtermScreen implements Screen {
  readonly #terminal: Terminal;
  readonly #events: ScreenEvents;
  readonly #fit = new FitAddon();
  /** loads with the first search */
  #search: Promise<SearchAddon> | null = null;
  readonly marks: ShellMarks;
  readonly links: FileLinks;
  readonly #echo: Predictor;
  #fontSize = 13;
  #zoom = 0;
  #above: ShellCommand | null = null;
  #webgl: WebglAddon | null = null;
  #inSight = false;
  readonly #firstOutput = Promise.withResolvers<undefined>();
  readonly #widths: Widths;
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
      fontSize: this.#fontSize,
      linkHandler: { activate: (event, address, range) => this.#followOwn(event, address, range.start.y - 1) },
      lineHeight: 1.25,
      macOptionIsMeta: true,
      minimumContrastRatio: 4.5,
      scrollback: 10_000,
    });
    this.#terminal.loadAddon(this.#fit);
    this.#widths = new Widths(this.#terminal);
    this.#terminal.loadAddon(new WebLinksAddon((_event, address) => window.open(address, '_blank', 'noopener,noreferrer')));
    const replaying = () => this.#replaying;
    this.marks = new ShellMarks(this.#terminal, {
      ...{ now: () => browserClock.now(), replaying, started: events.started },
      finished: (command) => {
        showMark(this.#terminal, command);
        events.finished(command);
      },
    });
    this.links = new FileLinks(this.#terminal, {
      folderAt: (line) => this.marks.at(line)?.cwd ?? this.marks.cwd ?? '',
      locate: events.locate,
      open: events.open,
      hint: (text) => (this.#host.title = text ?? ''),
    });
    this.#terminal.registerLinkProvider(this.links);
    takeCopies(this.#terminal, replaying, events.offered);
    this.#terminal.onTitleChange(events.titled);
    this.#terminal.onBell(() => replaying() || events.rang());
    this.#host.addEventListener('mouseup', () => this.selection !== '' && events.selected(this.selection));
    guardReplay(this.#terminal, replaying);
    guardErase(this.#terminal);
    this.#echo = predictiveEcho(this.#terminal, browserClock, surroundings);
    this.#terminal.onData((text) => {
      events.input(text);
      this.#echo.typed(text);
    });
    this.#terminal.onRender(() => {
      this.#keepInSight();
      this.#lookAbove();
    });
    this.#host.className = 'terminal-host';
    this.#terminal.attachCustomKeyEventHandler((event) => !events.key(event));
  }

  write(bytes: Uint8Array, replay: boolean, parsed: () => void): void {
    this.#inOrder(() => (this.#replaying = replay));
    this.#widths.need(bytes);
    this.#widths.inOrder(() =>
      this.#terminal.write(bytes, () => {
        if (replay) this.#echo.reset();
        else this.#echo.output(bytes.byteLength);
        this.#firstOutput.resolve(undefined);
        parsed();
        this.#events.wrote();
      }),
    );
  }

  /** Once something has been printed. */
  get printed(): Promise<undefined> {
    return this.#firstOutput.promise;
  }

  /** @returns whether it is there, in what is in sight or above it */
  async find(text: string, forward: boolean): Promise<boolean> {
    const search = await (this.#search ??= this.#loadSearch());
    return forward ? search.findNext(text) : search.findPrevious(text);
  }

  async endFind(): Promise<void> {
    (await this.#search)?.clearDecorations();
    this.focus();
  }

  async #loadSearch(): Promise<SearchAddon> {
    const { SearchAddon } = await import('@xterm/addon-search');
    const search = new SearchAddon();
    this.#terminal.loadAddon(search);
    return search;
  }

  resize(size: Size): void {
    this.#inOrder(() => resizeScreen(this.#terminal, size));
  }

  reset(size: Size): void {
    this.#inOrder(() => {
      this.#terminal.reset();
      this.marks.reset();
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
    await new Promise<void>((idle) => whenIdle(() => idle()));
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

  /** Follows what somebody chose. */
  apply({ terminalFontSize, terminalCursor, screenReader }: IdeSettings): void {
    this.#fontSize = terminalFontSize;
    this.#terminal.options.cursorStyle = terminalCursor;
    this.#terminal.options.screenReaderMode = screenReader;
    this.zoom(0);
  }

  /** Makes the font larger or smaller; null: as the settings say. */
  zoom(steps: number | null): void {
    this.#zoom = steps === null ? 0 : Math.max(LEAST_FONT - this.#fontSize, Math.min(MOST_ZOOM, this.#zoom + steps));
    const size = this.#fontSize + this.#zoom;
    if (this.#terminal.options.fontSize === size) return;
    this.#terminal.options.fontSize = size;
    this.fit();
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

  selectAll(): void {
    this.#terminal.selectAll();
  }

  /** Types text as a paste; several lines ask first, where they would run at once. */
  async paste(text: string): Promise<void> {
    const lines = text.replace(/[\r\n]+$/, '').split(/\r\n|\r|\n/).length;
    const runs = /[\r\n]/.test(text) && !this.#terminal.modes.bracketedPasteMode;
    if (!runs || (await this.#events.confirmPaste(lines))) this.#terminal.paste(text);
    this.#terminal.focus();
  }

  /** Empties the scrollback, and the screen but for the line of the cursor. */
  clear(): void {
    this.#terminal.clear();
  }

  scroll(to: 'top' | 'bottom'): void {
    if (to === 'top') this.#terminal.scrollToTop();
    else this.#terminal.scrollToBottom();
  }

  /** Brings a command's prompt to the top. */
  show(command: ShellCommand): void {
    this.#terminal.scrollToLine(command.prompt.line);
  }

  /** Goes to the next command above or below. @returns whether the shell marks its commands */
  jump(by: 1 | -1): boolean {
    const { commands } = this.marks;
    if (commands.length === 0 || this.fullScreen) return false;
    const top = this.#terminal.buffer.active.viewportY;
    const next = by < 0 ? commands.findLast(({ prompt }) => prompt.line < top) : commands.find(({ prompt }) => prompt.line > top);
    if (next !== undefined) this.show(next);
    else if (by > 0) this.scroll('bottom');
    return true;
  }

  /** Files in what is in sight and above it, the last ones first. */
  filesAbove(): Promise<FilePlace[]> {
    const { viewportY } = this.#terminal.buffer.active;
    const last = viewportY + this.#terminal.rows - 1;
    return this.links.placesIn(Math.max(0, last - LOOKED_THROUGH), last, MOST_LISTED);
  }

  /** All text, as programs wrote it. */
  get lines(): string[] {
    const { active } = this.#terminal.buffer;
    return textBetween(active, 0, active.length).split('\n');
  }

  /** whether a program reads the pointer */
  get takesPointer(): boolean {
    return this.#terminal.modes.mouseTrackingMode !== 'none';
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
    this.#widths.inOrder(() => this.#terminal.write('', act));
  }

  /** A link whose program wrote it says what it likes: its text need not be where it leads. */
  #followOwn(event: MouseEvent, address: string, row: number): void {
    if (event.button === 0) this.#events.address(address, writtenLine(this.#terminal.buffer.active, row).text.trim());
  }

  #lookAbove(): void {
    const top = this.#terminal.buffer.active.viewportY;
    const at = this.fullScreen ? null : this.marks.at(top);
    const goesOn = at !== null && at.output !== null && at.prompt.line < top && (at.end === null || at.end.line > top);
    const above = goesOn ? at : null;
    if (above === this.#above) return;
    this.#above = above;
    this.#events.above(above);
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
    await this.paste(text);
  }
}
