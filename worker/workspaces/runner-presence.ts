import { driversOf, type FromRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { commit, eventOf, GuardFailed } from '../platform/commit.ts';
import type { Context } from '../platform/context.ts';
import { statement } from '../platform/tenant-db.ts';

type RunnerAlone = Omit<Context, 'tenant'>;

const resourceOf = (ctx: RunnerAlone) =>
  ctx.actor.type === 'runner'
    ? { type: 'runner' as const, id: ctx.actor.id, name: ctx.actor.name }
    : { type: 'runner' as const, id: null, name: 'runner' };

/** The runner has proved itself. Dialling again while it counts as online refreshes the facts without an event. */
export async function markOnline(ctx: RunnerAlone, proof: Extract<FromRunner, { kind: 'proof' }>): Promise<void> {
  const { id } = resourceOf(ctx);
  const now = ctx.now().toISOString();
  const facts = statement(
    `UPDATE runners SET version = ?3, platform = ?4, labels = ?5, drivers = ?6, warnings = ?7, last_seen_at = ?8, enforces = ?9, understands = ?10
     WHERE tenant_id = ?1 AND id = ?2 AND deleted_at IS NULL AND revoked_at IS NULL`,
    ctx.db.tenantId,
    id,
    proof.version,
    proof.platform,
    JSON.stringify(proof.labels),
    JSON.stringify(driversOf(proof)),
    JSON.stringify(proof.warnings),
    now,
    proof.enforces === undefined ? null : JSON.stringify(proof.enforces),
    proof.understands === undefined ? null : JSON.stringify(proof.understands),
  );
  await ctx.db.batch([facts]);
  await change(ctx, 1, 'runner.connect', { version: proof.version, platform: proof.platform });
}

export async function markOffline(ctx: RunnerAlone, reason: string): Promise<void> {
  await change(ctx, 0, 'runner.disconnect', {}, reason);
}

export async function saveLoad(ctx: RunnerAlone, { kind: _kind, warnings, ...load }: Extract<FromRunner, { kind: 'load' }>): Promise<void> {
  await ctx.db.batch([
    statement(
      'UPDATE runners SET load = ?3, last_seen_at = ?4, warnings = coalesce(?5, warnings) WHERE tenant_id = ?1 AND id = ?2',
      ctx.db.tenantId,
      resourceOf(ctx).id,
      JSON.stringify(load),
      ctx.now().toISOString(),
      warnings === undefined ? null : JSON.stringify(warnings),
    ),
  ]);
}

/** Online or offline, with its event; nothing where it is so already. */
async function change(
  ctx: RunnerAlone,
  online: 0 | 1,
  action: 'runner.connect' | 'runner.disconnect',
  details: Record<string, string>,
  reason?: string,
): Promise<void> {
  const guard = statement(
    'UPDATE runners SET online = ?3, last_seen_at = ?4 WHERE tenant_id = ?1 AND id = ?2 AND online <> ?3 AND deleted_at IS NULL AND revoked_at IS NULL',
    ctx.db.tenantId,
    resourceOf(ctx).id,
    online,
    ctx.now().toISOString(),
  );
  try {
    await commit(ctx, {
      guard,
      events: [eventOf(ctx, { action, resource: resourceOf(ctx), details, ...(reason === undefined ? {} : { reason }) })],
    });
  } catch (error) {
    if (!(error instanceof GuardFailed)) throw error;
  }
}
