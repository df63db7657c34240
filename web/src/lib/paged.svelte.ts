import { untrack } from 'svelte';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';
import { Resource } from '#lib/resource.svelte.ts';

const AFTER_TYPING = 200;

interface Page<T> {
  items: T[];
  nextCursor: string | null;
}
interface Asked {
  q?: string;
  cursor?: string;
}
type Read<T> = (asked: Asked, signal: AbortSignal) => Promise<Page<T>>;

/** A long list that is read page by page, from the server's search: never all of it. */
export class PagedList<T> {
  /** what is searched for, where the list itself has a field for it */
  q = $state('');
  /** the pages that were read, joined; its problem is that of the first */
  readonly found: Resource<Page<T>>;
  /** the next page is on its way */
  busy = $state(false);
  /** why the next page did not come */
  problem = $state.raw<ApiProblem | null>(null);
  readonly #read: Read<T>;
  #running: AbortController | null = null;

  constructor(read: Read<T>) {
    this.#read = read;
    this.found = new Resource((signal) => this.#from(null, signal));
  }

  get items(): T[] {
    return this.found.value?.items ?? [];
  }

  get nextCursor(): string | null {
    return this.found.value?.nextCursor ?? null;
  }

  /** Reads from the beginning. What was there stays visible meanwhile; a newer call replaces an older one. */
  async load(): Promise<void> {
    this.#running?.abort();
    this.problem = null;
    await this.found.load();
  }

  /** Adds the next page. */
  async more(): Promise<void> {
    const before = this.found.value;
    if (before === null || before.nextCursor === null || this.busy) return;
    const running = new AbortController();
    this.#running = running;
    this.busy = true;
    this.problem = null;
    try {
      const next = await this.#from(before.nextCursor, running.signal);
      // Another search may have come in between.
      if (!running.signal.aborted && this.found.value === before) this.found.value = { ...next, items: [...before.items, ...next.items] };
    } catch (thrown) {
      if (!running.signal.aborted) this.problem = asProblem(thrown);
    } finally {
      this.busy = false;
    }
  }

  /** Forgets what was read: another list is wanted now. */
  clear(): void {
    this.stop();
    this.found.clear();
    this.problem = null;
  }

  stop(): void {
    this.#running?.abort();
    this.found.stop();
  }

  /** A page may be empty while there is more: reads on until something is there, or the end. */
  async #from(cursor: string | null, signal: AbortSignal): Promise<Page<T>> {
    const q = this.q.trim();
    for (let from = cursor; ;) {
      const page = await this.#read({ ...(q === '' ? {} : { q }), ...(from === null ? {} : { cursor: from }) }, signal);
      if (page.items.length > 0 || page.nextCursor === null || signal.aborted) return page;
      from = page.nextCursor;
    }
  }
}

/**
 * A list that is read when the component appears and when what is asked for changes. Call it while a component is set up.
 * @param asks touches what else the list depends on; false: it is not read now
 */
export function pagedList<T>(read: Read<T>, asks: () => unknown = () => undefined): PagedList<T> {
  const list = new PagedList(read);
  let typed = '';
  $effect(() => {
    const wanted = asks() !== false;
    const waits = typed === list.q.trim() ? 0 : AFTER_TYPING;
    typed = list.q.trim();
    if (!wanted) return;
    const timer = setTimeout(() => void untrack(() => list.load()), waits);
    return () => clearTimeout(timer);
  });
  $effect(() => () => list.stop());
  return list;
}
