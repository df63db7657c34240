/** What was made once for a key. No state of the page: nothing is drawn from it. */
export class Memo<T> {
  readonly #made = new Map<string, T>();

  of(key: string, make: () => T): T {
    const made = this.#made.get(key) ?? make();
    this.#made.set(key, made);
    return made;
  }

  forget(key: string): void {
    this.#made.delete(key);
  }

  forgetAll(start = ''): void {
    for (const key of [...this.#made.keys()]) if (key.startsWith(start)) this.#made.delete(key);
  }
}
