import { toast } from '#lib/toast.svelte.ts';
import type { WorkspaceHealth } from '@gatehouse/core/api/workspace-health.ts';
import type { WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import { asProblem } from '#lib/api/problem.ts';
import * as api from '#lib/api/workspace-health.ts';
import { dateTime } from '#lib/time.ts';

/** The API answers so many at once. */
const AT_ONCE = 100;
/** Figures that were read longer ago say nothing of now. */
const FRESH_MS = 150_000;

/** What the workspaces in sight use, and when they stop: read again and again by the page that shows them. */
export class HealthBoard {
  #items = $state.raw<Record<string, WorkspaceHealth>>({});
  #readAt = $state(0);
  /** ids whose request for more time is under way */
  pending = $state<Record<string, boolean>>({});

  of(id: string): WorkspaceHealth | null {
    return this.#items[id] ?? null;
  }

  /** What it uses, if that was read lately. @param now milliseconds since the epoch */
  usage(id: string, now: number): WorkspaceUsage | null {
    return now - this.#readAt < FRESH_MS ? (this.of(id)?.usage ?? null) : null;
  }

  /** What can't be read stays as it was known: pages tell of their own trouble, and a stop comes all the same. */
  async load(ids: readonly string[]): Promise<void> {
    const parts: string[][] = [];
    for (let at = 0; at < ids.length; at += AT_ONCE) parts.push(ids.slice(at, at + AT_ONCE));
    const known = (part: readonly string[]) => ({ items: part.flatMap((id) => this.of(id) ?? []), failed: true });
    const answers = await Promise.all(
      parts.map((part) =>
        api
          .list(part)
          .then(({ items }) => ({ items, failed: false }))
          .catch(() => known(part)),
      ),
    );
    this.#items = Object.fromEntries(answers.flatMap(({ items }) => items.map((item) => [item.id, item])));
    if (answers.some(({ failed }) => !failed)) this.#readAt = Date.now();
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
