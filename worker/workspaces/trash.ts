import type { z } from 'zod';
import { TRASH_DAYS, trashedUntil } from '@gatehouse/core/api/workspace-states.ts';
import type { workspaceRestore } from '@gatehouse/core/api/workspaces.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, GuardFailed, onGuard, onUnique } from '../platform/commit.ts';
import type { Services, UserContext } from '../platform/context.ts';
import { objectContext } from '../platform/object-context.ts';
import * as trash from './trash.store.ts';
import { endable, NAME_INDEX, nameTaken, passOn, resourceOf } from './workspaces.ts';
import { findWorkspace, type WorkspaceRow } from './workspaces.store.ts';

/** Of one shard in one minute; the rest follows. */
const AT_ONCE = 200;

const changed = () => new AppError('conflict', 'The workspace changed in the meantime. Look again.');

/** Stops a workspace and puts it into the trash, from which it can be restored for some days. Again: nothing happens. */
export async function deleteWorkspace(ctx: UserContext, id: string): Promise<WorkspaceRow> {
  const action = 'workspace.delete';
  const workspace = await endable(ctx, id, action);
  if (workspace.trashed_at !== null || workspace.desired === 'deleted') return workspace;
  const now = ctx.now().toISOString();
  const guard = trash.discard(ctx.db.tenantId, workspace, now);
  const details = { until: trashedUntil(now) };
  const event = eventOf(ctx, { action, resource: resourceOf(workspace), status: 202, workspaceId: id, details });
  await onGuard(commit(ctx, { guard, events: [event] }), changed);
  ctx.defer(passOn(ctx, workspace));
  return (await findWorkspace(ctx.db, id)) ?? workspace;
}

/**
 * Takes a workspace out of the trash, stopped as it is.
 * @throws AppError `conflict` with the field `name`, when its owner has another one of that name by now
 */
export async function restoreWorkspace(ctx: UserContext, id: string, input: z.infer<typeof workspaceRestore>): Promise<WorkspaceRow> {
  const action = 'workspace.restore';
  const workspace = await endable(ctx, id, action);
  if (workspace.trashed_at === null) return workspace;
  if (workspace.desired === 'deleted') throw new AppError('gone', 'The workspace is being deleted for good');
  const name = input.name ?? workspace.name;
  const diff = name === workspace.name ? [] : [{ path: 'name', old: workspace.name, new: name, secret: false }];
  const event = eventOf(ctx, { action, resource: resourceOf({ id, name }), status: 200, workspaceId: id, diff });
  const work = commit(ctx, { guard: trash.restore(ctx.db.tenantId, workspace, name), events: [event] });
  await onUnique(onGuard(work, changed), NAME_INDEX, () => nameTaken(name));
  ctx.defer(ctx.workspaces.order(ctx.db.shard, workspace.runner_id, id));
  return (await findWorkspace(ctx.db, id)) ?? workspace;
}

/**
 * Deletes what is in the trash for good, with its files. Again: nothing happens.
 * @throws AppError `not-ready` for what is not in the trash
 */
export async function purgeWorkspace(ctx: UserContext, id: string): Promise<WorkspaceRow> {
  const action = 'workspace.purge';
  const workspace = await endable(ctx, id, action);
  if (workspace.desired === 'deleted') return workspace;
  if (workspace.trashed_at === null) throw new AppError('not-ready', 'Only what is in the trash is deleted for good. Delete it first.');
  const facts = { resource: resourceOf(workspace), workspaceId: id };
  const isLeft = workspace.runner_removed === 1 || workspace.runner_revoked === 1;
  const guard = trash.purge(ctx.db.tenantId, workspace, isLeft, ctx.now().toISOString());
  const events = [eventOf(ctx, { ...facts, action, status: 202 }), ...(isLeft ? [eventOf(ctx, left(facts))] : [])];
  await onGuard(commit(ctx, { guard, events }), changed);
  ctx.defer(passOn(ctx, workspace));
  return (await findWorkspace(ctx.db, id)) ?? { ...workspace, desired: 'deleted', phase: 'deleted' };
}

/** Nobody will report that it is deleted: what was its runner's is out of reach. */
const left = (facts: { resource: ReturnType<typeof resourceOf>; workspaceId: string }) =>
  ({ ...facts, action: 'workspace.deleted', reason: 'Its runner was removed or revoked: the files stay on that machine' }) as const;

/** Deletes for good what has been in the trash for its days, in every shard. */
export async function sweepTrash(services: Services): Promise<void> {
  const before = new Date(services.now().getTime() - TRASH_DAYS * 86_400_000).toISOString();
  for (const [shard, d1] of services.shards) {
    const { results } = await d1.prepare(trash.DUE).bind(before, AT_ONCE).all();
    for (const each of results) {
      await purgeDue(services, shard, trash.dueRow.parse(each)).catch((error: unknown) =>
        services.log('error', 'a workspace in the trash was not deleted', { shard, error: String(error) }),
      );
    }
  }
}

async function purgeDue(services: Services, shard: string, workspace: z.infer<typeof trash.dueRow>): Promise<void> {
  const { tenant_id: tenantId, id, runner_id: runnerId, is_left: isLeft } = workspace;
  const ctx = objectContext(services, { tenantId, shard }, { type: 'system', name: 'Gatehouse' });
  const facts = { resource: resourceOf(workspace), workspaceId: id };
  const reason = `It was in the trash for ${TRASH_DAYS} days`;
  const events = [eventOf(ctx, { ...facts, action: 'workspace.purge', reason }), ...(isLeft === 1 ? [eventOf(ctx, left(facts))] : [])];
  try {
    await commit(ctx, { guard: trash.purge(tenantId, workspace, isLeft === 1, services.now().toISOString()), events });
  } catch (error) {
    // Somebody restored it at this moment.
    if (error instanceof GuardFailed) return;
    throw error;
  }
  await services.workspaces.order(shard, runnerId, id);
}
