import { z } from 'zod';
import { templateSchedule } from '@gatehouse/core/api/template-schedule.ts';
import type { StopFacts } from '@gatehouse/core/access/deadline.ts';
import { TENANT_SCOPE } from '../directory/policies.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Parts of queries over workspaces (alias `w`) and what holds up their stop (alias `s`). */

/** A start, a connection that ended and “Keep running” count as use. */
export const ATTENDED_AT = `max(w.created_at, coalesce(w.started_at, ''), coalesce(w.last_used_at, ''), coalesce(s.kept_at, ''),
  coalesce((SELECT max(c.ended_at) FROM connections c WHERE c.tenant_id = w.tenant_id AND c.workspace_id = w.id), ''))`;
/** Sessions of web apps are connections, too. */
export const IS_CONNECTED =
  'EXISTS (SELECT 1 FROM connections c WHERE c.tenant_id = w.tenant_id AND c.workspace_id = w.id AND c.ended_at IS NULL)';
/** What worked before it was started anew works no more. */
export const IS_WORKING = "(coalesce(s.work_since, '') >= coalesce(w.started_at, w.created_at))";
export const WITH_STOPS = 'LEFT JOIN workspace_stops s ON s.tenant_id = w.tenant_id AND s.workspace_id = w.id';
export const SCHEDULE = "json_extract(v.spec, '$.schedule')";

/** As a version keeps it; one of a release before has none. */
export const storedSchedule = z
  .string()
  .nullable()
  .transform((text) => templateSchedule.parse(text === null ? null : JSON.parse(text)));

const row = z.object({
  id: z.string(),
  owner_id: z.string(),
  runner_id: z.string(),
  template_id: z.string(),
  generation: z.number(),
  connected: z.number(),
  working: z.number(),
  attended_at: z.string(),
  work_until: z.string().nullable(),
  planned_for: z.number().nullable(),
  stop_at: z.string().nullable(),
  postponed: z.number().nullable(),
  schedule: storedSchedule,
});
export type StopRow = z.infer<typeof row>;

/** What is known of the stop of those that run: of these, if the person may see everybody's, owns them or is connected to them. */
export async function findStops(
  db: TenantDb,
  ids: readonly string[],
  who: { id: string; everybody: boolean },
): Promise<{ rows: StopRow[]; policies: ReadonlyArray<Record<string, unknown>> }> {
  const stops = statement(
    `SELECT w.id, w.owner_id, w.runner_id, w.template_id, w.generation, ${IS_CONNECTED} AS connected, ${IS_WORKING} AS working,
       ${ATTENDED_AT} AS attended_at, s.work_until, s.planned_for, s.stop_at, s.postponed, ${SCHEDULE} AS schedule
     FROM json_each(?2) AS asked
     CROSS JOIN workspaces w ON w.tenant_id = ?1 AND w.id = asked.value
     JOIN template_versions v ON v.tenant_id = ?1 AND v.id = w.version_id
     ${WITH_STOPS}
     WHERE w.desired = 'running' AND w.phase = 'running' AND (?3 = 1 OR w.owner_id = ?4 OR EXISTS (SELECT 1 FROM connections c
       WHERE c.tenant_id = ?1 AND c.workspace_id = w.id AND c.user_id = ?4 AND c.ended_at IS NULL))`,
    ...[db.tenantId, JSON.stringify(ids), who.everybody ? 1 : 0, who.id],
  );
  const inForce = statement(
    `SELECT scope, body, revision FROM policies WHERE tenant_id = ?1 AND (scope = ?3 OR scope IN (
       SELECT w.template_id FROM json_each(?2) AS asked CROSS JOIN workspaces w ON w.tenant_id = ?1 AND w.id = asked.value))`,
    ...[db.tenantId, JSON.stringify(ids), TENANT_SCOPE],
  );
  const [found, set] = await db.batch([stops, inForce]);
  return { rows: (found?.rows ?? []).map((each) => row.parse(each)), policies: set?.rows ?? [] };
}

/** @param scheduledAt milliseconds since the epoch, as it was put off */
export const factsOf = (stop: StopRow, scheduledAt: number | null): StopFacts => ({
  connected: stop.connected === 1,
  attendedAt: Date.parse(stop.attended_at),
  working: stop.working === 1,
  workedUntil: stop.work_until === null ? null : Date.parse(stop.work_until),
  scheduledAt,
});

/** Counts as use from now on, if it is still the start that the caller saw. */
export const keepRunning = (tenantId: string, seen: { id: string; generation: number }, now: string): Statement =>
  statement(
    `INSERT INTO workspace_stops (tenant_id, workspace_id, kept_at)
     SELECT ?1, w.id, ?4 FROM workspaces w WHERE w.tenant_id = ?1 AND w.id = ?2 AND w.generation = ?3 AND w.desired = 'running'
     ON CONFLICT (tenant_id, workspace_id) DO UPDATE SET kept_at = excluded.kept_at`,
    ...[tenantId, seen.id, seen.generation, now],
  );

/** Another time for the scheduled stop, if nobody has put it off since the caller looked. @param postponed how often, with this time */
export const postpone = (tenantId: string, seen: { id: string; generation: number }, stopAt: string, postponed: number): Statement =>
  statement(
    `INSERT INTO workspace_stops (tenant_id, workspace_id, planned_for, stop_at, postponed)
     SELECT ?1, w.id, w.generation, ?4, ?5 FROM workspaces w WHERE w.tenant_id = ?1 AND w.id = ?2 AND w.generation = ?3 AND w.desired = 'running'
     ON CONFLICT (tenant_id, workspace_id) DO UPDATE SET planned_for = excluded.planned_for, stop_at = excluded.stop_at, postponed = excluded.postponed
       WHERE workspace_stops.planned_for IS NOT ?3 OR workspace_stops.postponed = ?5 - 1`,
    ...[tenantId, seen.id, seen.generation, stopAt, postponed],
  );

/** Something works in a workspace of that runner. */
export const workBegan = (tenantId: string, runnerId: string, workspaceId: string, now: string): Statement =>
  statement(
    `INSERT INTO workspace_stops (tenant_id, workspace_id, work_since)
     SELECT ?1, w.id, ?4 FROM workspaces w WHERE w.tenant_id = ?1 AND w.id = ?2 AND w.runner_id = ?3
     ON CONFLICT (tenant_id, workspace_id) DO UPDATE SET work_since = excluded.work_since`,
    ...[tenantId, workspaceId, runnerId, now],
  );

/** Nothing works in it any more. Saying it again changes nothing. */
export const workEnded = (tenantId: string, runnerId: string, workspaceId: string, now: string): Statement =>
  statement(
    `UPDATE workspace_stops SET work_since = NULL, work_until = ?4 WHERE tenant_id = ?1 AND workspace_id = ?2 AND work_since IS NOT NULL
       AND EXISTS (SELECT 1 FROM workspaces w WHERE w.tenant_id = ?1 AND w.id = ?2 AND w.runner_id = ?3)`,
    ...[tenantId, workspaceId, runnerId, now],
  );

/** Those that run on a runner, by name. */
export async function findRunningOn(db: TenantDb, runnerId: string, limit: number): Promise<{ id: string; name: string; owner: string }[]> {
  return db.rows<{ id: string; name: string; owner: string }>(
    `SELECT w.id, w.name, coalesce(u.name, w.owner_id) AS owner FROM workspaces w
     LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id
     WHERE w.tenant_id = ?1 AND w.runner_id = ?2 AND w.desired = 'running' AND w.phase = 'running' ORDER BY w.name, w.id LIMIT ?3`,
    ...[db.tenantId, runnerId, limit],
  );
}
