import { AppError } from '@gatehouse/core/errors.ts';
import { record, type EventContext, type EventFacts } from './commit.ts';
import type { Services } from './context.ts';

export interface ThrottleRule {
  limit: number;
  windowSeconds: number;
}

/**
 * Counts an attempt. Beyond the limit it is refused, and the first refusal of a window is an event: the
 * ones after it say nothing new and would let anybody fill the log.
 * @throws AppError `rate-limited` with the seconds to wait
 */
export async function countAttempt(
  ctx: EventContext & Pick<Services, 'throttle'>,
  key: string,
  rule: ThrottleRule,
  facts: Pick<EventFacts, 'action' | 'resource' | 'workspaceId'>,
): Promise<void> {
  const wait = await ctx.throttle.begin(key, rule);
  if (wait === 0) return;
  const untold = (await ctx.throttle.begin(`told ${key}`, { limit: 1, windowSeconds: wait })) === 0;
  if (untold) await record(ctx, { ...facts, outcome: 'denied', status: 429, reason: 'Too many attempts' });
  throw new AppError('rate-limited', `Too many attempts: try again in ${wait} seconds`, { retryAfter: wait });
}
