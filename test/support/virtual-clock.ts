import type { Clock } from '../../core/protocol/clock.ts';

interface Entry {
  at: number;
  run: () => void;
}

/** Time that passes only when a test says so. What falls due at one time runs in the order in which it was asked for. */
export class VirtualClock implements Clock {
  #now = Date.UTC(2026, 0, 1);
  /** the next one last */
  readonly #due: Entry[] = [];

  now(): number {
    return this.#now;
  }

  after(ms: number, run: () => void): () => void {
    const entry = { at: this.#now + ms, run };
    this.#due.splice(this.#placeOf(entry.at), 0, entry);
    return () => {
      const at = this.#due.indexOf(entry);
      if (at >= 0) this.#due.splice(at, 1);
    };
  }

  /** when each of those that wait is due, in milliseconds from now, the next one first */
  get waiting(): number[] {
    return this.#due.map(({ at }) => at - this.#now).reverse();
  }

  /** Lets time pass to the next one that is due, at most until `end`, and runs it. @returns false when there is none */
  step(end = Infinity): boolean {
    const next = this.#due.at(-1);
    if (next === undefined || next.at > end) return false;
    this.#due.pop();
    this.#now = next.at;
    next.run();
    return true;
  }

  pass(ms: number): void {
    const end = this.#now + ms;
    while (this.step(end));
    this.#now = end;
  }

  /** Before all that are due earlier or were asked for before at the same time: those come from the end. */
  #placeOf(at: number): number {
    let [low, high] = [0, this.#due.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#due[middle]?.at ?? 0) > at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
