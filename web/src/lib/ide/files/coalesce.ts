/** Runs one piece of work per key at a time. Asked for again meanwhile, it runs once more, however often that was. */
export class Coalesce {
  readonly #running = new Map<string, Promise<void>>();
  readonly #again = new Set<string>();

  /** @returns when the work is done that saw this request */
  run(key: string, work: () => Promise<void>): Promise<void> {
    const running = this.#running.get(key);
    if (running !== undefined) {
      this.#again.add(key);
      return running;
    }
    const started = this.#repeat(key, work).finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  async #repeat(key: string, work: () => Promise<void>): Promise<void> {
    do {
      this.#again.delete(key);
      await work();
    } while (this.#again.has(key));
  }
}
