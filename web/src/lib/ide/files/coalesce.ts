/** Runs one piece of work per key at a time. Asked for again meanwhile, it runs once more, however often that was. */
export class Coalesce {
  readonly #running = new Map<string, Promise<void>>();
  readonly #next = new Map<string, Promise<void>>();

  /** @returns when the work is done that saw this request, however many came behind it */
  run(key: string, work: () => Promise<void>): Promise<void> {
    const running = this.#running.get(key);
    if (running === undefined) return this.#start(key, work);
    const waiting = this.#next.get(key);
    if (waiting !== undefined) return waiting;
    const begin = () => {
      this.#next.delete(key);
      return this.#start(key, work);
    };
    const next = running.then(begin, begin);
    this.#next.set(key, next);
    return next;
  }

  #start(key: string, work: () => Promise<void>): Promise<void> {
    const started = work().finally(() => this.#next.has(key) || this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }
}
