import type { z } from 'zod';
import type { workspaceRename } from '@gatehouse/core/api/workspaces.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, refuse, requireScope } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { statement } from '../platform/tenant-db.ts';
import { NAME_INDEX, nameTaken, readWorkspace, requireThere, resourceOf } from './workspaces.ts';
import { findWorkspace, type WorkspaceRow } from './workspaces.store.ts';

/**
 * Gives a workspace another name; only its owner does, whose names it must differ from. What runs goes on, and knows it
 * from its next start.
 * @throws AppError `conflict` with the field `name`
 */
export async function renameWorkspace(ctx: UserContext, id: string, { name }: z.infer<typeof workspaceRename>): Promise<WorkspaceRow> {
  const action = 'workspace.rename';
  await requireScope(ctx, 'workspace:run-own', { action, resource: { type: 'workspace', id, name: id } });
  const workspace = await readWorkspace(ctx, id);
  if (workspace.owner_id !== ctx.actor.id)
    return refuse(ctx, { action, resource: resourceOf(workspace) }, 'Only its owner renames a workspace');
  if (workspace.name === name) return workspace;
  requireThere({ ...workspace, runner_removed: 0 });
  const guard = statement(
    "UPDATE workspaces SET name = ?4 WHERE tenant_id = ?1 AND id = ?2 AND name = ?3 AND phase <> 'deleted' AND trashed_at IS NULL",
    ...[ctx.db.tenantId, id, workspace.name, name],
  );
  const diff = [{ path: 'name', old: workspace.name, new: name, secret: false }];
  const event = eventOf(ctx, { action, resource: resourceOf({ id, name }), status: 200, workspaceId: id, diff });
  await onUnique(
    onGuard(commit(ctx, { guard, events: [event] }), () => new AppError('conflict', 'The workspace changed in the meantime. Look again.')),
    NAME_INDEX,
    () => nameTaken(name),
  );
  // Its runner knows it by name in its log.
  ctx.defer(ctx.workspaces.order(ctx.db.shard, workspace.runner_id, id));
  return (await findWorkspace(ctx.db, id)) ?? workspace;
}
