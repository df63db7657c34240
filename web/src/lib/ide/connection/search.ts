import type { Clock } from './ports.ts';

const WAIT_MS = 15;
/** longer than any moment without a network; from then on it is asked ever more seldom */
const SEARCH_MS = 3_000;

/**
 * Looks for a service that nobody answers for, so that a network that comes back is found at once. It asks for what
 * costs next to nothing: attempts to be let in are counted, and may have arrived although no answer did.
 */
export class Search {
  readonly #clock: Clock;
  readonly #isThere: () => Promise<boolean>;
  #cancel: (() => void) | null = null;
  #round = 0;

  constructor(clock: Clock, isThere: () => Promise<boolean>) {
    this.#clock = clock;
    this.#isThere = isThere;
  }

  /** @param ended is called once, with whether somebody answered in time; never after `stop` */
  start(ended: (found: boolean) => void): void {
    this.stop();
    const round = this.#round;
    const until = this.#clock.now() + SEARCH_MS;
    const look = async (): Promise<void> => {
      const found = await this.#isThere();
      if (round !== this.#round) return;
      if (found || this.#clock.now() >= until) ended(found);
      else this.#cancel = this.#clock.after(WAIT_MS, () => void look());
    };
    this.#cancel = this.#clock.after(WAIT_MS, () => void look());
  }

  stop(): void {
    this.#round += 1;
    this.#cancel?.();
    this.#cancel = null;
  }
}
