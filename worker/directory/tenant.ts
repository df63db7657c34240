import type { z } from 'zod';
import { QUOTAS, type Quota, type tenant, type tenantUpdate } from '@gatehouse/core/api/directory.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, require } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
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
  const used = await ctx.db.first<Record<Quota, number>>(`SELECT ${columns.join(', ')}`, ctx.db.tenantId);
  return { ...ctx.tenant, quotas: names.map((name) => ({ name, used: used?.[name] ?? 0, limit: QUOTAS[name] })) };
}

export async function changeTenant(ctx: UserContext, input: z.infer<typeof tenantUpdate>): Promise<Tenant> {
  const facts = { action: 'tenant.update', resource: { type: 'tenant', id: ctx.tenant.id, name: input.name } } as const;
  await require(ctx, 'tenant:update', facts);
  const changed = diff({ name: 'tracked' }, { name: ctx.tenant.name }, { name: input.name });
  if (changed.length === 0) return readTenant(ctx);
  const guard = statement('UPDATE tenants SET name = ? WHERE tenant_id = ? AND name = ?', input.name, ctx.tenant.id, ctx.tenant.name);
  const event = eventOf(ctx, { ...facts, status: 200, diff: changed });
  await onGuard(commit(ctx, { guard, events: [event] }), () => new AppError('conflict', 'Somebody else changed the name in the meantime'));
  // The directory's copy only serves the operator's list.
  const copied = updatePlace(ctx.directory, ctx.tenant.id, { name: input.name });
  ctx.defer(
    copied.catch((error: unknown) => ctx.log('warn', 'the directory keeps the old name', { tenant: ctx.tenant.id, error: String(error) })),
  );
  return readTenant({ ...ctx, tenant: { ...ctx.tenant, name: input.name } });
}
