import { z } from 'zod';
import { deadlineOf } from '@gatehouse/core/access/deadline.ts';
import { DEFAULT_POLICY } from '@gatehouse/core/access/policy-in-force.ts';
import { policiesFrom, policiesOf, policyQuery, scopesOf } from '../directory/policies.ts';
import type { Services } from '../platform/context.ts';
import { stopByItself } from './stop-by-itself.ts';
import { strictest } from './strictest.ts';
import { ATTENDED_AT, IS_CONNECTED, IS_WORKING, WITH_STOPS } from './stopping.store.ts';

/** Of one shard in one minute; the rest follows. */
const AT_ONCE = 200;

const idle = z.object({
  tenant_id: z.string(),
  id: z.string(),
  name: z.string(),
  template_id: z.string(),
  runner_id: z.string(),
  generation: z.number(),
  attended_at: z.string(),
  working: z.number(),
  work_until: z.string().nullable(),
});

/**
 * Workspaces that run with nobody connected, and nothing at work, for as long as the strictest level of their policy says, and those
 * whose work nobody has attended for too long; the longest unattended first. ?1 now, ?2 and ?3 the deployment's or NULL.
 */
const IDLE = `SELECT * FROM (
    SELECT w.tenant_id, w.id, w.name, w.template_id, w.runner_id, w.generation, ${ATTENDED_AT} AS attended_at,
      ${IS_WORKING} AS working, s.work_until, ${strictest('autoStop', '?2')} AS minutes, 60 * ${strictest('unattendedWork', '?3')} AS longest
    FROM workspaces w ${WITH_STOPS}
    WHERE w.desired = 'running' AND w.phase = 'running' AND NOT ${IS_CONNECTED}
  ) WHERE (working = 0 AND (julianday(?1) - julianday(max(attended_at, coalesce(work_until, '')))) * 1440 >= minutes)
    OR (julianday(?1) - julianday(attended_at)) * 1440 >= max(minutes, longest)
  ORDER BY attended_at LIMIT ?4`;

/** Stops what nobody has used for as long as its policy's auto-stop says, in every shard. */
export async function sweepIdleWorkspaces(services: Services): Promise<void> {
  const now = services.now().toISOString();
  const { autoStop = null, unattendedWork = DEFAULT_POLICY.unattendedWork } = services.settings.policy;
  for (const [shard, d1] of services.shards) {
    const { results } = await d1.prepare(IDLE).bind(now, autoStop, unattendedWork, AT_ONCE).all();
    for (const each of results) {
      await stopIfIdle(services, shard, idle.parse(each)).catch((error: unknown) =>
        services.log('error', 'an idle workspace was not stopped', { shard, error: String(error) }),
      );
    }
  }
}

async function stopIfIdle(services: Services, shard: string, workspace: z.infer<typeof idle>): Promise<void> {
  const { tenant_id: tenantId, template_id: templateId } = workspace;
  const [set] = await services.tenantDb(shard, tenantId).batch([policyQuery(tenantId, scopesOf(templateId))]);
  const { policy } = policiesOf(services.settings.policy, policiesFrom(set?.rows ?? []), templateId);
  const facts = {
    connected: false,
    attendedAt: Date.parse(workspace.attended_at),
    working: workspace.working === 1,
    workedUntil: workspace.work_until === null ? null : Date.parse(workspace.work_until),
    scheduledAt: null,
  };
  const deadline = deadlineOf(facts, policy);
  if (deadline === null || deadline.at > services.now().getTime()) return;
  const why =
    deadline.why === 'work'
      ? { reason: `Nobody was connected for ${policy.unattendedWork} hours, whatever works in it`, details: { policy: 'unattendedWork' } }
      : { reason: `Nobody was connected for ${policy.autoStop} minutes`, details: { policy: 'autoStop' } };
  await stopByItself(services, shard, workspace, why);
}
