import { asProblem, type ApiProblem } from '#lib/api/problem.ts';

const SKELETON_AFTER = 150;

interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** A long list that is read page by page, from the server's search: never all of it. */
export class PagedList<T> {
  items = $state.raw<T[] | null>(null);
  nextCursor = $state.raw<string | null>(null);
  problem = $state.raw<ApiProblem | null>(null);
  /** waiting for the first page for so long that a skeleton is due */
  slow = $state(false);
  busy = $state(false);
  #read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;
  #running: AbortController | null = null;

  constructor(read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>) {
    this.#read = read;
  }

  /** Reads from the beginning. What was there stays visible meanwhile; a newer call replaces an older one. */
  load(): Promise<void> {
    return this.#fetch(undefined, (page) => page.items);
  }

  /** Adds the next page. */
  async more(): Promise<void> {
    if (this.nextCursor === null || this.busy) return;
    await this.#fetch(this.nextCursor, (page) => [...(this.items ?? []), ...page.items]);
  }

  async #fetch(cursor: string | undefined, join: (page: Page<T>) => T[]): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.busy = true;
    const timer = setTimeout(() => (this.slow = this.items === null), SKELETON_AFTER);
    try {
      const page = await this.#read(cursor, running.signal);
      if (running.signal.aborted) return;
      this.items = join(page);
      this.nextCursor = page.nextCursor;
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

  stop(): void {
    this.#running?.abort();
    this.#running = null;
    this.busy = false;
    this.slow = false;
  }
}
