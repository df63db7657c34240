import { decodeJson, encodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import type { OutFrame, Source } from '@gatehouse/core/protocol/outbox.ts';
import { ptyMessage, type PtyExit, type PtyMessage } from '@gatehouse/core/protocol/services.ts';
import { Taken } from '@gatehouse/core/protocol/taken.ts';
import type { Checkpoint } from '../terminals/checkpoints.ts';
import type { Size } from '../terminals/size.ts';
import type { Terminal, Watcher } from '../terminals/terminal.ts';
import type { StreamPort, StreamService } from './stream.ts';

/** SPEC T6: a watcher so far behind is better served by the state of the screen. */
const FAR_BEHIND = 512 * 1024;
const TOO_MUCH = 'More was put into the terminal at once than your organisation’s policy lets one paste have';
const NOTHING = new Uint8Array(0);

export interface TerminalViewer {
  /** the size that its page has room for */
  size: Size;
  clientId: string;
  /** whether its keys reach the program (SPEC P2) */
  mayDrive(): boolean;
  /** whether so much input may go in now (SPEC D3) */
  mayPut(bytes: number): boolean;
}

/** One viewer at one terminal: its output from the ring, its input, its size. */
export class TerminalStream implements StreamService, Source, Watcher {
  readonly bulk = false;
  readonly #port: StreamPort;
  readonly #terminal: Terminal;
  readonly #viewer: TerminalViewer;
  /** what is told once the output before it is sent */
  #marks: { offset: number; message: PtyMessage }[] = [];
  #typed: Taken | null = null;
  /** of a screen, sent before the output, at the offsets that end where it begins */
  #state: Uint8Array = NOTHING;
  /** offset of the first byte of output */
  #begin = 0;
  cursor = 0;
  #over = false;
  #cancelled = false;

  constructor(port: StreamPort, terminal: Terminal, viewer: TerminalViewer) {
    this.#port = port;
    this.#terminal = terminal;
    this.#viewer = viewer;
  }

  get size(): Size {
    return this.#viewer.size;
  }

  get mayDrive(): boolean {
    return this.#viewer.mayDrive();
  }

  get pending(): number {
    return this.#terminal.ring.end - this.cursor;
  }

  /** SPEC T4: goes on at `from`, or from a state of the screen; null: all that there is to see. */
  start(from: number | null): void {
    const { ring, checkpoints } = this.#terminal;
    if (from !== null && from >= ring.start && from <= ring.end && !this.#isBehind(from)) return this.#join(from, null);
    const whole = from === null ? checkpoints.oldest() : null;
    if (whole !== null && !this.#isBehind(whole.offset)) return this.#join(whole.offset, whole);
    checkpoints.latest().then(
      (latest) => this.#join(latest.offset, latest),
      () => this.#port.reset('internal', 'The screen could not be read'),
    );
  }

  next(room: number): OutFrame | null {
    const { ring } = this.#terminal;
    const [mark] = this.#marks;
    if (mark !== undefined && mark.offset <= this.cursor) {
      this.#marks.shift();
      return { type: 'message', payload: encodeJson(mark.message) };
    }
    const next = Math.max(this.cursor, this.#begin);
    if (next < ring.start || this.#isBehind(next)) {
      this.#port.reset('behind', 'Too far behind: attach again');
      return null;
    }
    if (this.pending === 0) return this.#over ? this.#last() : null;
    const most = Math.min(room, (mark?.offset ?? ring.end) - this.cursor);
    if (most <= 0) return null;
    // Sealed at once, so it need not be copied first.
    const payload = this.cursor < this.#begin ? this.#stateFrom(this.cursor, most) : ring.view(this.cursor, most);
    const frame: OutFrame = { type: 'data', offset: this.cursor, payload };
    this.cursor += payload.byteLength;
    this.#terminal.review();
    return frame;
  }

  /** SPEC W1: only then is it safe from the end of this runner, too. */
  typed(clientId: string, offset: number): void {
    if (clientId === this.#viewer.clientId) this.#typed?.upTo(offset);
  }

  changed(): void {
    this.#port.ready();
  }

  tell(message: PtyMessage, offset = this.#terminal.ring.end): void {
    this.#marks.push({ offset, message });
    this.#port.ready();
  }

  over(exit: PtyExit): void {
    this.#over = true;
    this.tell({ kind: 'exit', ...exit });
  }

  receive(frame: PlainFrame): void {
    if (frame.type === 'data') this.#input(frame);
    else if (frame.type === 'message') {
      const message = ptyMessage.safeParse(decodeJson(frame.payload));
      if (!message.success || message.data.kind !== 'resize') return this.#port.reset('invalid', 'Not a message that a terminal takes');
      this.#viewer.size = { cols: message.data.cols, rows: message.data.rows };
      this.#terminal.wish(this);
    } else if (frame.type === 'fin') {
      this.#port.send({ type: 'fin' });
      this.cancel();
      this.#port.done();
    }
  }

  cancel(): void {
    this.#cancelled = true;
    this.#typed?.end();
    this.#terminal.unwatch(this);
  }

  /** SPEC T6 */
  #isBehind(offset: number): boolean {
    return !this.mayDrive && this.#terminal.ring.end - offset > FAR_BEHIND;
  }

  #stateFrom(offset: number, most: number): Uint8Array {
    const at = offset - (this.#begin - this.#state.byteLength);
    return this.#state.subarray(at, at + most);
  }

  #join(offset: number, checkpoint: Checkpoint | null): void {
    if (this.#cancelled) return;
    const { info, checkpoints } = this.#terminal;
    const { clientId } = this.#viewer;
    // Before so little output no screen needs more bytes; offsets have no room for one.
    this.#state = checkpoint !== null && checkpoint.state.byteLength <= offset ? checkpoint.state : NOTHING;
    this.#begin = offset;
    this.cursor = offset - this.#state.byteLength;
    const input = this.#terminal.inputOffset(clientId);
    this.#typed = new Taken(this.#port.clock, (typed) => this.#port.send({ type: 'ack', offset: typed }));
    const size = checkpoint === null ? checkpoints.sizeAt(offset) : { cols: checkpoint.cols, rows: checkpoint.rows };
    const state = checkpoint === null ? null : this.#state.byteLength;
    this.#marks = checkpoints
      .resizesFrom(offset)
      .filter((resize) => resize.offset > offset || resize.cols !== size.cols || resize.rows !== size.rows)
      .map(({ offset: at, ...to }) => ({ offset: at, message: { kind: 'resize', ...to } }));
    this.#port.head({ ok: true, terminal: info, offset: this.cursor, size, input, state });
    // In this order: whoever is behind already is reset by the second, and must not be watching then.
    this.#terminal.watch(this);
    this.#port.provide(this, this.cursor);
  }

  /** SPEC T5, P2 */
  #input({ offset, payload }: PlainFrame): void {
    if (this.#typed === null) return this.#port.reset('invalid', 'Input before the answer to “open”');
    if (!this.mayDrive) return this.#port.reset('refused', 'You are watching: somebody else drives');
    const { clientId } = this.#viewer;
    // What came before, and is sent again behind a cut, was counted.
    const fresh = offset + payload.byteLength - Math.max(offset, this.#terminal.comeOffset(clientId));
    if (!this.#viewer.mayPut(Math.max(0, fresh))) return this.#port.reset('refused', TOO_MUCH);
    this.#terminal.input(this, clientId, offset, payload);
  }

  #last(): OutFrame {
    this.cancel();
    this.#port.done();
    return { type: 'fin' };
  }
}
