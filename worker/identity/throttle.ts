import type { ThrottleRule } from '../platform/throttle.ts';

/** What one throttle remembers: attempts in the window that ends at `endsAt` (milliseconds since the epoch). */
export interface Attempts {
  count: number;
  endsAt: number;
}

/**
 * Counts an attempt in a fixed window that begins with the first one. A refused attempt does not count,
 * so that nobody waits longer for having asked.
 */
export function nextAttempt(before: Attempts | undefined, rule: ThrottleRule, now: number): { attempts: Attempts; waitSeconds: number } {
  const open = before && before.endsAt > now ? before : { count: 0, endsAt: now + rule.windowSeconds * 1000 };
  if (open.count >= rule.limit) return { attempts: open, waitSeconds: Math.max(1, Math.ceil((open.endsAt - now) / 1000)) };
  return { attempts: { ...open, count: open.count + 1 }, waitSeconds: 0 };
}
