import { z } from 'zod';
import { policiesFrom, policiesOf, policyQuery, scopesOf } from '../directory/policies.ts';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { objectContext } from '../platform/object-context.ts';
import { wish } from './workspaces.store.ts';

/** Of one shard in one minute; the rest follows. */
const AT_ONCE = 200;

const idle = z.object({
  tenant_id: z.string(),
  id: z.string(),
  name: z.string(),
  template_id: z.string(),
  runner_id: z.string(),
  generation: z.number(),
  used_at: z.string(),
});

/**
 * Workspaces that run with nobody connected for as long as the strictest level of their policy says, the longest unused
 * first. A start, and a connection that ended, count as use. ?1 now, ?2 the deployment's minutes or NULL.
 */
const IDLE = `SELECT * FROM (
    SELECT w.tenant_id, w.id, w.name, w.template_id, w.runner_id, w.generation,
      max(w.created_at, coalesce(w.started_at, ''), coalesce(w.last_used_at, ''), coalesce((SELECT max(c.ended_at) FROM connections c
        WHERE c.tenant_id = w.tenant_id AND c.workspace_id = w.id), '')) AS used_at,
      min(coalesce(?2, 1e9), coalesce((SELECT min(json_extract(p.body, '$.autoStop')) FROM policies p
        WHERE p.tenant_id = w.tenant_id AND p.scope IN ('tenant', w.template_id)), 1e9)) AS minutes
    FROM workspaces w
    WHERE w.desired = 'running' AND w.phase = 'running'
      AND NOT EXISTS (SELECT 1 FROM connections c WHERE c.tenant_id = w.tenant_id AND c.workspace_id = w.id AND c.ended_at IS NULL)
  ) WHERE (julianday(?1) - julianday(used_at)) * 1440 >= minutes ORDER BY used_at LIMIT ?3`;

/** Stops what nobody has used for as long as its policy's auto-stop says, in every shard. */
export async function sweepIdleWorkspaces(services: Services): Promise<void> {
  const now = services.now().toISOString();
  const floor = services.settings.policy.autoStop ?? null;
  for (const [shard, d1] of services.shards) {
    const { results } = await d1.prepare(IDLE).bind(now, floor, AT_ONCE).all();
    for (const each of results) {
      await stopIfIdle(services, shard, idle.parse(each)).catch((error: unknown) =>
        services.log('error', 'an idle workspace was not stopped', { shard, error: String(error) }),
      );
    }
  }
}

async function stopIfIdle(services: Services, shard: string, workspace: z.infer<typeof idle>): Promise<void> {
  const { tenant_id: tenantId, id, name } = workspace;
  const ctx = objectContext(services, { tenantId, shard }, { type: 'system', name: 'Gatehouse' });
  const [set] = await ctx.db.batch([policyQuery(tenantId, scopesOf(workspace.template_id))]);
  const { autoStop } = policiesOf(services.settings.policy, policiesFrom(set?.rows ?? []), workspace.template_id).policy;
  if (autoStop === null || services.now().getTime() - Date.parse(workspace.used_at) < autoStop * 60_000) return;
  const event = eventOf(ctx, {
    action: 'workspace.stop',
    resource: { type: 'workspace', id, name },
    reason: `Nobody was connected for ${autoStop} minutes`,
    workspaceId: id,
    details: { policy: 'autoStop' },
  });
  try {
    await commit(ctx, { guard: wish(tenantId, workspace, 'stopped', services.now()), events: [event] });
  } catch (error) {
    // Somebody started, stopped or deleted it at this moment.
    if (error instanceof GuardFailed) return;
    throw error;
  }
  await services.workspaces.order(shard, workspace.runner_id, id);
  await services.workspaces.stop(shard, id);
}
