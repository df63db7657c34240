import { describe, expect, test } from 'vitest';
import { runRevocation, sweepRevocations } from '../../../worker/access/revocation.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { attachTo, join, makePair } from '../../support/site.ts';
import { addUser, api, eventsOf, services, type Tenant } from '../../support/tenants.ts';

const tasksOf = (tenant: Tenant) => tenant.db.rows<{ id: string }>('SELECT id FROM revocations WHERE tenant_id = ?', tenant.id);
const keptTask = async (tenant: Tenant, createdAt: string) => {
  const id = services().newId('revocation');
  await tenant.db.batch([
    statement(
      'INSERT INTO revocations (tenant_id, id, users, cause, created_at) VALUES (?, ?, NULL, ?, ?)',
      tenant.id,
      id,
      'A test',
      createdAt,
    ),
  ]);
  return id;
};
const takeAclAway = (tenant: Tenant, templateId: string) =>
  tenant.db.batch([statement('DELETE FROM template_acl WHERE tenant_id = ? AND template_id = ?', tenant.id, templateId)]);

describe('taking `use` away', () => {
  test('closes the open connection with 4403, says why in the trail, and leaves no task', async () => {
    const { viewer, site, connectionId } = await makePair();
    const { headers } = await api(site.tenant.owner).get(`/templates/${site.templateId}/acl`);
    await api(site.tenant.owner).put(`/templates/${site.templateId}/acl`, { items: [] }, { 'If-Match': headers.get('ETag') ?? '' });
    expect((await viewer.closed).code).toBe(4403);
    await expect
      .poll(
        async () =>
          (await eventsOf(site.tenant)).find(({ action, resource }) => action === 'connection.end' && resource.id === connectionId)?.reason,
      )
      .toBe('Who may use template shell changed');
    await expect.poll(() => tasksOf(site.tenant)).toEqual([]);
  });

  test('keeps the connections of those who may still use it', async () => {
    const { viewer, site, running } = await makePair();
    const other = await join(site.tenant.owner, running.id);
    await takeAclAway(site.tenant, site.templateId);
    await runRevocation(services(), 's0', site.tenant.id, await keptTask(site.tenant, new Date().toISOString()));
    expect((await viewer.closed).code).toBe(4403);
    expect(other.viewer.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('makes a ticket worthless that was given out before', async () => {
    const { site, running } = await makePair();
    const pat = await addUser(site.tenant, ['template-admin']);
    const answer = await attachTo(pat, running.id);
    expect(answer.status).toBe(200);
    await site.tenant.db.batch([statement('DELETE FROM role_assignments WHERE tenant_id = ? AND subject_id = ?', site.tenant.id, pat.id)]);
    await runRevocation(services(), 's0', site.tenant.id, await keptTask(site.tenant, new Date().toISOString()));
    const left = await site.tenant.db.rows('SELECT 1 FROM tickets WHERE tenant_id = ? AND user_id = ?', site.tenant.id, pat.id);
    expect(left).toEqual([]);
  });

  test('is done by the sweep when nothing else finished it', async () => {
    const { viewer, site } = await makePair();
    await takeAclAway(site.tenant, site.templateId);
    await keptTask(site.tenant, '2026-01-01T00:00:00.000Z');
    await sweepRevocations(services());
    expect((await viewer.closed).code).toBe(4403);
    expect(await tasksOf(site.tenant)).toEqual([]);
  });
});
