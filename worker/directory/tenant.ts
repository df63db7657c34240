import type { z } from 'zod';
import { AUDIT_RETENTION, QUOTAS, type Quota, type tenant, type tenantUpdate } from '@gatehouse/core/api/directory.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, record, require, type EventFacts } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import { statement } from '../platform/tenant-db.ts';
import { updatePlace } from './tenants.store.ts';

type Tenant = z.infer<typeof tenant>;

/** What counts towards each limit. */
const COUNTED: Record<Quota, string> = {
  users: "users WHERE state <> 'deactivated'",
  templates: 'templates WHERE deleted_at IS NULL',
  runners: 'runners WHERE deleted_at IS NULL',
  workspaces: "workspaces WHERE phase <> 'deleted'",
  destinations: 'siem_destinations WHERE TRUE',
  invitations: 'invitations WHERE TRUE',
  groups: 'groups WHERE TRUE',
  roles: 'roles WHERE TRUE',
};
const names = Object.keys(QUOTAS) as Quota[];

export async function readTenant(ctx: UserContext): Promise<Tenant> {
  await require(ctx, 'tenant:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /tenant' } });
  const columns = names.map((name) => `(SELECT count(*) FROM ${COUNTED[name]} AND tenant_id = ?1) AS ${name}`);
  const [used, settings] = await Promise.all([
    ctx.db.first<Record<Quota, number>>(`SELECT ${columns.join(', ')}`, ctx.db.tenantId),
    readSettings(ctx),
  ]);
  return {
    ...ctx.tenant,
    ...settings,
    quotas: names.map((name) => ({ name, used: used?.[name] ?? 0, limit: QUOTAS[name] })),
  };
}

type Settings = Pick<Tenant, 'twoFactorsRequired' | 'auditRetentionDays'>;

async function readSettings({ db }: UserContext): Promise<Settings> {
  const row = await db.first<{ rule: number; days: number }>(
    'SELECT two_factors_required AS rule, audit_retention_days AS days FROM tenants WHERE tenant_id = ?',
    db.tenantId,
  );
  return { twoFactorsRequired: row?.rule === 1, auditRetentionDays: row?.days ?? AUDIT_RETENTION.usual };
}

/**
 * Changes the name, how long the audit log is kept, or the rule that everybody needs a second factor. The rule, in both directions, needs a fresh sign-in, so no token does it;
 * whoever switches it on has a second factor, so that nobody locks the organisation's owners out. To keep the log for less
 * time is to delete evidence: owners alone do it, with a fresh sign-in.
 * @throws AppError `permission-denied`, `browser-only`, `step-up-required`, `not-ready`, `conflict`
 */
export async function changeTenant(ctx: UserContext, input: z.infer<typeof tenantUpdate>): Promise<Tenant> {
  const { tenant: before, actor } = ctx;
  const name = input.name ?? before.name;
  const facts = { action: 'tenant.update', resource: { type: 'tenant', id: before.id, name } } as const;
  await require(ctx, 'tenant:update', facts);
  const old = { name: before.name, ...(await readSettings(ctx)) };
  const next = {
    name,
    twoFactorsRequired: input.twoFactorsRequired ?? old.twoFactorsRequired,
    auditRetentionDays: input.auditRetentionDays ?? old.auditRetentionDays,
  };
  const changed = diff({ name: 'tracked', twoFactorsRequired: 'tracked', auditRetentionDays: 'tracked' }, old, next);
  if (changed.length === 0) return readTenant(ctx);
  if (next.auditRetentionDays < old.auditRetentionDays) await requireOwner(ctx, facts);
  if (next.twoFactorsRequired !== old.twoFactorsRequired) await requireFresh(ctx, facts);
  const begins = next.twoFactorsRequired && !old.twoFactorsRequired;
  if (begins && actor.authentication?.secondFactor !== true)
    throw new AppError('not-ready', 'Set up a second factor of your own first: else this would lock you out, too');
  const guard = statement(
    `UPDATE tenants SET name = ?1, two_factors_required = ?2, audit_retention_days = ?3
     WHERE tenant_id = ?4 AND name = ?5 AND two_factors_required = ?6 AND audit_retention_days = ?7`,
    ...[next.name, next.twoFactorsRequired ? 1 : 0, next.auditRetentionDays, before.id],
    ...[old.name, old.twoFactorsRequired ? 1 : 0, old.auditRetentionDays],
  );
  const event = eventOf(ctx, { ...facts, status: 200, diff: changed });
  // Whoever has no second factor may do nothing now until they have one. Their sessions stay: they set it up in them.
  const lessens = begins ? { lessens: { users: 'everybody' as const, cause: 'Your organisation requires two factors now' } } : {};
  await onGuard(
    commit(ctx, { guard, events: [event], ...lessens }),
    () => new AppError('conflict', 'Somebody else changed it in the meantime'),
  );
  if (next.name !== old.name) copyName(ctx, next.name);
  return readTenant({ ...ctx, tenant: { ...before, name: next.name } });
}

/** @throws AppError `permission-denied` to everybody else, whatever their roles hold; `browser-only`, `step-up-required` */
async function requireOwner(ctx: UserContext, facts: Pick<EventFacts, 'action' | 'resource'>): Promise<void> {
  if (ctx.actor.roles.includes('owner')) {
    await requireFresh(ctx, facts);
    return;
  }
  const reason = 'Only an owner may keep the audit log for less time';
  await record(ctx, { ...facts, outcome: 'denied', status: 403, reason });
  throw new AppError('permission-denied', reason);
}

/** The directory's copy only serves the operator's list. */
function copyName(ctx: UserContext, name: string): void {
  const copied = updatePlace(ctx.directory, ctx.tenant.id, { name });
  ctx.defer(
    copied.catch((error: unknown) => ctx.log('warn', 'the directory keeps the old name', { tenant: ctx.tenant.id, error: String(error) })),
  );
}
