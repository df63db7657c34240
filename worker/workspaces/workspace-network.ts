import { networkOf } from '@gatehouse/core/access/enforcement.ts';
import { resourceInside, type WorkspaceNetwork } from '@gatehouse/core/api/workspace-network.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { readPolicies } from '../directory/policies.ts';
import type { UserContext } from '../platform/context.ts';
import { parseSpec } from './templates.store.ts';
import { readWorkspace } from './workspaces.ts';

/**
 * What a workspace's programs may reach, for those who may see the workspace: whoever meets a refusal finds what is allowed.
 * @throws AppError `not-found`
 */
export async function readWorkspaceNetwork(ctx: UserContext, id: string): Promise<WorkspaceNetwork> {
  const workspace = await readWorkspace(ctx, id);
  const { merged } = await readPolicies(ctx, ctx.db, workspace.template_id);
  const version = await ctx.db.first<{ spec: string }>(
    `SELECT v.spec FROM workspaces w JOIN template_versions v ON v.tenant_id = w.tenant_id AND v.id = w.version_id
     WHERE w.tenant_id = ? AND w.id = ?`,
    ctx.db.tenantId,
    id,
  );
  if (!version) throw new AppError('not-found', 'There is no such workspace');
  const { hosts, git, resources } = networkOf(merged, parseSpec(version.spec));
  return {
    egress: merged.egress.value,
    hosts,
    git,
    resources: resources.map((each, index) => {
      const { variable, port } = resourceInside(each, index);
      return { ...each, variable, address: `127.0.0.1:${port}` };
    }),
  };
}
