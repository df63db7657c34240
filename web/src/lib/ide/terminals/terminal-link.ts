import { ptyMessage, type PtyExit, type PtyInfo, type PtyMessage, type PtyOpened } from '@gatehouse/core/protocol/services.ts';
import type { TaskRef } from '@gatehouse/core/protocol/tasks.ts';
import type { TerminalLook } from '@gatehouse/core/protocol/terminals.ts';
import type { Clock } from '../connection/ports.ts';
import type { StreamError } from '../connection/stream-error.ts';
import type { Stream } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';
import { InputQueue, MOST_AWAY, MOST_KEPT } from './input-queue.ts';

export interface Size {
  cols: number;
  rows: number;
}

/** What shows a terminal: xterm.js on the page, an array in tests. All of it happens in the order in which it is asked. */
export interface Screen {
  /** @param replay what a terminal said before this page looked at it: it must answer no questions in it */
  write(bytes: Uint8Array, replay: boolean, parsed: () => void): void;
  /** SPEC T3: what is written next was written for this size */
  resize(size: Size): void;
  /** SPEC T4: empties it, at this size, for a state that is written next */
  reset(size: Size): void;
}

export interface LinkEvents {
  /** the runner told what terminal this is */
  opened(terminal: PtyInfo): void;
  exited(exit: PtyExit): void;
  renamed(name: string, look: TerminalLook): void;
  /** SPEC T7: why output and input wait; null: they go on */
  held(reason: string | null): void;
  /** the terminal's size, which the page's own only wishes for */
  sized(size: Size): void;
  /** bytes of input that wait for the connection; 0 also says that more can be taken again */
  pending(bytes: number): void;
  /** whether output from before this moment is still on its way */
  catchingUp(behind: boolean): void;
  /** the terminal is not there any more, or the runner refused */
  lost(error: StreamError): void;
}

export interface LinkedTerminal {
  /** null: a new one is opened at the first connection */
  id: string | null;
  /** SPEC T2: the name of a new one until it has an id, never used before */
  key: string;
  name: string;
  size: Size;
  /** what it runs instead of a shell */
  task?: TaskRef | null;
}

const RESIZE_MS = 100;
const encoder = new TextEncoder();
const isSame = (a: Size, b: Size): boolean => a.cols === b.cols && a.rows === b.rows;

type PtyStream = Stream<'pty.open'> | Stream<'pty.attach'>;

/** One terminal, across connections: output and input go on at the byte where they stopped (SPEC T1, T4, T5). */
export class TerminalLink {
  readonly #services: Services;
  readonly #clock: Clock;
  readonly #screen: Screen;
  readonly #events: LinkEvents;
  readonly #key: string;
  readonly #name: string;
  readonly #task: TaskRef | null;
  readonly #input = new InputQueue();
  #terminalId: string | null;
  #stream: PtyStream | null = null;
  #live = false;
  #ended = false;
  #mayType = true;
  /** some input was refused because too much was kept */
  #full = false;
  /** the size that the page has room for */
  #wish: Size;
  /** the one that the runner was told last */
  #told: Size | null = null;
  #cancelWish: (() => void) | null = null;
  /** offset of the next byte of output; null before the first came */
  #position: number | null = null;
  /** offset of the output's end when the terminal was joined: what lies before is a replay */
  #joined = 0;
  /** bytes of the screen's state that are still to come */
  #stateLeft = 0;

  constructor(services: Services, clock: Clock, screen: Screen, events: LinkEvents, terminal: LinkedTerminal) {
    this.#services = services;
    this.#clock = clock;
    this.#screen = screen;
    this.#events = events;
    this.#key = terminal.key;
    this.#name = terminal.name;
    this.#task = terminal.task ?? null;
    this.#terminalId = terminal.id;
    this.#wish = terminal.size;
  }

  get terminalId(): string | null {
    return this.#terminalId;
  }

