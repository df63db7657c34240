import type { Services } from '../platform/context.ts';
import { inLanes } from '../platform/lanes.ts';
import { closeLost, runRevocation } from './revocation.ts';
import { openOf } from './standing.ts';

/** Work that was left behind is done again after this. */
const LEFT_BEHIND_MS = 5_000;
/** A connection whose ticket (30 s) opened no socket by then never was one. */
const UNOPENED_MS = 5 * 60_000;
/** An object looks again the moment that access lapses; a row that still says an older one has no object behind it. */
const FORGOTTEN_MS = 3_600_000;
const AT_ONCE = 100;
const ROWS_AT_ONCE = 1_000;
/** Tenants that are served at the same time: one whose objects don't answer must not hold up all others. */
const LANES = 4;

/** Does what a change committed and nothing finished, and finds what nobody named. One shard or tenant that fails keeps no other from it. */
export async function sweepRevocations(services: Services): Promise<void> {
  for (const [shard, d1] of services.shards) {
    for (const [what, sweep] of Object.entries({ repeatTasks, closeForgotten, endRows })) {
      await sweep(services, shard, d1).catch((error: unknown) =>
        services.log('error', 'revocations wait for the next sweep', { shard, what, error: String(error) }),
      );
    }
  }
}

async function repeatTasks(services: Services, shard: string, d1: D1Database): Promise<void> {
  const now = services.now();
  const { results } = await d1
    .prepare(
      `UPDATE revocations SET tried_at = ?1 WHERE rowid IN (
         SELECT rowid FROM revocations WHERE created_at < ?2 ORDER BY coalesce(tried_at, created_at) LIMIT ?3)
       RETURNING tenant_id, id`,
    )
    .bind(now.toISOString(), new Date(now.getTime() - LEFT_BEHIND_MS).toISOString(), AT_ONCE)
    .all<{ tenant_id: string; id: string }>();
  const failed = await inLanes(LANES, results, ({ tenant_id, id }) => runRevocation(services, shard, tenant_id, id));
  report(services, shard, failed);
}

/** Open connections whose session, person or organisation is gone although no task names them: what ended them was cut short. */
async function closeForgotten(services: Services, shard: string, d1: D1Database): Promise<void> {
  const { results } = await d1
    .prepare(
      `SELECT c.tenant_id, json_group_array(DISTINCT c.user_id) AS users FROM connections c
       WHERE c.ended_at IS NULL AND NOT EXISTS (
         SELECT 1 FROM sessions s
         JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id AND u.state = 'active'
         JOIN tenants o ON o.tenant_id = s.tenant_id AND o.state = 'active'
         WHERE s.tenant_id = c.tenant_id AND s.id = c.session_id AND s.expires_at > ?)
       GROUP BY c.tenant_id LIMIT ?`,
    )
    .bind(services.now().toISOString(), AT_ONCE)
    .all<{ tenant_id: string; users: string }>();
  const failed = await inLanes(LANES, results, ({ tenant_id, users }) =>
    closeLost(services, services.tenantDb(shard, tenant_id), { which: openOf(users), cause: 'The session ended' }),
  );
  report(services, shard, failed);
}

/** Ends rows that no object will end: of tickets that nobody used, and of sockets that are long gone. */
async function endRows({ now }: Services, _shard: string, d1: D1Database): Promise<void> {
  const before = (ms: number) => new Date(now().getTime() - ms).toISOString();
  await d1
    .prepare(
      `UPDATE connections SET ended_at = ?1 WHERE rowid IN (
         SELECT rowid FROM connections
         WHERE ended_at IS NULL AND ((lapses_at IS NULL AND opened_at < ?2) OR lapses_at < ?3) LIMIT ?4)`,
    )
    .bind(now().toISOString(), before(UNOPENED_MS), before(FORGOTTEN_MS), ROWS_AT_ONCE)
    .run();
}

function report(services: Services, shard: string, failed: Array<{ item: { tenant_id: string }; error: unknown }>): void {
  for (const { item, error } of failed)
    services.log('error', 'a revocation could not be done', { shard, tenant: item.tenant_id, error: String(error) });
}
