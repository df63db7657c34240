import { asProblem, type ApiProblem } from '#lib/api/problem.ts';
import { Resource } from '#lib/resource.svelte.ts';

interface Page<T> {
  items: T[];
  nextCursor: string | null;
}

/** A list that is read in pages: the first as a resource, the others when they are wanted. */
export class Paged<T> {
  readonly first: Resource<Page<T>>;
  busy = $state(false);
  problem = $state.raw<ApiProblem | null>(null);
  readonly #read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>;
  #later = $state.raw<Page<T>[]>([]);
  #running: AbortController | null = null;

  constructor(read: (cursor: string | undefined, signal: AbortSignal) => Promise<Page<T>>) {
    this.#read = read;
    this.first = new Resource((signal) => read(undefined, signal));
  }

  get items(): T[] {
    return [...(this.first.value?.items ?? []), ...this.#later.flatMap(({ items }) => items)];
  }

  get nextCursor(): string | null {
    return (this.#later.at(-1) ?? this.first.value)?.nextCursor ?? null;
  }

  /** Reads from the beginning. */
  async load(): Promise<void> {
    this.#running?.abort();
    this.#later = [];
    this.problem = null;
    await this.first.load();
    // A page may be short, even empty, while there is more.
    if (this.items.length === 0 && this.nextCursor !== null) await this.more();
  }

  /** Reads on until something new is there. */
  async more(): Promise<void> {
    if (this.busy) return;
    const running = new AbortController();
    this.#running = running;
    this.busy = true;
    this.problem = null;
    try {
      for (let cursor = this.nextCursor; cursor !== null; cursor = this.nextCursor) {
        const page = await this.#read(cursor, running.signal);
        if (running.signal.aborted) return;
        this.#later = [...this.#later, page];
        if (page.items.length > 0) return;
      }
    } catch (thrown) {
      if (!running.signal.aborted) this.problem = asProblem(thrown);
    } finally {
      this.busy = false;
    }
  }

  stop(): void {
    this.#running?.abort();
    this.first.stop();
  }
}
