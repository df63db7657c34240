/** What was heard so far, and a way to wait for what is still to come, without any clock. */
export class Heard<T> {
  readonly all: T[] = [];
  readonly #waiting = new Set<() => void>();

  push(value: T): void {
    this.all.push(value);
    for (const look of [...this.#waiting]) look();
  }

  /** The first value that fits, from `from` on. */
  wait<S extends T>(fits: (value: T) => value is S, from?: number): Promise<S>;
  wait(fits: (value: T) => boolean, from?: number): Promise<T>;
  wait(fits: (value: T) => boolean, from = 0): Promise<T> {
    return new Promise((resolve) => {
      const look = () => {
        const found = this.all.slice(from).find(fits);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }
}
