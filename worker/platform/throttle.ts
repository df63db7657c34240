import { AppError } from '@gatehouse/core/errors.ts';
import { record, type EventContext, type EventFacts } from './commit.ts';
import type { Services } from './context.ts';

export interface ThrottleRule {
  limit: number;
  windowSeconds: number;
}

/** The network that an attempt is counted for: an IPv4 /24, an IPv6 /64 (one household or office holds many addresses). */
export function networkOf(ip: string | null): string {
  if (ip === null) return 'unknown';
  const v4 = /^(?:::ffff:)?(\d{1,3}\.\d{1,3}\.\d{1,3})\.\d{1,3}$/i.exec(ip);
  if (v4) return `${v4[1]}.0/24`;
  const [head = '', tail] = ip.toLowerCase().split('::');
  const left = head.split(':').filter(Boolean);
  const right = (tail ?? '').split(':').filter(Boolean);
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array.from({ length: zeros }, () => '0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
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
