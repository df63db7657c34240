import { statOf, TICK_MS } from './processes.ts';

/** Places in `statOf`. */
const [GROUP, TERMINAL, FOREGROUND_GROUP, START] = [2, 4, 5, 19];
/** used by itself, by user and system, and by its children that have ended */
const TIMES = [11, 12, 13, 14];

/**
 * Processor time of what stands in the foreground of a workspace's terminals, added up look by look. It is read from outside, through
 * `/proc`, so that it needs no word of the helper's, and sees the terminals of `tmux` and `screen` too. A shell that waits at its prompt
 * stands in the foreground as well: what it uses is next to nothing, unless it works itself.
 */
export class Foreground {
  readonly #pids: () => string[];
  /** processor time of each process at the last look, by its number and start; null: there was none */
  #seen: Map<string, number> | null = null;
  #total = 0;

  constructor(pids: () => string[]) {
    this.#pids = pids;
  }

  /** @returns milliseconds since the first look; null where there is no `/proc` */
  look(): number | null {
    const before = this.#seen;
    const seen = new Map<string, number>();
    let pids: string[];
    try {
      pids = this.#pids();
    } catch {
      return null;
    }
    for (const pid of pids) {
      try {
        const facts = statOf(pid);
        const used = TIMES.reduce((sum, at) => sum + (facts[at] ?? 0), 0) * TICK_MS;
        const name = `${pid} ${facts[START]}`;
        seen.set(name, used);
        const inForeground = facts[TERMINAL] !== 0 && facts[GROUP] === facts[FOREGROUND_GROUP];
        // What was begun since the last look has used all of it since.
        if (before !== null && inForeground) this.#total += Math.max(0, used - (before.get(name) ?? 0));
      } catch {
        // it has just ended
      }
    }
    this.#seen = seen;
    return this.#total;
  }
}
