import { ComposedObject } from '../platform/durable.ts';
import type { ThrottleRule } from '../platform/throttle.ts';
import { nextAttempt, type Attempts } from './throttle.ts';

/** One object per thing that is throttled. Its count is stored, so it outlives isolates, evictions and deploys. */
export abstract class ThrottleShell extends ComposedObject {
  /** @returns seconds to wait, 0 to go on */
  async begin(rule: ThrottleRule): Promise<number> {
    return (await this.spend(rule)).waitSeconds;
  }

  /** Reads and writes without an await between them: no attempt slips past another. */
  async spend(rule: ThrottleRule): Promise<{ remaining: number; resetsAt: number; waitSeconds: number }> {
    const before = this.ctx.storage.kv.get<Attempts>('attempts');
    const { attempts, waitSeconds } = nextAttempt(before, rule, this.compose().now().getTime());
    this.ctx.storage.kv.put('attempts', attempts);
    if (attempts.endsAt !== before?.endsAt) await this.ctx.storage.setAlarm(attempts.endsAt);
    return { remaining: Math.max(0, rule.limit - attempts.count), resetsAt: attempts.endsAt, waitSeconds };
  }

  async forget(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }

  /** The window is over: the object leaves nothing behind. */
  override async alarm(): Promise<void> {
    await this.ctx.storage.deleteAll();
  }
}
