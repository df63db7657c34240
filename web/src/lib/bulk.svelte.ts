import { SvelteSet } from 'svelte/reactivity';
import type { BulkResult } from '@gatehouse/core/api/directory.ts';
import { asProblem } from '#lib/api/problem.ts';

/** So few at a time that the progress moves. */
const AT_ONCE = 25;

type Result = BulkResult['items'][number];

/** Rows that are chosen in a list, and something that is done to all of them, with its progress. */
export class Bulk {
  readonly chosen = new SvelteSet<string>();
  /** while it runs: how many are done, of how many */
  progress = $state.raw<{ done: number; of: number } | null>(null);
  /** what could not be done the last time */
  failures = $state.raw<Result[]>([]);

  toggle(id: string, on: boolean): void {
    if (on) this.chosen.add(id);
    else this.chosen.delete(id);
  }

  /** Chooses all of these, or none. */
  toggleAll(ids: readonly string[], on: boolean): void {
    for (const id of ids) this.toggle(id, on);
  }

  /** Forgets what is not in the list any more: nobody acts on what they don't see. */
  keepOnly(ids: readonly string[]): void {
    for (const id of [...this.chosen]) if (!ids.includes(id)) this.chosen.delete(id);
  }

  /** Acts in small lots. After a request that fails altogether, those that are left are reported with its reason. @returns ids done */
  async run(ids: readonly string[], act: (ids: string[]) => Promise<BulkResult>): Promise<string[]> {
    const results: Result[] = [];
    this.failures = [];
    try {
      for (let from = 0; from < ids.length; from += AT_ONCE) {
        this.progress = { done: from, of: ids.length };
        results.push(...(await act(ids.slice(from, from + AT_ONCE))).items);
      }
    } catch (thrown) {
      const { code, message } = asProblem(thrown);
      results.push(...ids.slice(results.length).map((id) => ({ id, ok: false, code, reason: message })));
    } finally {
      this.progress = null;
    }
    this.failures = results.filter(({ ok }) => !ok);
    return results.filter(({ ok }) => ok).map(({ id }) => id);
  }
}
