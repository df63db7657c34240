import { z } from 'zod';
import { statement, type Statement } from '../platform/tenant-db.ts';

interface Seen {
  id: string;
  generation: number;
}

/**
 * Into the trash, if it is still as the caller saw it. What is wanted to run is wanted stopped from now on; what is not goes
 * on as it does.
 */
export const discard = (tenantId: string, seen: Seen, now: string): Statement =>
  statement(
    `UPDATE workspaces SET trashed_at = ?4, changed_at = ?4,
       desired = 'stopped', generation = generation + (desired = 'running'), 
       phase = CASE WHEN waits_since IS NOT NULL THEN 'stopped' WHEN desired = 'running' THEN 'stopping' ELSE phase END, waits_since = NULL,
       step = NULL, percent = NULL, error = CASE desired WHEN 'running' THEN NULL ELSE error END,
       failure = CASE desired WHEN 'running' THEN NULL ELSE failure END
     WHERE tenant_id = ?1 AND id = ?2 AND generation = ?3 AND desired <> 'deleted' AND phase <> 'deleted' AND trashed_at IS NULL`,
    ...[tenantId, seen.id, seen.generation, now],
  );

/** Out of the trash, if it is still as the caller saw it. */
export const restore = (tenantId: string, seen: Seen, name: string): Statement =>
  statement(
    `UPDATE workspaces SET trashed_at = NULL, name = ?4
     WHERE tenant_id = ?1 AND id = ?2 AND generation = ?3 AND desired <> 'deleted' AND phase <> 'deleted' AND trashed_at IS NOT NULL`,
    ...[tenantId, seen.id, seen.generation, name],
  );

/** Deletes for good: what has a runner is deleted once that says so. @param isLeft nobody will say so: its runner was removed or revoked */
export const purge = (tenantId: string, seen: Seen, isLeft: boolean, now: string): Statement =>
  statement(
    `UPDATE workspaces SET desired = 'deleted', generation = generation + 1, phase = ?4, step = NULL, percent = NULL, error = NULL,
       failure = NULL, changed_at = ?5
     WHERE tenant_id = ?1 AND id = ?2 AND generation = ?3 AND desired <> 'deleted' AND phase <> 'deleted' AND trashed_at IS NOT NULL`,
    ...[tenantId, seen.id, seen.generation, isLeft ? 'deleted' : 'stopping', now],
  );

/** In the trash since before ?1, in all organisations of a shard, at most ?2. */
export const DUE = `SELECT w.tenant_id, w.id, w.name, w.runner_id, w.generation, r.deleted_at IS NOT NULL OR r.revoked_at IS NOT NULL AS is_left
  FROM workspaces w JOIN runners r ON r.tenant_id = w.tenant_id AND r.id = w.runner_id
  WHERE w.trashed_at IS NOT NULL AND w.trashed_at <= ?1 AND w.desired <> 'deleted' AND w.phase <> 'deleted' ORDER BY w.trashed_at LIMIT ?2`;

export const dueRow = z.object({
  tenant_id: z.string(),
  id: z.string(),
  name: z.string(),
  runner_id: z.string(),
  generation: z.number(),
  is_left: z.number(),
});
