import { systemClock } from '../connection/clock.ts';
import type { Clock } from '../connection/clock.ts';
import type { Verdict } from './terminal-tape.ts';

const AGAIN_MS = 1000;

interface Step {
  /** records it, if it must be recorded */
  ask: () => Verdict;
  show: () => void;
}

/** Lets through what is recorded, and holds the rest, in order, until it is. */
export class Gate {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #changed: (reason: string | null) => void;
  #queue: Step[] = [];
  #reason: string | null = null;
  #cancel: () => void = () => undefined;

  /** @param changed why it holds now; null: it holds nothing any more */
  constructor(changed: (reason: string | null) => void, clock: Pick<Clock, 'after'> = systemClock) {
    this.#changed = changed;
    this.#clock = clock;
  }

  /** why it holds, in words for people; null: it does not */
  get reason(): string | null {
    return this.#reason;
  }

  pass(ask: Step['ask'], show: Step['show']): void {
    if (this.#queue.length > 0) return void this.#queue.push({ ask, show });
    const verdict = ask();
    if (verdict.shown) return show();
    this.#queue.push({ ask, show });
    this.#hold(verdict.reason);
  }

  /** Forgets what it holds: nobody will see it. */
  close(): void {
    this.#cancel();
    this.#queue = [];
    this.#reason = null;
  }

  #hold(reason: string): void {
    this.#cancel = this.#clock.after(AGAIN_MS, () => this.#again());
    if (reason === this.#reason) return;
    this.#reason = reason;
    this.#changed(reason);
  }

  #again(): void {
    for (let [step] = this.#queue; step !== undefined; [step] = this.#queue) {
      const verdict = step.ask();
      if (!verdict.shown) return this.#hold(verdict.reason);
      this.#queue.shift();
      step.show();
    }
    this.#reason = null;
    this.#changed(null);
  }
}
