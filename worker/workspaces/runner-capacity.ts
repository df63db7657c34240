import type { z } from 'zod';
import type { runnerUpdate } from '@gatehouse/core/api/runner-capacity.ts';
import type { Runner } from '@gatehouse/core/api/runners.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { statement } from '../platform/tenant-db.ts';
import { admit } from './queue.store.ts';
import { manageable, resourceOf } from './runners.ts';
import { presentRunner } from './runners.store.ts';

/** How many workspaces run on it at once. A larger number lets in who waits, a smaller one stops nothing. */
export async function changeRunner(ctx: UserContext, id: string, { capacity }: z.infer<typeof runnerUpdate>): Promise<Runner> {
  const action = 'runner.update';
  const runner = await manageable(ctx, id, action);
  if (runner.capacity === capacity) return presentRunner(runner);
  const guard = statement(
    'UPDATE runners SET capacity = ?3 WHERE tenant_id = ?1 AND id = ?2 AND capacity IS ?4 AND deleted_at IS NULL',
    ...[ctx.db.tenantId, id, capacity, runner.capacity],
  );
  const diff = [{ path: 'capacity', old: runner.capacity, new: capacity, secret: false }];
  const event = eventOf(ctx, { action, resource: resourceOf(runner), status: 200, diff });
  await onGuard(
    commit(ctx, { guard, changes: [admit(ctx.db.tenantId, id)], events: [event] }),
    () => new AppError('conflict', 'Somebody changed the runner in the meantime. Look again.'),
  );
  ctx.defer(ctx.workspaces.dispatch(ctx.db.shard, id));
  return presentRunner(await manageable(ctx, id, action));
}
