import { inLanes } from '../../../worker/platform/lanes.ts';
import { timed } from '../measure.ts';
import type { Add } from '../turns.ts';
import type { Spent } from './spent.ts';

/** Calls that a directory has under way at once. */
const AT_ONCE = 4;
/** The pace is told of each tenth of many calls, so that one sees whether it falls as the organisation grows. */
const PARTS = 10;
const MANY = 100;

/** Calls of one kind: what each took and cost, and how many were done a second. */
export class Calls {
  readonly #samples: number[] = [];
  readonly #spent: Spent[] = [];
  readonly #paces: number[] = [];

  /** Does `call` for each item, some at once. @throws what the first that failed threw */
  async each<T>(items: readonly T[], call: (item: T, at: number) => Promise<{ spent: Spent | null }>, lanes = AT_ONCE): Promise<void> {
    const numbered = items.map((item, at) => ({ item, at }));
    const times = [performance.now()];
    const failed = await inLanes(lanes, numbered, async ({ item, at }) => {
      const [took, { spent }] = await timed(() => call(item, at));
      times.push(performance.now());
      this.#samples.push(took);
      if (spent) this.#spent.push(spent);
    });
    if (failed[0]) throw failed[0].error;
    if (items.length > 1) this.#paces.push(...pacesOf(times));
  }

  tell(add: Add, what: string): void {
    add(what, 'ms', ...this.#samples);
    add(`${what}: calls a second`, 'per second', ...this.#paces);
    add(`${what}: trips to D1`, 'trips', ...this.#spent.map(({ trips }) => trips));
    add(`${what}: rows read`, 'rows', ...this.#spent.map(({ rowsRead }) => rowsRead));
    add(`${what}: rows written`, 'rows', ...this.#spent.map(({ rowsWritten }) => rowsWritten));
  }
}

/** @param times of the start, and of the end of each call */
function pacesOf(times: readonly number[]): number[] {
  const parts = times.length > MANY ? PARTS : 1;
  const at = (part: number) => Math.round((part * (times.length - 1)) / parts);
  return Array.from({ length: parts }, (_, part) => {
    const [from, to] = [at(part), at(part + 1)];
    return (to - from) / (((times[to] ?? 0) - (times[from] ?? 0)) / 1000);
  });
}
