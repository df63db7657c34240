import { toast } from 'svelte-sonner';
import type { WorkspaceHealth } from '@gatehouse/core/api/workspace-health.ts';
import { asProblem } from '#lib/api/problem.ts';
import * as api from '#lib/api/workspace-health.ts';
import { dateTime } from '#lib/time.ts';

/** The API answers so many at once. */
const AT_ONCE = 100;

/** What the workspaces in sight use, and when they stop: read again and again by the page that shows them. */
export class HealthBoard {
  #items = $state.raw<Record<string, WorkspaceHealth>>({});
  /** ids whose request for more time is under way */
  pending = $state<Record<string, boolean>>({});

  of(id: string): WorkspaceHealth | null {
    return this.#items[id] ?? null;
  }

  /** What can't be read says nothing: the rows it belongs to tell of their own trouble. */
  async load(ids: readonly string[]): Promise<void> {
    const parts: string[][] = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) parts.push(ids.slice(at, at + AT_ONCE));
    const answers = await Promise.all(parts.map((part) => api.list(part).catch(() => ({ items: [] }))));
    this.#items = Object.fromEntries(answers.flatMap(({ items }) => items.map((item) => [item.id, item])));
  }

  /** Puts off the stop that is shown. */
  async keep(id: string): Promise<void> {
    const stop = this.of(id)?.stop;
    if (!stop) return;
    this.pending = { ...this.pending, [id]: true };
    try {
      const health = await api.postpone(id, stop.why);
      this.#items = { ...this.#items, [id]: health };
      toast('It keeps running', { description: health.stop === null ? '' : `Until ${dateTime(health.stop.at)} at least, as things are.` });
    } catch (thrown) {
      const problem = asProblem(thrown);
      toast.error(problem.title, { description: problem.message });
    } finally {
      this.pending = { ...this.pending, [id]: false };
    }
  }
}
