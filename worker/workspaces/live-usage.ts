import { WATCHED_MS, type UsageTold, type WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';

/** What was told longer ago says nothing of now: two messages have failed to come. */
const FRESH_MS = 150_000;
/** Who goes on looking is told to the runner so often. */
const WATCH_AGAIN_MS = WATCHED_MS / 2;
/** Values of an object's storage have at most 2 MB, and of that many workspaces a runner has seldom. */
const MOST_KEPT = 2000;

interface Sample {
  /** milliseconds since the epoch */
  at: number;
  usage: WorkspaceUsage;
}

/**
 * The newest that one runner told of what its workspaces use, kept in its object's storage: one write for each message, since an object
 * that sleeps forgets its fields between two of them. Nothing of it goes to D1.
 */
export class LiveUsage {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
  }

  /** @param record where work began or ended, as far as this object knows: again where it knew nothing */
  async take(
    told: UsageTold['workspaces'],
    now: number,
    record: (changed: { workspaceId: string; working: boolean }[]) => Promise<void>,
  ): Promise<void> {
    const before = await this.#samples();
    // Before it is kept: what could not be recorded is told again.
    await record(
      told.flatMap(({ workspaceId, working }) =>
        working === null || before[workspaceId]?.usage.working === working ? [] : [{ workspaceId, working }],
      ),
    );
    const kept = Object.entries(before).filter(([, { at }]) => now - at < FRESH_MS);
    const fresh = told.map(({ workspaceId, ...usage }): [string, Sample] => [workspaceId, { at: now, usage }]);
    // What came last stands last, and replaces what came before.
    await this.#storage.put('usage', Object.fromEntries([...kept, ...fresh].slice(-MOST_KEPT)));
  }

  async read(workspaceIds: readonly string[], now: number): Promise<Record<string, WorkspaceUsage>> {
    const samples = await this.#samples();
    const found = workspaceIds.flatMap((id) => {
      const sample = samples[id];
      return sample !== undefined && now - sample.at < FRESH_MS ? [[id, sample.usage] as const] : [];
    });
    return Object.fromEntries(found);
  }

  /** Somebody looks. @returns whether the runner is to be told */
  async watch(now: number): Promise<boolean> {
    const told = (await this.#storage.get<number>('watched')) ?? 0;
    if (now - told < WATCH_AGAIN_MS) return false;
    await this.#storage.put('watched', now);
    return true;
  }

  async #samples(): Promise<Record<string, Sample>> {
    return (await this.#storage.get<Record<string, Sample>>('usage')) ?? {};
  }
}
