import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { tenant as tenantShape } from '@gatehouse/core/api/directory.ts';
import { give, makeRole } from '../../support/groups.ts';
import { addToken, addUser, api, call, eventOfAnswer, mintTenant, problem, read } from '../../support/tenants.ts';

vi.setConfig({ testTimeout: 30_000 });

describe('how long the audit log is kept', () => {
  test('is a year, until an owner says otherwise; the event tells from what to what, and by it the ledger knows', async () => {
    const tenant = await mintTenant();
    expect(read(await api(tenant.owner).get('/tenant'), tenantShape).auditRetentionDays).toBe(365);
    const answer = await api(tenant.owner).patch('/tenant', { auditRetentionDays: 90 });
    expect(read(answer, tenantShape).auditRetentionDays).toBe(90);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'tenant.update', outcome: 'success' },
      diff: [{ path: 'auditRetentionDays', old: 365, new: 90 }],
    });
    const ledger = env.AUDIT_LEDGER.getByName(tenant.id);
    await vi.waitFor(async () => expect((await ledger.status()).retention.days).toBe(90), { timeout: 10_000, interval: 100 });
    await api(tenant.owner).patch('/tenant', { name: 'Renamed' });
    expect(read(await api(tenant.owner).get('/tenant'), tenantShape)).toMatchObject({ name: 'Renamed', auditRetentionDays: 90 });
  });

  test.each([29, 3651, 90.5, '90', null])('is thirty days to ten years: not %j', async (auditRetentionDays) => {
    const tenant = await mintTenant();
    const answer = await api(tenant.owner).patch('/tenant', { auditRetentionDays });
    expect(problem(answer)).toMatchObject({ status: 422, errors: [{ path: 'auditRetentionDays' }] });
  });

  test('is made shorter by owners alone, whatever a role of the organisation’s own holds; longer by whoever holds tenant:update', async () => {
    const tenant = await mintTenant();
    const maker = await addUser(tenant);
    await give(tenant.owner, maker, (await makeRole(tenant, ['tenant:read', 'tenant:update'])).id);
    const refused = await api(maker).patch('/tenant', { auditRetentionDays: 364 });
    expect(problem(refused)).toMatchObject({ status: 403, code: 'permission-denied', detail: expect.stringContaining('Only an owner') });
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'tenant.update', outcome: 'denied', actor: { id: maker.id } });
    expect(read(await api(maker).patch('/tenant', { auditRetentionDays: 400 }), tenantShape).auditRetentionDays).toBe(400);
  });

  test('is made shorter by no token, not even an owner’s with every scope', async () => {
    const tenant = await mintTenant();
    const { headers } = await addToken(tenant, tenant.owner);
    const answer = await call('PATCH', '/tenant', { body: { auditRetentionDays: 90 }, headers });
    expect(problem(answer)).toMatchObject({ status: 403, code: 'browser-only' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'tenant.update', outcome: 'denied', actor: { via: 'token' } });
    expect((await call('PATCH', '/tenant', { body: { auditRetentionDays: 400 }, headers })).status).toBe(200);
  });
});