  /** SPEC P2: false while somebody else drives. What was typed and not taken is given up then. */
  set mayType(mayType: boolean) {
    if (mayType === this.#mayType) return;
    this.#mayType = mayType;
    this.#told = null;
    if (mayType) this.#tellWish();
    else this.#dropInput();
  }

  /** Opens or joins the terminal on the connection that now stands. @returns when that is answered, or can't be any more */
  connect(): Promise<void> {
    return new Promise((resolve) => this.#connect(resolve));
  }

  /** Leaves the terminal running and stops showing it. */
  detach(): void {
    this.#cancelWish?.();
    this.#stream?.cancel();
    this.#stream = null;
    this.#live = false;
  }

  /** @returns false when it can neither be sent nor kept */
  input(text: string): boolean {
    if (this.#ended || !this.#mayType) return false;
    if (!this.#input.add(encoder.encode(text), this.#live ? MOST_KEPT : MOST_AWAY)) {
      this.#full = true;
      return false;
    }
    if (this.#live) this.#stream?.wake();
    else this.#events.pending(this.#input.kept);
    return true;
  }

  /** What the page has room for. Of several sizes the last is sent; the terminal's own changes when the runner says so. */
  wish(size: Size): void {
    if (isSame(size, this.#wish)) return;
    this.#wish = size;
    this.#cancelWish ??= this.#clock.after(RESIZE_MS, () => {
      this.#cancelWish = null;
      this.#tellWish();
    });
  }

  #connect(answered: () => void): void {
    this.#live = false;
    const handlers = {
      head: (head: PtyOpened) => {
        this.#opened(head);
        answered();
      },
      data: (bytes: Uint8Array, offset: number) => this.#data(bytes, offset),
      message: (body: unknown) => this.#message(ptyMessage.parse(body)),
      acknowledged: (offset: number) => this.#acknowledged(offset),
      ended: (error: StreamError) => {
        this.#over(error);
        answered();
      },
    };
    this.#told = this.#wish;
    // A state that was cut short shows nothing: all is wanted again.
    const from = this.#stateLeft > 0 ? null : this.#position;
    const [terminalId, key] = [this.#terminalId, this.#key];
    const wanted = { ...(this.#name === '' ? {} : { name: this.#name }), ...(this.#task === null ? {} : { task: this.#task }) };
    this.#stream =
      terminalId === null
        ? this.#services.open({ method: 'pty.open', key, ...this.#wish, ...wanted }, handlers)
        : this.#services.open({ method: 'pty.attach', terminalId, from, ...this.#wish }, handlers);
  }

  #opened({ terminal, offset, size, input, state }: PtyOpened): void {
    this.#terminalId = terminal.terminalId;
    if (state !== null || (this.#position !== null && this.#position !== offset)) this.#screen.reset(size);
    else this.#screen.resize(size);
    this.#position = offset + (state ?? 0);
    this.#joined = terminal.offset;
    this.#stateLeft = state ?? 0;
    this.#live = true;
    this.#ended = terminal.exit !== null;
    this.#events.opened(terminal);
    this.#events.sized(size);
    this.#events.catchingUp(this.#stateLeft > 0 || this.#position < terminal.offset);
    if (this.#ended) this.#input.drop();
    this.#input.resume(input);
    this.#stream?.feed(this.#input, input);
    this.#tellPending();
    this.#tellWish();
  }

  #data(bytes: Uint8Array, offset: number): void {
    const state = bytes.subarray(0, this.#stateLeft);
    this.#stateLeft -= state.byteLength;
    if (state.byteLength > 0) this.#write(state, offset + state.byteLength, true);
    if (state.byteLength < bytes.byteLength) this.#output(bytes.subarray(state.byteLength), offset + state.byteLength);
  }

  #output(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.byteLength;
    this.#position = end;
    const old = Math.max(0, Math.min(bytes.byteLength, this.#joined - offset));
    if (old > 0) this.#write(bytes.subarray(0, old), offset + old, true);
    if (old < bytes.byteLength) this.#write(bytes.subarray(old), end, false);
  }

  #write(bytes: Uint8Array, end: number, replay: boolean): void {
    const stream = this.#stream;
    const isLevel = this.#stateLeft === 0 && end >= this.#joined;
    this.#screen.write(bytes, replay, () => {
      stream?.took(end);
      if (isLevel && stream === this.#stream) this.#events.catchingUp(false);
    });
  }

  #message(message: PtyMessage): void {
    switch (message.kind) {
      case 'resize':
        this.#screen.resize(message);
        return this.#events.sized(message);
      case 'exit': {
        const { kind: _kind, ...exit } = message;
        this.#ended = true;
        this.#dropInput();
        return this.#events.exited(exit);
      }
      case 'renamed':
        return this.#events.renamed(message.name, message.look);
      case 'held':
        return this.#events.held(message.reason);
    }
  }

  #acknowledged(offset: number): void {
    this.#input.acknowledged(offset);
    if (this.#full) this.#tellPending();
  }

  #over(error: StreamError): void {
    const wasLive = this.#live;
    this.#stream = null;
    this.#live = false;
    // SPEC P2: it was typed when somebody else already drove; to watch remains
    if (error.code === 'refused') this.#dropInput();
    // SPEC T6: it goes on with the state of the screen
    if (wasLive && (error.code === 'behind' || error.code === 'refused')) return void this.connect();
    if (error.code !== 'disconnected') return this.#events.lost(error);
    this.#tellPending();
  }

  #dropInput(): void {
    this.#input.drop();
    this.#tellPending();
  }

  #tellPending(): void {
    this.#full = false;
    this.#events.pending(this.#live ? 0 : this.#input.kept);
  }

  #tellWish(): void {
    if (!this.#live || !this.#mayType || (this.#told !== null && isSame(this.#wish, this.#told))) return;
    this.#told = this.#wish;
    this.#stream?.message({ kind: 'resize', ...this.#wish });
  }
}
