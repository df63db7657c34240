import { z } from 'zod';
import { WARNED_MS } from '@gatehouse/core/access/deadline.ts';
import { nextStop, scheduleWords } from '@gatehouse/core/api/template-schedule.ts';
import type { Services } from '../platform/context.ts';
import { stopByItself } from './stop-by-itself.ts';
import { SCHEDULE, storedSchedule } from './stopping.store.ts';

/** Of one shard in one minute; the rest follows. */
const AT_ONCE = 200;

/**
 * Workspaces that run since a start whose schedule was not looked at yet. When the next stop comes is worked out once for each start, by
 * code that knows time zones, and kept: so that the minute's look is one by index.
 */
const UNPLANNED = `SELECT w.tenant_id, w.id, w.generation, ${SCHEDULE} AS schedule FROM workspaces w
  JOIN template_versions v ON v.tenant_id = w.tenant_id AND v.id = w.version_id
  LEFT JOIN workspace_stops s ON s.tenant_id = w.tenant_id AND s.workspace_id = w.id
  WHERE w.desired = 'running' AND w.phase = 'running' AND coalesce(s.planned_for, 0) <> w.generation LIMIT ?1`;
const unplanned = z.object({ tenant_id: z.string(), id: z.string(), generation: z.number(), schedule: storedSchedule });

const PLAN = `INSERT INTO workspace_stops (tenant_id, workspace_id, planned_for, stop_at) VALUES (?1, ?2, ?3, ?4)
  ON CONFLICT (tenant_id, workspace_id) DO UPDATE SET planned_for = ?3, stop_at = ?4, postponed = 0, warned_of = NULL
    WHERE workspace_stops.planned_for IS NOT ?3`;

/** Stops of starts that are over. */
const FORGET = `UPDATE workspace_stops SET stop_at = NULL WHERE stop_at <= ?1 AND NOT EXISTS (SELECT 1 FROM workspaces w
  WHERE w.tenant_id = workspace_stops.tenant_id AND w.id = workspace_stops.workspace_id
    AND w.generation = workspace_stops.planned_for AND w.desired = 'running' AND w.phase = 'running')`;

/** What stops by ?1, the next first. */
const SOON = `SELECT w.tenant_id, w.id, w.name, w.runner_id, w.generation, s.stop_at, ${SCHEDULE} AS schedule
  FROM workspace_stops s
  CROSS JOIN workspaces w ON w.tenant_id = s.tenant_id AND w.id = s.workspace_id AND w.generation = s.planned_for
  JOIN template_versions v ON v.tenant_id = w.tenant_id AND v.id = w.version_id
  WHERE s.stop_at <= ?1 AND (s.stop_at <= ?2 OR s.warned_of IS NOT s.stop_at) AND w.desired = 'running' AND w.phase = 'running'
  ORDER BY s.stop_at LIMIT ?3`;
const soon = z.object({
  tenant_id: z.string(),
  id: z.string(),
  name: z.string(),
  runner_id: z.string(),
  generation: z.number(),
  stop_at: z.string(),
  schedule: storedSchedule,
});
type Soon = z.infer<typeof soon>;

const WARNED = 'UPDATE workspace_stops SET warned_of = ?3 WHERE tenant_id = ?1 AND workspace_id = ?2 AND stop_at = ?3';

/** Stops what its template's schedule stops, and warns in the terminals of what it will stop soon, in every shard. */
export async function sweepSchedules(services: Services): Promise<void> {
  for (const [shard, d1] of services.shards) {
    await plan(services, d1);
    const now = services.now();
    const bySoon = new Date(now.getTime() + WARNED_MS).toISOString();
    await d1.prepare(FORGET).bind(now.toISOString()).run();
    const { results } = await d1.prepare(SOON).bind(bySoon, now.toISOString(), AT_ONCE).all();
    for (const each of results) {
      const workspace = soon.parse(each);
      const work = Date.parse(workspace.stop_at) <= now.getTime() ? stop(services, shard, workspace) : warn(services, shard, d1, workspace);
      await work.catch((error: unknown) => services.log('error', 'a scheduled stop failed', { shard, error: String(error) }));
    }
  }
}

async function plan(services: Services, d1: D1Database): Promise<void> {
  const { results } = await d1.prepare(UNPLANNED).bind(AT_ONCE).all();
  const now = services.now().getTime();
  const rows = results.map((each) => {
    const { tenant_id, id, generation, schedule } = unplanned.parse(each);
    // From now on, not from the start: who starts one just before a stop means to work.
    const stopAt = schedule === null ? null : new Date(nextStop(schedule, now)).toISOString();
    return d1.prepare(PLAN).bind(tenant_id, id, generation, stopAt);
  });
  if (rows.length > 0) await d1.batch(rows);
}

const stop = (services: Services, shard: string, workspace: Soon): Promise<void> =>
  stopByItself(services, shard, workspace, {
    reason: 'The schedule of its template stops it now',
    details: workspace.schedule === null ? {} : { schedule: scheduleWords(workspace.schedule) },
  });

async function warn(services: Services, shard: string, d1: D1Database, workspace: Soon): Promise<void> {
  const { tenant_id, id, runner_id, stop_at } = workspace;
  const minutes = Math.max(1, Math.round((Date.parse(stop_at) - services.now().getTime()) / 60_000));
  const when = minutes === 1 ? 'in a minute' : `in ${minutes} minutes`;
  await services.workspaces.notice(
    shard,
    runner_id,
    id,
    `This workspace stops ${when}, as its template’s schedule says. Its files are kept; “Keep running” above puts it off.`,
  );
  await d1.prepare(WARNED).bind(tenant_id, id, stop_at).run();
}
