import type { AuditAction, DraftEvent } from '@gatehouse/core/audit/event.ts';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import type { Services } from '../platform/context.ts';
import { objectContext } from '../platform/object-context.ts';
import { wish } from './workspaces.store.ts';

export interface Stopping {
  tenant_id: string;
  id: string;
  name: string;
  runner_id: string;
  generation: number;
}

/** Stops a workspace in the name of the product, if it is still as the sweep saw it, and tells all whom it concerns. */
export async function stopByItself(
  services: Services,
  shard: string,
  workspace: Stopping,
  why: { reason: string; details: DraftEvent['details'] },
): Promise<void> {
  const { tenant_id: tenantId, id, name } = workspace;
  const ctx = objectContext(services, { tenantId, shard }, { type: 'system', name: 'Gatehouse' });
  const action: AuditAction = 'workspace.stop';
  const event = eventOf(ctx, { action, resource: { type: 'workspace', id, name }, workspaceId: id, ...why });
  try {
    await commit(ctx, { guard: wish(tenantId, workspace, 'stopped', services.now()), events: [event] });
  } catch (error) {
    // Somebody started, stopped or deleted it at this moment.
    if (error instanceof GuardFailed) return;
    throw error;
  }
  await services.workspaces.order(shard, workspace.runner_id, id);
  await services.workspaces.stop(shard, id);
}
