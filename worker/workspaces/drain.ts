import { z } from 'zod';
import type { runnerDrain } from '@gatehouse/core/api/runner-capacity.ts';
import type { Runner } from '@gatehouse/core/api/runners.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, GuardFailed, onGuard } from '../platform/commit.ts';
import type { Services, UserContext } from '../platform/context.ts';
import { inLanes } from '../platform/lanes.ts';
import { objectContext } from '../platform/object-context.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';
import { admit, PLACES } from './queue.store.ts';
import { manageable, resourceOf } from './runners.ts';
import { presentRunner, type RunnerRow } from './runners.store.ts';
import { wish } from './workspaces.store.ts';

/** Workspaces of one shard that one sweep stops; the rest follows. */
const AT_ONCE = 200;
const MAILS_AT_ONCE = 4;

/**
 * Empties a runner: nothing starts there any more. What runs goes on, until a moment if one is given; its people are told by mail
 * then. Said again with another moment, it moves that.
 * @throws AppError `permission-denied`, `not-found`, `not-ready` for a revoked one; `invalid` for a moment that is past
 */
export async function drainRunner(ctx: UserContext, id: string, { until }: z.infer<typeof runnerDrain>): Promise<Runner> {
  const action = 'runner.drain';
  const runner = await manageable(ctx, id, action);
  const now = ctx.now().toISOString();
  if (until !== null && until <= now)
    throw new AppError('invalid', 'That moment is past', { errors: [{ path: 'until', message: 'must be in the future' }] });
  if (runner.drain_since !== null && runner.drain_until === until) return presentRunner(runner);
  const guard = statement(
    `UPDATE runners AS r SET drain_since = coalesce(drain_since, ?3), drain_until = ?4, drain_total = coalesce(drain_total, ${PLACES})
     WHERE r.tenant_id = ?1 AND r.id = ?2 AND r.deleted_at IS NULL AND r.revoked_at IS NULL`,
    ...[ctx.db.tenantId, id, now, until],
  );
  const diff = [
    ...(runner.drain_since === null ? [{ path: 'drain', old: false, new: true, secret: false }] : []),
    ...(runner.drain_until === until ? [] : [{ path: 'until', old: runner.drain_until, new: until, secret: false }]),
  ];
  const event = eventOf(ctx, { action, resource: resourceOf(runner), status: 200, diff, details: { running: runner.places } });
  await onGuard(
    commit(ctx, { guard, events: [event] }),
    () => new AppError('not-ready', `Runner ${runner.name} was revoked or removed in the meantime`),
  );
  if (until !== null) ctx.defer(warn(ctx, runner, until));
  ctx.defer(ctx.workspaces.dispatch(ctx.db.shard, id));
  return presentRunner(await manageable(ctx, id, action));
}

/** The runner takes workspaces again, and who waited in its line goes on. */
export async function liftDrain(ctx: UserContext, id: string): Promise<Runner> {
  const action = 'runner.drain.lift';
  const runner = await manageable(ctx, id, action);
  if (runner.drain_since === null) return presentRunner(runner);
  const guard = statement(
    `UPDATE runners SET drain_since = NULL, drain_until = NULL, drain_total = NULL
     WHERE tenant_id = ?1 AND id = ?2 AND drain_since IS NOT NULL AND deleted_at IS NULL`,
    ...[ctx.db.tenantId, id],
  );
  const event = eventOf(ctx, {
    ...{ action, resource: resourceOf(runner), status: 200, diff: [{ path: 'drain', old: true, new: false, secret: false }] },
  });
  await onGuard(
    commit(ctx, { guard, changes: [admit(ctx.db.tenantId, id)], events: [event] }),
    () => new AppError('conflict', 'Somebody lifted it in the meantime'),
  );
  ctx.defer(ctx.workspaces.dispatch(ctx.db.shard, id));
  return presentRunner(await manageable(ctx, id, action));
}

const owner = z.object({ name: z.string(), email: z.string(), workspaces: z.string() });

const ownersOf = async (db: TenantDb, runnerId: string) =>
  (
    await db.rows(
      `SELECT u.name, u.email, group_concat(w.name, ', ') AS workspaces FROM workspaces w
       JOIN users u ON u.tenant_id = ?1 AND u.id = w.owner_id AND u.state = 'active'
       WHERE w.tenant_id = ?1 AND w.runner_id = ?2 AND w.place = 1 GROUP BY u.id`,
      ...[db.tenantId, runnerId],
    )
  ).map((row) => owner.parse(row));

/** One mail to each owner of something that will be stopped. The IDE says it, too: a mail that fails is only logged. */
async function warn(ctx: UserContext, { id, name }: RunnerRow, until: string): Promise<void> {
  const when = `${until.slice(0, 16).replace('T', ' ')} UTC`;
  const failed = await inLanes(MAILS_AT_ONCE, await ownersOf(ctx.db, id), (to) =>
    ctx.mail.send({
      to: to.email,
      subject: `Your workspace on ${name} stops at ${when}`,
      text: `${to.name},\n\nrunner ${name} of ${ctx.tenant.name} is being emptied. What still runs there is stopped at ${when}:\n\n${to.workspaces}\n\nSave what is open until then. Files are kept; the workspace can be started again once the runner is back.\n\n${ctx.settings.ORIGIN}/workspaces\n`,
    }),
  );
  for (const { error } of failed) ctx.log('warn', 'somebody was not told of a drain by mail', { runner: id, error: String(error) });
}

const overdue = z.object({
  ...{ tenant_id: z.string(), id: z.string(), name: z.string(), runner_id: z.string(), runner_name: z.string() },
  generation: z.number(),
});

/** Stops what still runs on a drained runner once its time is over, in every shard. */
export async function sweepDrains(services: Services): Promise<void> {
  for (const [shard, d1] of services.shards) {
    const { results } = await d1
      .prepare(
        `SELECT w.tenant_id, w.id, w.name, w.runner_id, r.name AS runner_name, w.generation FROM runners r
         JOIN workspaces w ON w.tenant_id = r.tenant_id AND w.runner_id = r.id AND w.place = 1 AND w.desired = 'running'
         WHERE r.drain_until <= ? AND r.deleted_at IS NULL AND r.revoked_at IS NULL LIMIT ?`,
      )
      .bind(services.now().toISOString(), AT_ONCE)
      .all();
    for (const each of results) {
      const workspace = overdue.parse(each);
      await stopDrained(services, shard, workspace).catch((error: unknown) =>
        services.log('error', 'a workspace on a drained runner was not stopped', { shard, workspace: workspace.id, error: String(error) }),
      );
    }
  }
}

async function stopDrained(services: Services, shard: string, workspace: z.infer<typeof overdue>): Promise<void> {
  const { tenant_id: tenantId, id, name, runner_id: runnerId, runner_name: runnerName } = workspace;
  const ctx = objectContext(services, { tenantId, shard }, { type: 'system', name: 'Gatehouse' });
  const event = eventOf(ctx, {
    action: 'workspace.stop',
    resource: { type: 'workspace', id, name },
    reason: `Runner ${runnerName} is drained, and the time that was left is over`,
    workspaceId: id,
    details: { drain: runnerId },
  });
  try {
    await commit(ctx, { guard: wish(tenantId, workspace, 'stopped', services.now()), events: [event] });
  } catch (error) {
    // Somebody stopped or deleted it at this moment.
    if (error instanceof GuardFailed) return;
    throw error;
  }
  await services.workspaces.order(shard, runnerId, id);
  await services.workspaces.stop(shard, id);
}
