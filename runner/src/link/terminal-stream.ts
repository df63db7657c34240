import { decodeJson, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { ptyMessage, type PtyExit, type PtyMessage } from '@gatehouse/core/protocol/services.ts';
import type { Size, Terminal, Watcher } from '../terminals/terminal.ts';
import type { OutFrame, Source } from './outbox.ts';
import type { StreamPort, StreamService } from './stream.ts';
import { Taken } from './taken.ts';

/** all viewers type as one client: each stream's input is counted by its own offsets only */
const CLIENT = 'viewers';

/** One viewer at one terminal: its output from the ring, its input, its size. */
export class TerminalStream implements StreamService, Source, Watcher {
  readonly bulk = false;
  readonly #port: StreamPort;
  readonly #terminal: Terminal;
  readonly #taken: Taken;
  /** what is told once the output before it is sent */
  readonly #marks: { offset: number; message: PtyMessage }[] = [];
  cursor: number;
  size: Size;
  #over = false;

  constructor(port: StreamPort, terminal: Terminal, size: Size, from: number) {
    this.#port = port;
    this.#terminal = terminal;
    this.size = size;
    this.cursor = Math.min(Math.max(from, terminal.ring.start), terminal.ring.end);
    this.#taken = new Taken(port.clock, (offset) => port.send({ type: 'ack', offset }));
    const info = { ...terminal.info, ...size };
    port.head({ ok: true, terminal: info, offset: this.cursor });
    port.provide(this, this.cursor);
    terminal.watch(this);
  }

  get pending(): number {
    return this.#terminal.ring.end - this.cursor;
  }

  next(room: number): OutFrame | null {
    const { ring } = this.#terminal;
    const [mark] = this.#marks;
    if (mark !== undefined && mark.offset <= this.cursor) {
      this.#marks.shift();
      return { type: 'message', payload: encodeJson(mark.message) };
    }
    if (this.cursor < ring.start) {
      this.#port.reset('limit', 'Too far behind: attach again');
      return null;
    }
    if (this.pending === 0) return this.#over ? this.#last() : null;
    const most = Math.min(room, (mark?.offset ?? ring.end) - this.cursor);
    if (most === 0) return null;
    const frame: OutFrame = { type: 'data', offset: this.cursor, payload: ring.read(this.cursor, most) };
    this.cursor += most;
    this.#terminal.review();
    return frame;
  }

  changed(): void {
    this.#port.ready();
  }

  tell(message: PtyMessage): void {
    this.#marks.push({ offset: this.#terminal.ring.end, message });
    this.#port.ready();
  }

  over(exit: PtyExit): void {
    this.#over = true;
    this.tell({ kind: 'exit', ...exit });
  }

  receive(frame: Frame): void {
    if (frame.type === 'data') {
      if (frame.offset !== this.#taken.offset) return this.#port.reset('invalid', 'Input with a gap or an overlap');
      this.#terminal.input(this, CLIENT, this.#terminal.inputOffset(CLIENT), frame.payload);
      this.#taken.take(frame.payload.byteLength);
    } else if (frame.type === 'message') {
      const message = ptyMessage.safeParse(decodeJson(frame.payload));
      if (!message.success || message.data.kind !== 'resize') return this.#port.reset('invalid', 'Not a message that a terminal takes');
      this.#terminal.resize(this, { cols: message.data.cols, rows: message.data.rows });
    } else if (frame.type === 'fin') {
      this.#port.send({ type: 'fin' });
      this.cancel();
      this.#port.done();
    }
  }

  cancel(): void {
    this.#taken.end();
    this.#terminal.unwatch(this);
  }

  #last(): OutFrame {
    this.cancel();
    this.#port.done();
    return { type: 'fin' };
  }
}
