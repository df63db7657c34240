import { z } from 'zod';
import type { QuotaField } from '@gatehouse/core/access/quotas.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { GuardFailed } from '../platform/commit.ts';
import type { Services, UserContext } from '../platform/context.ts';
import { inLanes } from '../platform/lanes.ts';
import { admit } from './queue.store.ts';
import { quotaRefusal } from './quotas.ts';
import { findRunner, type RunnerRow } from './runners.store.ts';

/** How often a place is looked for anew when another took it at the same moment; then one stands in line. */
const TRIES = 4;
/** Runners of one shard that one sweep serves; the rest follows. */
const AT_ONCE = 200;
const LANES = 4;

export const isFull = (runner: RunnerRow): boolean => runner.capacity !== null && runner.places + runner.waiting >= runner.capacity;

/**
 * Makes something at the runner that has most room, and only where none has any in a line.
 * @param make does it, or throws GuardFailed. `mayWait`: also where no place is free
 * @throws AppError why not
 */
export async function atFreePlace(
  ctx: UserContext,
  find: () => Promise<RunnerRow>,
  make: (runner: RunnerRow, mayWait: boolean) => Promise<unknown>,
): Promise<RunnerRow> {
  for (let tried = 1; ; tried += 1) {
    const runner = await find();
    try {
      await make(runner, isFull(runner) || tried >= TRIES);
      return runner;
    } catch (error) {
      if (!(error instanceof GuardFailed)) throw error;
      const refusal = await startRefusal(ctx, ['workspaces', 'running'], null);
      if (refusal !== null) throw refusal;
      if (tried > TRIES) throw error;
    }
  }
}

/** Why a workspace may not be made or started, once a guard has refused it; null when it may. */
export async function startRefusal(ctx: UserContext, counts: readonly QuotaField[], runnerId: string | null): Promise<AppError | null> {
  const runner = runnerId === null ? undefined : await findRunner(ctx.db, runnerId);
  if (runner && runner.revoked_at !== null)
    return new AppError('not-ready', `Runner ${runner.name} was revoked: nothing starts there any more. Files are kept on that machine.`);
  if (runner && runner.drain_since !== null)
    return new AppError('not-ready', `Runner ${runner.name} is being drained: nothing starts there until an administrator lifts that.`);
  return quotaRefusal(ctx, counts);
}

const served = z.object({ tenant_id: z.string(), runner_id: z.string() });

/**
 * What a line is owed and did not get, because the work that should have given it was cut short: a place that is free, or the order
 * that goes with a place. Also lets in those whom an earlier release started without a place.
 */
export async function sweepQueues(services: Services): Promise<void> {
  for (const [shard, d1] of services.shards) {
    await d1
      .prepare(
        `UPDATE workspaces SET waits_since = coalesce(started_at, created_at)
         WHERE rowid IN (SELECT rowid FROM workspaces WHERE desired = 'running' AND phase = 'queued' AND place = 0 AND waits_since IS NULL LIMIT ?)`,
      )
      .bind(AT_ONCE)
      .run();
    const { results } = await d1
      .prepare(
        `SELECT DISTINCT tenant_id, runner_id FROM (
           SELECT w.tenant_id, w.runner_id FROM workspaces w
           JOIN runners r ON r.tenant_id = w.tenant_id AND r.id = w.runner_id AND r.drain_since IS NULL AND r.revoked_at IS NULL
           WHERE w.waits_since IS NOT NULL AND (r.capacity IS NULL OR r.capacity >
             (SELECT count(*) FROM workspaces p WHERE p.tenant_id = r.tenant_id AND p.runner_id = r.id AND p.place = 1))
           UNION ALL
           SELECT w.tenant_id, w.runner_id FROM workspaces w
           JOIN runners r ON r.tenant_id = w.tenant_id AND r.id = w.runner_id AND r.online = 1
           WHERE w.place = 1 AND w.phase = 'queued' AND w.desired = 'running'
         ) LIMIT ?`,
      )
      .bind(AT_ONCE)
      .all();
    const failed = await inLanes(
      LANES,
      results.map((row) => served.parse(row)),
      async ({ tenant_id, runner_id }) => {
        await services.tenantDb(shard, tenant_id).batch([admit(tenant_id, runner_id)]);
        await services.workspaces.dispatch(shard, runner_id);
      },
    );
    for (const { item, error } of failed)
      services.log('error', 'a line before a runner was not served', { shard, runner: item.runner_id, error: String(error) });
  }
}
