import type { TemplateLimits } from '@gatehouse/core/api/template-limits.ts';
import type { FromRunner } from '@gatehouse/core/protocol/runner-control.ts';
import {
  USAGE_AT_ONCE,
  USAGE_EVERY,
  WATCHED_MS,
  WORK_SHARE,
  type UsageTold,
  type WorkspaceUsage,
} from '@gatehouse/core/protocol/workspace-usage.ts';
import type { Clock } from '../connection/clock.ts';
import type { Usage } from '../sandbox/driver.ts';

const MEBI = 1024 * 1024;
/** Work is judged over about a minute: less would take a key that is pressed for work. */
const JUDGED_AFTER_MS = 55_000;

/** A workspace that runs. */
export interface Measured {
  workspaceId: string;
  limits: TemplateLimits;
  usage(): Promise<Usage>;
  trouble(): string | null;
}

interface Reading {
  at: number;
  cpuMs: number | null;
  /** where the minute began over which work is judged */
  judgedAt: number;
  foregroundMs: number | null;
  working: boolean | null;
}

export interface UsageOptions {
  clock: Pick<Clock, 'now' | 'after'>;
  /** what runs now */
  measured(): Measured[];
}

/**
 * Tells the platform what workspaces use: all in one message, once a minute, and every ten seconds while somebody looks. Nothing is kept
 * for a platform that is away: the next message says it all.
 */
export class UsageTeller {
  readonly #options: UsageOptions;
  readonly #readings = new Map<string, Reading>();
  #send: ((message: FromRunner) => void) | null = null;
  #cancel: () => void = () => undefined;
  /** when something was told last */
  #toldAt = -Infinity;
  #watchedUntil = -Infinity;

  constructor(options: UsageOptions) {
    this.#options = options;
  }

  /** @param hears kinds of message that the platform knows beside those of every release */
  online(send: (message: FromRunner) => void, hears: readonly string[]): void {
    this.offline();
    if (!hears.includes('usage')) return;
    this.#send = send;
    this.#plan(this.#toldAt);
  }

  offline(): void {
    this.#send = null;
    this.#cancel();
  }

  /** Somebody looks. */
  watch(): void {
    this.#watchedUntil = this.#options.clock.now() + WATCHED_MS;
    if (this.#send !== null) this.#plan(this.#toldAt);
  }

  /** @param from when it was told, or looked at, last */
  #plan(from: number): void {
    this.#cancel();
    const { clock } = this.#options;
    const every = clock.now() < this.#watchedUntil ? USAGE_EVERY.watched : USAGE_EVERY.else;
    this.#cancel = clock.after(Math.max(0, from + every - clock.now()), () => void this.#tell());
  }

  async #tell(): Promise<void> {
    const now = this.#options.clock.now();
    const measured = this.#options.measured();
    if (measured.length > 0) this.#toldAt = now;
    const ids = new Set(measured.map(({ workspaceId }) => workspaceId));
    for (const id of this.#readings.keys()) if (!ids.has(id)) this.#readings.delete(id);
    const told: UsageTold['workspaces'] = [];
    // One after another: a hundred at once would hold up what people type.
    for (const each of measured) {
      const usage = await this.#measure(each).catch(() => null);
      if (usage !== null) told.push({ workspaceId: each.workspaceId, ...usage });
    }
    for (let at = 0; at < told.length; at += USAGE_AT_ONCE) this.#send?.({ kind: 'usage', workspaces: told.slice(at, at + USAGE_AT_ONCE) });
    if (this.#send !== null) this.#plan(now);
  }

  async #measure({ workspaceId, limits, usage, trouble }: Measured): Promise<WorkspaceUsage> {
    const used = await usage();
    const now = this.#options.clock.now();
    const before = this.#readings.get(workspaceId);
    const { working, ...judged } = judge(before, used.foregroundMs, now);
    this.#readings.set(workspaceId, { at: now, cpuMs: used.cpuMs, working, ...judged });
    const size = (mb: number | null) => (mb === null ? null : mb * MEBI);
    return {
      cpu: { used: before === undefined ? null : shareOf(before.cpuMs, used.cpuMs, now - before.at), most: limits.cpus },
      memory: { used: used.memoryBytes, most: size(limits.memoryMb) },
      disk: { used: used.diskBytes, most: size(limits.diskMb) },
      processes: { used: used.processes, most: limits.processes },
      trouble: trouble()?.slice(0, 300) ?? null,
      working,
    };
  }
}

/** Processors that were busy between two readings; null: nobody can tell. */
function shareOf(before: number | null, now: number | null, passedMs: number): number | null {
  if (before === null || now === null || passedMs <= 0) return null;
  return Math.max(0, now - before) / passedMs;
}

/** Whether something works, by what the foreground has used over a minute; in between it is as it was. */
function judge(
  before: Reading | undefined,
  foregroundMs: number | null,
  now: number,
): Pick<Reading, 'judgedAt' | 'foregroundMs' | 'working'> {
  if (before === undefined) return { judgedAt: now, foregroundMs, working: null };
  const passed = now - before.judgedAt;
  if (passed < JUDGED_AFTER_MS) return { judgedAt: before.judgedAt, foregroundMs: before.foregroundMs, working: before.working };
  const share = shareOf(before.foregroundMs, foregroundMs, passed);
  return { judgedAt: now, foregroundMs, working: share === null ? null : share >= WORK_SHARE };
}
