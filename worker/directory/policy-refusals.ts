import type { PolicyField } from '@gatehouse/core/access/policy-in-force.ts';
import { AppError, type ErrorCode } from '@gatehouse/core/errors.ts';
import { commit, eventOf, type EventContext, type EventFacts } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const DAY_MS = 24 * 3_600_000;

/** The whole hour, as its beginning: `2026-11-26T20`. */
const hourOf = (time: Date): string => time.toISOString().slice(0, 13);

const countRefusal = (tenantId: string, field: PolicyField, now: Date): Statement =>
  statement(
    `INSERT INTO policy_refusals (tenant_id, field, hour, count) VALUES (?, ?, ?, 1)
     ON CONFLICT (tenant_id, field, hour) DO UPDATE SET count = policy_refusals.count + 1`,
    ...[tenantId, field, hourOf(now)],
  );

/**
 * Refuses by a field of the policy: event and count are one transaction.
 * @throws AppError of that code
 */
export async function refuseByPolicy(
  ctx: EventContext,
  facts: Pick<EventFacts, 'action' | 'resource' | 'workspaceId'>,
  refusal: { field: PolicyField; code: ErrorCode; reason: string },
): Promise<never> {
  const { field, code, reason } = refusal;
  const event = eventOf(ctx, { ...facts, outcome: 'denied', status: 403, reason, details: { policy: field } });
  await commit(ctx, { changes: [countRefusal(ctx.db.tenantId, field, ctx.now())], events: [event] });
  throw new AppError(code, reason);
}

/** Removes counts that no page shows any more, in every shard. */
export async function sweepRefusals({ shards, now, log }: Pick<Services, 'shards' | 'now' | 'log'>): Promise<void> {
  const before = hourOf(new Date(now().getTime() - 2 * DAY_MS));
  for (const [shard, d1] of shards) {
    const old = 'DELETE FROM policy_refusals WHERE rowid IN (SELECT rowid FROM policy_refusals WHERE hour < ? LIMIT 1000)';
    await d1
      .prepare(old)
      .bind(before)
      .run()
      .catch((error: unknown) => log('error', 'old counts of refusals stay until the next sweep', { shard, error: String(error) }));
  }
}

/** How often each field refused something within the last day. */
export async function recentRefusals(db: TenantDb, now: Date): Promise<Map<string, number>> {
  const since = hourOf(new Date(now.getTime() - DAY_MS));
  const rows = await db.rows<{ field: string; count: number }>(
    'SELECT field, sum(count) AS count FROM policy_refusals WHERE tenant_id = ? AND hour > ? GROUP BY field',
    db.tenantId,
    since,
  );
  return new Map(rows.map(({ field, count }) => [field, count]));
}
