import type { Clock } from '@gatehouse/core/protocol/clock.ts';
import type { Size } from '../../../../web/src/lib/ide/terminals/terminal-link.ts';
import { Pty } from './pty.ts';

/** a terminal is read in pieces like this one */
const PIECE = 64 * 1024;
const EVERY_MS = 16;

/** What runs in one terminal: it prints what it is told to, answers each byte of input with one of output, and remembers both. */
export class Program {
  readonly pty: Pty;
  readonly #clock: Clock;
  readonly #printed: (bytes: Uint8Array, offset: number) => void;
  #left = 0;
  #bytesPerTick = 0;
  #paused = false;
  #ticking = false;

  constructor(clock: Clock, size: Size, printed: (bytes: Uint8Array, offset: number) => void) {
    this.#clock = clock;
    this.pty = new Pty(size);
    this.#printed = printed;
  }

  /** whether it has printed all that it was told to */
  get isDone(): boolean {
    return this.#left === 0;
  }

  /** Prints so many bytes more, at this rate or at that of what it still prints. */
  print(bytes: number, bytesPerMs: number): void {
    const wanted = Math.min(PIECE, bytesPerMs * EVERY_MS);
    this.#bytesPerTick = this.#left === 0 ? wanted : Math.max(wanted, this.#bytesPerTick);
    this.#left += bytes;
    this.#tick();
  }

  type(bytes: Uint8Array): void {
    this.pty.take(bytes);
    this.print(bytes.byteLength, 1);
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    this.#tick();
  }

  #tick(): void {
    if (this.#ticking || this.#paused || this.#left === 0) return;
    this.#ticking = true;
    this.#clock.after(EVERY_MS, () => {
      this.#ticking = false;
      if (this.#paused) return;
      const bytes = Math.min(this.#left, this.#bytesPerTick);
      this.#left -= bytes;
      const offset = this.pty.end;
      this.#printed(this.pty.print(bytes), offset);
      this.#tick();
    });
  }
}
