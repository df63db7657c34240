import { inLanes } from '../../../worker/platform/lanes.ts';
import { timed } from '../measure.ts';
import type { Add } from '../turns.ts';
import type { Spent } from './spent.ts';

/** Calls that a directory has under way at once. */
export const AT_ONCE = 4;

/** Calls of one kind: what each took and cost, and how many were done a second. */
export class Calls {
  readonly #samples: number[] = [];
  readonly #spent: Spent[] = [];
  #seconds = 0;

  /** Does `call` for each item, some at once. @throws what the first that failed threw */
  async each<T>(items: readonly T[], call: (item: T, at: number) => Promise<{ spent: Spent | null }>, lanes = AT_ONCE): Promise<void> {
    const numbered = items.map((item, at) => ({ item, at }));
    const [whole, failed] = await timed(() =>
      inLanes(lanes, numbered, async ({ item, at }) => {
        const [took, { spent }] = await timed(() => call(item, at));
        this.#samples.push(took);
        if (spent) this.#spent.push(spent);
      }),
    );
    if (failed[0]) throw failed[0].error;
    this.#seconds += whole / 1000;
  }

  tell(add: Add, what: string): void {
    add(what, 'ms', ...this.#samples);
    if (this.#samples.length > 1) add(`${what}: calls a second`, 'per second', this.#samples.length / this.#seconds);
    this.tellSpent(add, what);
  }

  tellSpent(add: Add, what: string): void {
    add(`${what}: trips to D1`, 'trips', ...this.#spent.map(({ trips }) => trips));
    add(`${what}: rows read`, 'rows', ...this.#spent.map(({ rowsRead }) => rowsRead));
    add(`${what}: rows written`, 'rows', ...this.#spent.map(({ rowsWritten }) => rowsWritten));
  }
}
