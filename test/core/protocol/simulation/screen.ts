import type { Screen, Size } from '../../../../web/src/lib/ide/terminals/terminal-link.ts';
import type { Pty } from './pty.ts';

type Step = { bytes: Uint8Array; parsed: () => void } | { size: Size; empty: boolean } | { offset: number; state: number | null };

/** A screen that holds each byte against those of the terminal: none may be missing, repeated, or written at another size (SPEC S3, T3, T4). */
export class StrictScreen implements Screen {
  readonly #pty: () => Pty;
  readonly #fault: (what: string) => void;
  readonly #later: Step[] = [];
  /** offset of the next byte; null before it was joined */
  #position: number | null = null;
  /** bytes that are still to come of the state it was brought to */
  #stateLeft = 0;
  /** whether it was emptied for that state */
  #emptied = true;
  #size: Size = { cols: 0, rows: 0 };
  /** what it is given waits */
  stalled = false;
  restarts = 0;

  /** @param pty of the terminal, which is not known before it is opened */
  constructor(pty: () => Pty, fault: (what: string) => void) {
    this.#pty = pty;
    this.#fault = fault;
  }

  /** whether it shows all that the terminal ever wrote */
  get isLevel(): boolean {
    const { cols, rows } = this.#pty().size;
    return (this.#position ?? 0) === this.#pty().end && this.#size.cols === cols && this.#size.rows === rows;
  }

  get position(): number | null {
    return this.#position;
  }

  /** The runner has said where it goes on. @param state of the bytes from there on, so many are state */
  join(offset: number, state: number | null): void {
    this.#do({ offset, state });
  }

  write(bytes: Uint8Array, _replay: boolean, parsed: () => void): void {
    this.#do({ bytes: Uint8Array.from(bytes), parsed });
  }

  resize(size: Size): void {
    this.#do({ size, empty: false });
  }

  reset(size: Size): void {
    this.restarts += 1;
    this.#do({ size, empty: true });
  }

  goOn(): void {
    this.stalled = false;
    for (const step of this.#later.splice(0)) this.#take(step);
  }

  #do(step: Step): void {
    if (this.stalled) this.#later.push(step);
    else this.#take(step);
  }

  #take(step: Step): void {
    if ('parsed' in step) {
      this.#show(step.bytes);
      step.parsed();
    } else if ('size' in step) {
      this.#size = { cols: step.size.cols, rows: step.size.rows };
      if (step.empty) this.#emptied = true;
    } else {
      this.#joined(step.offset, step.state);
    }
  }

  /** SPEC T4: a screen that shows something goes on at the next byte, or begins anew with a state. */
  #joined(offset: number, state: number | null): void {
    if (state === null && this.#position !== null && this.#position !== offset) this.#fault(`goes on at ${offset} after ${this.#position}`);
    this.#position = offset + (state ?? 0);
    this.#stateLeft = state ?? 0;
    this.#emptied = state === null;
  }

  #show(bytes: Uint8Array): void {
    if (!this.#emptied) this.#fault('a state was written over what the screen showed');
    if (this.#stateLeft > 0) this.#stateLeft -= bytes.byteLength;
    else this.#showOutput(bytes);
  }

  #showOutput(bytes: Uint8Array): void {
    const pty = this.#pty();
    const from = this.#position ?? 0;
    const to = from + bytes.byteLength;
    if (Buffer.compare(bytes, pty.read(from, to)) !== 0) this.#fault(`not what the terminal wrote at ${from}`);
    const { cols, rows } = pty.sizeAt(from);
    if (pty.resizedWithin(from, to) || cols !== this.#size.cols || rows !== this.#size.rows) {
      this.#fault(`written at ${this.#size.cols}x${this.#size.rows}, not at ${cols}x${rows}, at ${from}`);
    }
    this.#position = to;
  }
}
