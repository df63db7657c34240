import type { Clock } from './clock.ts';
import { LIMITS } from './connection.ts';

/** SPEC W1: acknowledges what was taken every 64 KiB or once a second, whichever comes first. */
export class Taken {
  readonly #clock: Clock;
  readonly #acknowledge: (offset: number) => void;
  #offset: number;
  #told: number;
  #cancel: (() => void) | null = null;

  /** @param from offset of the first byte to come */
  constructor(clock: Clock, acknowledge: (offset: number) => void, from = 0) {
    this.#clock = clock;
    this.#acknowledge = acknowledge;
    this.#offset = this.#told = from;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Everything before `offset` is dealt with. */
  upTo(offset: number): void {
    if (offset <= this.#offset) return;
    this.#offset = offset;
    if (this.#offset - this.#told >= LIMITS.ackEvery) this.tell();
    else this.#cancel ??= this.#clock.after(LIMITS.ackWithin, () => this.tell());
  }

  /** Acknowledges now what is not acknowledged yet. */
  tell(): void {
    this.end();
    if (this.#told === this.#offset) return;
    this.#told = this.#offset;
    this.#acknowledge(this.#offset);
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }
}
