import { untrack } from 'svelte';
import { asProblem, type ApiProblem } from '#lib/api/problem.ts';
import { Resource } from '#lib/resource.svelte.ts';

const AFTER_TYPING = 200;

interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}

/** A list that the server searches, read page by page. */
export class SearchedList<Item> {
  q = $state('');
  /** the pages that were read, joined */
  readonly found: Resource<Page<Item>>;
  busy = $state(false);
  /** why the next page did not come */
  problem = $state.raw<ApiProblem | null>(null);
  readonly #read: (asked: { q?: string; cursor?: string }, signal?: AbortSignal) => Promise<Page<Item>>;

  constructor(read: (asked: { q?: string; cursor?: string }, signal?: AbortSignal) => Promise<Page<Item>>) {
    this.#read = read;
    this.found = new Resource((signal) => read(this.#asked, signal));
  }

  get #asked(): { q?: string } {
    const q = this.q.trim();
    return q === '' ? {} : { q };
  }

  /** Reads the next page to those that are there. */
  async more(): Promise<void> {
    const before = this.found.value;
    if (before === null || before.nextCursor === null || this.busy) return;
    this.busy = true;
    this.problem = null;
    try {
      const next = await this.#read({ ...this.#asked, cursor: before.nextCursor });
      // Another search may have come in between.
      if (this.found.value === before) this.found.value = { ...next, items: [...before.items, ...next.items] };
    } catch (thrown) {
      this.problem = asProblem(thrown);
    } finally {
      this.busy = false;
    }
  }
}

/**
 * A searched list that is read when the component appears and when what is searched for changes. Call it while a component is set up.
 * @param others what else the list depends on
 */
export function searchedList<Item>(
  read: (asked: { q?: string; cursor?: string }, signal?: AbortSignal) => Promise<Page<Item>>,
  others: () => unknown = () => undefined,
): SearchedList<Item> {
  const list = new SearchedList(read);
  let typed = '';
  $effect(() => {
    others();
    const waits = typed === list.q.trim() ? 0 : AFTER_TYPING;
    typed = list.q.trim();
    const timer = setTimeout(() => void untrack(() => list.found.load()), waits);
    return () => clearTimeout(timer);
  });
  $effect(() => () => list.found.stop());
  return list;
}
