import type { BlockedAct, BlockedActs } from '@gatehouse/core/api/blocked-acts.ts';
import type { Clock } from './connection/ports.ts';

/** The first is told soon; then what happens in a minute is one event for each kind. */
const FIRST_MS = 2_000;
const EVERY_MS = 60_000;

/** What the page held back, summed up for the trail. */
export class BlockedActsTeller {
  readonly #clock: Clock;
  readonly #tell: (acts: BlockedActs) => Promise<void>;
  readonly #waiting = new Map<BlockedAct, { count: number; bytes: number }>();
  #cancel: (() => void) | null = null;
  #next: number;
  /** the connection that it happened on; null before the first */
  connectionId: string | null = null;

  constructor(clock: Clock, tell: (acts: BlockedActs) => Promise<void>) {
    [this.#clock, this.#tell] = [clock, tell];
    this.#next = clock.now();
  }

  note(act: BlockedAct, bytes: number): void {
    const known = this.#waiting.get(act) ?? { count: 0, bytes: 0 };
    this.#waiting.set(act, { count: Math.min(known.count + 1, 10_000), bytes: Math.min(known.bytes + bytes, 1_000_000_000) });
    this.#cancel ??= this.#clock.after(Math.max(FIRST_MS, this.#next - this.#clock.now()), () => this.send());
  }

  /** Tells what waits. What does not arrive waits for the next time. */
  send(): void {
    this.#cancel?.();
    this.#cancel = null;
    const { connectionId } = this;
    if (connectionId === null || this.#waiting.size === 0) return;
    const acts = [...this.#waiting].map(([act, sums]) => ({ act, ...sums }));
    this.#waiting.clear();
    this.#next = this.#clock.now() + EVERY_MS;
    this.#tell({ connectionId, acts }).catch(() => {
      for (const { act, count, bytes } of acts) {
        const since = this.#waiting.get(act) ?? { count: 0, bytes: 0 };
        this.#waiting.set(act, { count: since.count + count, bytes: since.bytes + bytes });
      }
    });
  }
}
