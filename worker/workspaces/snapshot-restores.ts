import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import type { EventFacts } from '../platform/commit.ts';
import type { Context } from '../platform/context.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { endRestore, findRestore } from './snapshots.store.ts';

/**
 * What a runner's report ends beside a wish: a restore. After one in place that failed the old home stands and nothing more is
 * wanted; one that moves a workspace is wanted until it worked out, so that no start ever makes an empty home.
 */
export async function endOfRestore(
  ctx: Omit<Context, 'tenant'>,
  workspace: { id: string; name: string },
  report: WorkspaceReport,
): Promise<{ changes: Statement[]; events: EventFacts[] }> {
  const restore = await findRestore(ctx.db, workspace.id, report.generation);
  if (restore === undefined) return { changes: [], events: [] };
  const isFailed = report.phase === 'failed';
  const isOver = !isFailed || restore.restore_kind === 'replace';
  return {
    changes: isOver ? [endRestore(ctx.db, workspace.id)] : [],
    events: [
      {
        action: 'workspace.home.restored',
        resource: { type: 'workspace', ...workspace },
        workspaceId: workspace.id,
        outcome: isFailed ? 'failure' : 'success',
        ...(isFailed && report.error ? { reason: report.error } : {}),
        details: { snapshot: restore.restore_id },
      },
    ],
  };
}
