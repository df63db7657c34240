import { z } from 'zod';
import { trashedUntil } from '@gatehouse/core/api/workspace-states.ts';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { objectContext } from '../platform/object-context.ts';
import { strictest } from './strictest.ts';
import { discard } from './trash.store.ts';
import { resourceOf } from './workspaces.ts';

/** Of one shard in one minute; the rest follows. */
const AT_ONCE = 200;

/** Since when people are away, as exact as the sweep: whoever and whatever suspended or deleted them need not say so. */
const LEFT = "UPDATE users SET left_at = ?1 WHERE state <> 'active' AND left_at IS NULL";
const RETURNED = "UPDATE users SET left_at = NULL WHERE state = 'active' AND left_at IS NOT NULL";

/** Workspaces whose owner left longer ago than the strictest level of their policy says; ?1 now, ?2 the deployment's or NULL, ?3 at most. */
const DUE = `SELECT * FROM (
    SELECT w.tenant_id, w.id, w.name, w.runner_id, w.generation, w.desired, u.name AS owner,
      julianday(?1) - julianday(u.left_at) AS days, ${strictest('leavers', '?2')} AS most
    FROM users u JOIN workspaces w ON w.tenant_id = u.tenant_id AND w.owner_id = u.id
    WHERE u.left_at IS NOT NULL AND w.trashed_at IS NULL AND w.desired <> 'deleted' AND w.phase <> 'deleted'
  ) WHERE days >= most ORDER BY days DESC LIMIT ?3`;

const due = z.object({
  tenant_id: z.string(),
  id: z.string(),
  name: z.string(),
  runner_id: z.string(),
  generation: z.number(),
  desired: z.string(),
  owner: z.string(),
  most: z.number(),
});

/** Puts into the trash, in every shard, what people left behind for as long as the policy keeps it. */
export async function sweepLeavers(services: Services): Promise<void> {
  const now = services.now().toISOString();
  const { leavers = null } = services.settings.policy;
  for (const [shard, d1] of services.shards) {
    await d1.batch([d1.prepare(LEFT).bind(now), d1.prepare(RETURNED)]);
    const { results } = await d1.prepare(DUE).bind(now, leavers, AT_ONCE).all();
    for (const each of results) {
      await discardDue(services, shard, due.parse(each)).catch((error: unknown) =>
        services.log('error', 'a workspace of somebody who left was not put into the trash', { shard, error: String(error) }),
      );
    }
  }
}

async function discardDue(services: Services, shard: string, workspace: z.infer<typeof due>): Promise<void> {
  const { tenant_id: tenantId, id, runner_id: runnerId, most, owner } = workspace;
  const ctx = objectContext(services, { tenantId, shard }, { type: 'system', name: 'Gatehouse' });
  const now = services.now().toISOString();
  const event = eventOf(ctx, {
    ...{ action: 'workspace.delete', resource: resourceOf(workspace), workspaceId: id },
    reason: `Its owner, ${owner}, left ${most === 1 ? 'a day' : `${most} days`} ago`,
    details: { policy: 'leavers', until: trashedUntil(now) },
  });
  try {
    await commit(ctx, { guard: discard(tenantId, workspace, now), events: [event] });
  } catch (error) {
    // Somebody started, deleted or got it at this moment.
    if (error instanceof GuardFailed) return;
    throw error;
  }
  if (workspace.desired === 'running') await services.workspaces.stop(shard, id);
  await services.workspaces.order(shard, runnerId, id);
}
