import type { Clock } from '../connection/ports.ts';

/** One timer for each key. */
export class Timers {
  readonly #clock: Clock;
  readonly #cancels = new Map<string, () => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Acts after a time; a timer that runs for the key already goes on as it is. */
  start(key: string, ms: number, act: () => void): void {
    if (this.#cancels.has(key)) return;
    const cancel = this.#clock.after(ms, () => {
      this.#cancels.delete(key);
      act();
    });
    this.#cancels.set(key, cancel);
  }

  cancel(key: string): void {
    this.#cancels.get(key)?.();
    this.#cancels.delete(key);
  }

  cancelAll(): void {
    for (const key of [...this.#cancels.keys()]) this.cancel(key);
  }
}
