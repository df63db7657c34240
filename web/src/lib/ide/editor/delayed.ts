import type { Clock } from '../connection/ports.ts';

/** Work that waits until its subject has been left alone for a while. */
export class Delayed<K> {
  readonly #clock: Clock;
  readonly #ms: number;
  readonly #planned = new Map<K, () => void>();

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** Starts the wait, anew if it had begun. */
  plan(key: K, work: () => void): void {
    this.cancel(key);
    const cancel = this.#clock.after(this.#ms, () => {
      this.#planned.delete(key);
      work();
    });
    this.#planned.set(key, cancel);
  }

  cancel(key: K): void {
    this.#planned.get(key)?.();
    this.#planned.delete(key);
  }

  cancelAll(): void {
    for (const key of [...this.#planned.keys()]) this.cancel(key);
  }
}
