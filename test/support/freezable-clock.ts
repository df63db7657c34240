import type { Clock } from '@gatehouse/core/protocol/clock.ts';

/** Real time, of a page that can be frozen as browsers do it: what falls due meanwhile runs afterwards. */
export class FreezableClock implements Clock {
  /** what fell due; null: nothing is frozen */
  #due: Set<() => void> | null = null;

  now(): number {
    return Date.now();
  }

  after(ms: number, run: () => void): () => void {
    const fall = (): void => void (this.#due === null ? run() : this.#due.add(run));
    const timer = setTimeout(fall, ms);
    return () => {
      clearTimeout(timer);
      this.#due?.delete(run);
    };
  }

  freeze(): void {
    this.#due ??= new Set();
  }

  thaw(): void {
    const due = this.#due;
    this.#due = null;
    for (const run of due ?? []) run();
  }
}
