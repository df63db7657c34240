import type { z } from 'zod';
import type { workspaceTransfer } from '@gatehouse/core/api/workspaces.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { statement } from '../platform/tenant-db.ts';
import { withinQuota } from './quotas.store.ts';
import { NAME_INDEX, nameTaken, readWorkspace, requireThere, resourceOf } from './workspaces.ts';
import { findWorkspace, type WorkspaceRow } from './workspaces.store.ts';

/**
 * Gives a stopped workspace, with its home and its snapshots, to another active person: what somebody left behind goes on. They start it
 * as any workspace of theirs, with `use` on its template.
 * @throws AppError `not-found`, `not-ready` while it runs or is in the trash, `conflict` with the field `name` when they have one of
 * that name, `invalid` for nobody, `quota-exceeded` for whom it would be too many
 */
export async function transferWorkspace(ctx: UserContext, id: string, input: z.infer<typeof workspaceTransfer>): Promise<WorkspaceRow> {
  const action = 'workspace.transfer';
  await require(ctx, 'workspace:transfer', { action, resource: { type: 'workspace', id, name: 'a workspace' } });
  const workspace = await readWorkspace(ctx, id);
  requireThere({ ...workspace, runner_removed: 0 });
  const receiver = await receiverOf(ctx, input.userId);
  if (workspace.owner_id === receiver.id) return workspace;
  if (workspace.desired === 'running' || !['stopped', 'failed'].includes(workspace.phase))
    throw new AppError('not-ready', 'The workspace runs. Stop it first.');
  const name = input.name ?? workspace.name;
  const now = ctx.now().toISOString();
  const guard = statement(
    `UPDATE workspaces SET owner_id = ?4, name = ?5, changed_at = ?6
     WHERE tenant_id = ?1 AND id = ?2 AND owner_id = ?3 AND generation = ?7 AND desired = 'stopped' AND phase IN ('stopped', 'failed')
       AND trashed_at IS NULL AND EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?4 AND state = 'active')
       AND ${withinQuota('workspaces', '?4', '?6')}`,
    ...[ctx.db.tenantId, id, workspace.owner_id, receiver.id, name, now, workspace.generation],
  );
  const diff = [
    { path: 'owner', old: workspace.owner_name, new: receiver.name, secret: false },
    ...(name === workspace.name ? [] : [{ path: 'name', old: workspace.name, new: name, secret: false }]),
  ];
  const details = { from: workspace.owner_id, to: receiver.id };
  const event = eventOf(ctx, { action, resource: resourceOf({ id, name }), status: 200, workspaceId: id, diff, details });
  const lessens = { users: [workspace.owner_id], cause: `Workspace ${workspace.name} was given to ${receiver.name}` };
  const work = commit(ctx, { guard, events: [event], lessens });
  await onUnique(
    onGuard(work, () => obstacle(ctx, workspace, receiver)),
    NAME_INDEX,
    () => nameTaken(name),
  );
  // Its runner knows whose it is.
  ctx.defer(ctx.workspaces.order(ctx.db.shard, workspace.runner_id, id));
  return (await findWorkspace(ctx.db, id)) ?? workspace;
}

interface Receiver {
  id: string;
  name: string;
}

async function receiverOf({ db }: UserContext, userId: string): Promise<Receiver> {
  const sql = "SELECT id, name FROM users WHERE tenant_id = ? AND id = ? AND state = 'active'";
  const found = await db.first<{ id: string; name: string }>(sql, db.tenantId, userId);
  const errors = [{ path: 'userId', message: 'is nobody who is active in this organisation' }];
  if (!found) throw new AppError('invalid', 'Some of the input is wrong', { errors });
  return found;
}

/** Why nothing was changed. */
async function obstacle({ db }: UserContext, seen: WorkspaceRow, receiver: Receiver): Promise<AppError> {
  const now = await findWorkspace(db, seen.id);
  if (now?.owner_id !== seen.owner_id || now.generation !== seen.generation || now.trashed_at !== null)
    return new AppError('conflict', 'The workspace changed in the meantime. Look again.');
  return new AppError('quota-exceeded', `${receiver.name} has as many workspaces as they may have`);
}
