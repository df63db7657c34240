import type { PtyInfo, PtyMessage } from '@gatehouse/core/protocol/services.ts';
import { ptyMessage } from '@gatehouse/core/protocol/services.ts';
import type { Clock } from '../connection/ports.ts';
import type { StreamError } from '../connection/stream-error.ts';
import type { Stream } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';

/** What shows a terminal: xterm.js on the page, an array in tests. */
export interface Screen {
  /** @param replay what a terminal said before this page looked at it: it must answer no questions in it */
  write(bytes: Uint8Array, replay: boolean, parsed: () => void): void;
  /** Older output is gone: what is on the screen does not lead to what comes now. */
  restart(): void;
}

export interface Size {
  cols: number;
  rows: number;
}

export interface LinkEvents {
  /** the runner told what terminal this is */
  opened(terminal: PtyInfo): void;
  message(message: Exclude<PtyMessage, { kind: 'resize' }>): void;
  /** bytes of input that wait for the connection */
  pending(bytes: number): void;
  /** whether output from before this moment is still on its way */
  catchingUp(behind: boolean): void;
  /** the terminal is not there any more, or the runner refused */
  lost(error: StreamError): void;
}

/** Input kept while there is no connection. More is refused rather than kept for a moment when it surprises. */
export const PENDING_BYTES = 4096;
const RESIZE_MS = 100;
const encoder = new TextEncoder();

type PtyStream = Stream<'pty.open'> | Stream<'pty.attach'>;

/** One terminal, across connections: output goes on at the byte where it stopped (SPEC S3). */
export class TerminalLink {
  readonly #services: Services;
  readonly #clock: Clock;
  readonly #screen: Screen;
  readonly #events: LinkEvents;
  #terminalId: string | null;
  readonly #name: string;
  #size: Size;
  #stream: PtyStream | null = null;
  #live = false;
  /** offset of the next byte of output; null before the first came */
  #position: number | null = null;
  #replayUntil = 0;
  /** offset of the output's end when the terminal was joined */
  #target = 0;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #cancelResize: (() => void) | null = null;

  /** @param terminal null: a new one is opened at the first connection */
  constructor(
    services: Services,
    clock: Clock,
    screen: Screen,
    events: LinkEvents,
    terminal: { id: string | null; name: string; size: Size },
  ) {
    this.#services = services;
    this.#clock = clock;
    this.#screen = screen;
    this.#events = events;
    this.#terminalId = terminal.id;
    this.#name = terminal.name;
    this.#size = terminal.size;
  }

  get terminalId(): string | null {
    return this.#terminalId;
  }

  /** whether it is opened, or about to be, on the connection that stands */
  get busy(): boolean {
    return this.#stream !== null;
  }

  /** An opening whose answer was lost in a cut made this terminal. */
  adopt(terminalId: string): void {
    this.#terminalId ??= terminalId;
  }

  /** Opens or joins the terminal on the connection that now stands. */
  connect(): void {
    this.#live = false;
    const handlers = {
      head: (head: { terminal: PtyInfo; offset: number }) => this.#opened(head.terminal, head.offset),
      data: (bytes: Uint8Array, offset: number) => this.#data(bytes, offset),
      message: (body: unknown) => this.#message(body),
      ended: (error: StreamError) => this.#ended(error),
    };
    const size = this.#size;
    this.#stream =
      this.#terminalId === null
        ? this.#services.open({ method: 'pty.open', ...size, ...(this.#name === '' ? {} : { name: this.#name }) }, handlers)
        : this.#services.open({ method: 'pty.attach', terminalId: this.#terminalId, from: this.#position ?? 0, ...size }, handlers);
  }

  /** Leaves the terminal running and stops showing it. */
  detach(): void {
    this.#cancelResize?.();
    this.#stream?.cancel();
    this.#stream = null;
    this.#live = false;
  }

  /** @returns false when it can neither be sent nor kept */
  input(text: string): boolean {
    const bytes = encoder.encode(text);
    if (this.#live) {
      this.#stream?.write(bytes);
      return true;
    }
    if (this.#pendingBytes + bytes.byteLength > PENDING_BYTES) return false;
    this.#pending.push(bytes);
    this.#keep(this.#pendingBytes + bytes.byteLength);
    return true;
  }

  /** The last of several sizes is sent, in order with the input before it (S5). */
  resize(size: Size): void {
    if (size.cols === this.#size.cols && size.rows === this.#size.rows) return;
    this.#size = size;
    this.#cancelResize ??= this.#clock.after(RESIZE_MS, () => {
      this.#cancelResize = null;
      if (this.#live) this.#stream?.message({ kind: 'resize', ...this.#size });
    });
  }

  #opened(terminal: PtyInfo, offset: number): void {
    this.#terminalId = terminal.terminalId;
    if (this.#position === null) this.#replayUntil = terminal.offset;
    else if (offset > this.#position) this.#screen.restart();
    this.#position = offset;
    this.#target = terminal.offset;
    this.#live = true;
    this.#events.opened(terminal);
    this.#events.catchingUp(offset < terminal.offset);
    if (terminal.exit === null) for (const bytes of this.#pending) this.#stream?.write(bytes);
    this.#pending = [];
    this.#keep(0);
    if (this.#size.cols !== terminal.cols || this.#size.rows !== terminal.rows) {
      this.#stream?.message({ kind: 'resize', ...this.#size });
    }
  }

  #data(bytes: Uint8Array, offset: number): void {
    const end = offset + bytes.byteLength;
    this.#position = end;
    const old = Math.max(0, Math.min(bytes.byteLength, this.#replayUntil - offset));
    if (old > 0) this.#write(bytes.subarray(0, old), offset + old, true);
    if (old < bytes.byteLength) this.#write(bytes.subarray(old), end, false);
  }

  #write(bytes: Uint8Array, end: number, replay: boolean): void {
    const stream = this.#stream;
    this.#screen.write(bytes, replay, () => {
      stream?.took(end);
      if (end >= this.#target) this.#events.catchingUp(false);
    });
  }

  #message(body: unknown): void {
    const message = ptyMessage.parse(body);
    if (message.kind !== 'resize') this.#events.message(message);
  }

  #ended(error: StreamError): void {
    this.#stream = null;
    this.#live = false;
    if (error.code !== 'disconnected') this.#events.lost(error);
  }

  #keep(bytes: number): void {
    if (bytes === this.#pendingBytes) return;
    this.#pendingBytes = bytes;
    this.#events.pending(bytes);
  }
}
