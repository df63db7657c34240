import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import type { Clock } from '../connection/clock.ts';

/** SPEC W1: acknowledges what was taken every 64 KiB or 250 ms, whichever comes first. */
export class Taken {
  readonly #clock: Clock;
  readonly #acknowledge: (offset: number) => void;
  #offset = 0;
  #told = 0;
  #cancel: (() => void) | null = null;

  constructor(clock: Clock, acknowledge: (offset: number) => void) {
    this.#clock = clock;
    this.#acknowledge = acknowledge;
  }

  get offset(): number {
    return this.#offset;
  }

  take(bytes: number): void {
    this.#offset += bytes;
    if (this.#offset - this.#told >= LIMITS.ackEvery) this.#tell();
    else this.#cancel ??= this.#clock.after(LIMITS.ackWithin, () => this.#tell());
  }

  end(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #tell(): void {
    this.end();
    this.#told = this.#offset;
    this.#acknowledge(this.#offset);
  }
}
