import { asProblem, type ApiProblem } from '#lib/api/problem.ts';

const SKELETON_AFTER = 150;

/** Something that a page reads from the API: the value, the problem, or the waiting. */
export class Resource<T> {
  value = $state.raw<T | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** waiting for the first value for so long that a skeleton is due */
  slow = $state(false);
  busy = $state(false);
  readonly #read: (signal: AbortSignal) => Promise<T>;
  #running: AbortController | null = null;

  constructor(read: (signal: AbortSignal) => Promise<T>) {
    this.#read = read;
  }

  /** Reads (again). What was read before stays visible meanwhile; a newer call replaces an older one. */
  async load(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.busy = true;
    const timer = setTimeout(() => (this.slow = this.value === null), SKELETON_AFTER);
    try {
      const value = await this.#read(running.signal);
      if (running.signal.aborted) return;
      this.value = value;
      this.problem = null;
    } catch (thrown) {
      if (!running.signal.aborted) this.problem = asProblem(thrown);
    } finally {
      clearTimeout(timer);
      if (this.#running === running) {
        this.busy = false;
        this.slow = false;
      }
    }
  }

  /** Forgets the value, for instance because another thing is wanted now. */
  clear(): void {
    this.stop();
    this.value = null;
    this.problem = null;
  }

  stop(): void {
    this.#running?.abort();
    this.#running = null;
    this.busy = false;
    this.slow = false;
  }
}

/** A resource that is read when the component appears and stopped when it goes. Call it while a component is set up. */
export function resource<T>(read: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const made = new Resource(read);
  $effect(() => {
    void made.load();
    return () => made.stop();
  });
  return made;
}
