import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { compose } from '../../../worker/compose.ts';
import { commit, eventOf, GuardFailed, type EventContext } from '../../../worker/platform/commit.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';

function contextFor() {
  const services = compose(env, () => {});
  const tenantId = services.newId('tenant');
  const sent: unknown[] = [];
  const ctx: EventContext = {
    ...services,
    db: services.tenantDb('s0', tenantId),
    actor: { type: 'system', name: 'Test' },
    request: null,
    ledger: { ...services.ledger, append: async (...args) => void sent.push(args) },
  };
  return { ctx, tenantId, sent };
}

const addTenant = (id: string) =>
  statement(
    "INSERT INTO tenants (tenant_id, slug, name, region, state, created_at) VALUES (?, 'slug', 'Before', 'auto', 'active', '2026-01-01')",
    id,
  );
const rename = (id: string, from: string) => statement("UPDATE tenants SET name = 'After' WHERE tenant_id = ? AND name = ?", id, from);

describe('a change and its event are one transaction', () => {
  test('both are written, and the event is sent', async () => {
    const { ctx, tenantId, sent } = contextFor();
    await ctx.db.batch([addTenant(tenantId)]);
    await commit(ctx, {
      guard: rename(tenantId, 'Before'),
      events: [eventOf(ctx, { action: 'tenant.update', resource: { type: 'tenant', id: tenantId, name: 'After' } })],
    });
    expect(await ctx.db.first('SELECT name FROM tenants WHERE tenant_id = ?', tenantId)).toEqual({ name: 'After' });
    expect(await ctx.db.rows('SELECT id FROM outbox WHERE tenant_id = ?', tenantId)).toHaveLength(1);
    expect(sent).toHaveLength(1);
  });

  test('a guard that matches nothing leaves neither change, later change nor event', async () => {
    const { ctx, tenantId, sent } = contextFor();
    await ctx.db.batch([addTenant(tenantId)]);
    const work = commit(ctx, {
      guard: rename(tenantId, 'Somebody else’s'),
      changes: [statement("UPDATE tenants SET region = 'eu' WHERE tenant_id = ?", tenantId)],
      events: [eventOf(ctx, { action: 'tenant.update', resource: { type: 'tenant', id: tenantId, name: 'After' } })],
    });
    await expect(work).rejects.toBeInstanceOf(GuardFailed);
    expect(await ctx.db.first('SELECT name, region FROM tenants WHERE tenant_id = ?', tenantId)).toEqual({
      name: 'Before',
      region: 'auto',
    });
    expect(await ctx.db.rows('SELECT id FROM outbox WHERE tenant_id = ?', tenantId)).toHaveLength(0);
    expect(sent).toHaveLength(0);
  });

  test('an event that can’t be written undoes the change', async () => {
    const { ctx, tenantId } = contextFor();
    await ctx.db.batch([addTenant(tenantId)]);
    const broken: EventContext = { ...ctx, newId: () => null as never };
    await expect(commit(broken, { changes: [rename(tenantId, 'Before')], events: [] })).rejects.toThrow();
    expect(await ctx.db.first('SELECT name FROM tenants WHERE tenant_id = ?', tenantId)).toEqual({ name: 'Before' });
  });
});

describe('TenantDb builds nothing that could reach beyond its tenant', () => {
  test.each([
    ['no tenant at all', 'SELECT name FROM users', []],
    ['another tenant bound', 'SELECT name FROM users WHERE tenant_id = ?', ['tnt_other']],
    ['a join without its tenant', 'SELECT u.name FROM users u JOIN sessions s ON s.user_id = u.id WHERE u.tenant_id = ?1', []],
  ])('%s', async (_name, sql, params) => {
    const { ctx, tenantId } = contextFor();
    const bound = sql.includes('?1') ? [tenantId] : params;
    await expect(ctx.db.rows(sql, ...bound)).rejects.toThrow('names no tenant');
  });
});
