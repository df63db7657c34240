import { statement, type Statement } from '../platform/tenant-db.ts';

/**
 * The line before a full runner. `place` says that a workspace takes up one of its runner's places; `waits_since`, that it is to run
 * and has none yet. Whatever asks for a place stands in line first, and `admit`, in the same batch, gives out what is free: so nobody
 * overtakes, and no place that becomes free is forgotten.
 */

/** SQL on `workspaces w` and `runners r`: where a workspace stands in its runner's line (from 1), and how that runner is. Bind ?1 tenant. */
export const LINE = `
  r.capacity AS runner_capacity, r.drain_since IS NOT NULL AS runner_drains, r.drain_until AS runner_drain_until, r.revoked_at IS NOT NULL AS runner_revoked,
  (SELECT count(*) FROM workspaces p WHERE p.tenant_id = ?1 AND p.runner_id = w.runner_id AND p.place = 1) AS runner_places,
  CASE WHEN w.waits_since IS NOT NULL THEN (SELECT count(*) FROM workspaces b WHERE b.tenant_id = ?1 AND b.runner_id = w.runner_id
    AND b.waits_since IS NOT NULL AND (b.waits_since, b.id) <= (w.waits_since, w.id)) END AS position`;

/** SQL on `workspaces w`: what its runner is to be told. */
export const RUNS_NOW = "CASE WHEN w.waits_since IS NOT NULL THEN 'stopped' ELSE w.desired END";

/** SQL of the places taken, and of those who wait, at runner `r`. Bind ?1 tenant. */
export const PLACES = '(SELECT count(*) FROM workspaces p WHERE p.tenant_id = ?1 AND p.runner_id = r.id AND p.place = 1)';
export const WAITING = '(SELECT count(*) FROM workspaces p WHERE p.tenant_id = ?1 AND p.runner_id = r.id AND p.waits_since IS NOT NULL)';

const OPEN = 'r.deleted_at IS NULL AND r.revoked_at IS NULL AND r.drain_since IS NULL';

/** SQL condition: the runner takes a new workspace. Bind ?1 tenant. @param mayWait SQL: 1 also where no place is free */
export const takesNew = (runner: string, mayWait: string): string =>
  `EXISTS (SELECT 1 FROM runners r WHERE r.tenant_id = ?1 AND r.id = ${runner} AND ${OPEN}
     AND (${mayWait} = 1 OR r.capacity IS NULL OR r.capacity > ${PLACES} + ${WAITING}))`;

/** SQL condition: the runner takes starts of the workspaces that are on it. Bind ?1 tenant. */
export const takesStarts = (runner: string): string =>
  `NOT EXISTS (SELECT 1 FROM runners r WHERE r.tenant_id = ?1 AND r.id = ${runner} AND NOT (${OPEN}))`;

/** Gives the free places of a runner to those who have waited longest. Bind-free of any reading before: it counts by itself. */
export const admit = (tenantId: string, runnerId: string): Statement =>
  statement(
    `UPDATE workspaces SET place = 1, waits_since = NULL WHERE tenant_id = ?1 AND id IN (
       SELECT w.id FROM runners r CROSS JOIN (
         SELECT id, row_number() OVER (ORDER BY waits_since, id) AS position FROM workspaces
         WHERE tenant_id = ?1 AND runner_id = ?2 AND waits_since IS NOT NULL) w
       WHERE r.tenant_id = ?1 AND r.id = ?2 AND ${OPEN} AND (r.capacity IS NULL OR w.position <= r.capacity - ${PLACES}))`,
    ...[tenantId, runnerId],
  );

/** Workspaces that have a place and whose runner has not said yet that it works on them. */
export const handedOver = (tenantId: string, runnerId: string): Statement =>
  statement(
    "SELECT id FROM workspaces WHERE tenant_id = ? AND runner_id = ? AND place = 1 AND desired = 'running' AND phase = 'queued'",
    ...[tenantId, runnerId],
  );
