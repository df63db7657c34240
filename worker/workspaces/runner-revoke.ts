import { AppError } from '@gatehouse/core/errors.ts';
import type { Runner } from '@gatehouse/core/api/runners.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { inLanes } from '../platform/lanes.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { manageable, resourceOf } from './runners.ts';
import { presentRunner, type RunnerRow } from './runners.store.ts';

const CLOSED_AT_ONCE = 20;

/**
 * SQL: what nobody but this runner could have deleted is gone with it, all else has no runner any more; a higher generation makes what it
 * still says outdated. Binds ?1 tenant, ?2 runner, ?3 now, ?4 failure or NULL.
 */
const RELEASE = `UPDATE workspaces SET generation = generation + 1, place = 0, waits_since = NULL, step = NULL, percent = NULL, error = NULL,
    failure = ?4, changed_at = ?3, phase = CASE desired WHEN 'deleted' THEN 'deleted' ELSE 'failed' END,
    desired = CASE desired WHEN 'deleted' THEN 'deleted' ELSE 'stopped' END
  WHERE tenant_id = ?1 AND runner_id = ?2 AND phase <> 'deleted'`;

/**
 * Shuts a runner out, for good and at once: its token and key are refused, its sockets and those of everybody who is in a workspace
 * on it are closed before this returns. Its workspaces stay listed and say so; they can be deleted, not started.
 * @throws AppError `permission-denied`, `not-found`
 */
export async function revokeRunner(ctx: UserContext, id: string): Promise<Runner> {
  const action = 'runner.revoke';
  const runner = await manageable(ctx, id, action);
  if (runner.revoked_at !== null) return presentRunner(runner);
  const { tenantId } = ctx.db;
  const guard = statement(
    `UPDATE runners SET revoked_at = ?3, online = 0, drain_since = NULL, drain_until = NULL, drain_total = NULL
     WHERE tenant_id = ?1 AND id = ?2 AND deleted_at IS NULL AND revoked_at IS NULL`,
    ...[tenantId, id, ctx.now().toISOString()],
  );
  const release = statement(RELEASE, ...[tenantId, id, ctx.now().toISOString(), null]);
  const event = eventOf(ctx, {
    ...{ action, resource: resourceOf(runner), status: 200 },
    details: { workspaces: runner.workspaces, fingerprint: runner.fingerprint },
  });
  await onGuard(shutOut(ctx, runner, { guard, release, event }), () => new AppError('conflict', 'The runner was removed in the meantime'));
  return presentRunner(await manageable(ctx, id, action));
}

/** Takes a runner off the list: shut out like a revoked one; its workspaces say that they have no runner, and their files stay on its machine. */
export async function removeRunner(ctx: UserContext, id: string): Promise<void> {
  const action = 'runner.remove';
  const runner = await manageable(ctx, id, action);
  const { tenantId } = ctx.db;
  const guard = statement(
    'UPDATE runners SET deleted_at = ?3, online = 0 WHERE tenant_id = ?1 AND id = ?2 AND deleted_at IS NULL',
    ...[tenantId, id, ctx.now().toISOString()],
  );
  const release = statement(RELEASE, ...[tenantId, id, ctx.now().toISOString(), 'runner-removed']);
  const event = eventOf(ctx, { action, resource: resourceOf(runner), status: 204, details: { workspaces: runner.workspaces } });
  await onGuard(shutOut(ctx, runner, { guard, release, event }), () => new AppError('not-found', 'There is no such runner'));
}

/**
 * Commits that a runner is gone and closes all that it holds open. Connections that can't be reached now are closed by the sweep of
 * revocations, whose task is kept with the change.
 */
export async function shutOut(
  ctx: UserContext,
  { id, name }: RunnerRow,
  change: { guard: Statement; release: Statement; event: ReturnType<typeof eventOf> },
): Promise<void> {
  const workspaces = await ctx.db.rows<{ id: string }>(
    `SELECT id FROM workspaces WHERE tenant_id = ?1 AND runner_id = ?2 AND (place = 1 OR EXISTS (
       SELECT 1 FROM connections c WHERE c.tenant_id = ?1 AND c.workspace_id = workspaces.id AND c.ended_at IS NULL))`,
    ...[ctx.db.tenantId, id],
  );
  await commit(ctx, {
    ...{ guard: change.guard, changes: [change.release], events: [change.event] },
    lessens: { users: 'everybody', cause: `Runner ${name} was shut out` },
  });
  const close = [
    () => ctx.workspaces.removeRunner(ctx.db.shard, id),
    ...workspaces.map((workspace) => () => ctx.workspaces.stop(ctx.db.shard, workspace.id)),
  ];
  const failed = await inLanes(CLOSED_AT_ONCE, close, (act) => act());
  for (const { error } of failed)
    ctx.log('error', 'a socket of a runner that is shut out was not closed', { runner: id, error: String(error) });
}
