/** Calls that may wait at the same time: each keeps the object awake and a little memory. */
const MOST_WAITING = 200;
const LONGEST_WAIT_MS = 30_000;

/** `new`: there is more; `quiet`: there was nothing for so long; `full`: too many wait already. */
export type Heard = 'new' | 'quiet' | 'full';

/** Those who wait for the next event. Nothing of it is stored: whoever is cut off asks again. */
export class Listeners {
  readonly #waiting = new Set<() => void>();

  /** Something was recorded. */
  wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  async wait(milliseconds: number): Promise<Heard> {
    if (this.#waiting.size >= MOST_WAITING) return 'full';
    if (milliseconds <= 0) return 'quiet';
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        resolve('new');
      };
      const timer = setTimeout(
        () => {
          this.#waiting.delete(wake);
          resolve('quiet');
        },
        Math.min(milliseconds, LONGEST_WAIT_MS),
      );
      this.#waiting.add(wake);
    });
  }
}
