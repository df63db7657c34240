/** Lets so many be under way at once; some more wait in line, and the others are turned away. */
export class WaitingLine {
  readonly #most: number;
  readonly #mostWaiting: number;
  readonly #waiting: Array<(enters: boolean) => void> = [];
  #inside = 0;

  constructor(most: number, mostWaiting: number) {
    this.#most = most;
    this.#mostWaiting = mostWaiting;
  }

  /** @returns false when too many wait already; else whoever entered must leave */
  async enter(): Promise<boolean> {
    if (this.#inside < this.#most) {
      this.#inside += 1;
      return true;
    }
    if (this.#waiting.length >= this.#mostWaiting) return false;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#inside -= 1;
    else next(true);
  }
}
