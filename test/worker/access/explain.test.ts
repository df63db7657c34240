import { describe, expect, test } from 'vitest';
import { explanation, workspaceAccess } from '@gatehouse/core/api/access.ts';
import { assignRole, inHours, insertGroup, makeTemplate, writeAcl } from '../../support/access.ts';
import { makePair } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, mintTenant, read, type Person } from '../../support/tenants.ts';

const explain = async (as: Person, templateId: string, userId?: string) =>
  read(await api(as).get(`/templates/${templateId}/access${userId ? `?userId=${userId}` : ''}`), explanation);

describe('explain', () => {
  test('answers every way: through nested groups, everyone, an own entry with its end, a tenant role of a group', async () => {
    const tenant = await mintTenant();
    const yuki = await addUser(tenant, [], 'Yuki Sato');
    const night = await insertGroup(tenant, 'Night rota', [{ type: 'user', id: yuki.id }]);
    const payments = await insertGroup(tenant, 'Payments', [{ type: 'group', id: night }]);
    const strangers = await insertGroup(tenant, 'Strangers');
    const id = await makeTemplate(tenant);
    const soon = inHours(8);
    await writeAcl(tenant, id, [
      { subject: { type: 'group', id: payments }, role: 'use' },
      { subject: { type: 'group', id: strangers }, role: 'admin' },
      { subject: { type: 'everyone' }, role: 'view' },
      { subject: { type: 'user', id: yuki.id }, role: 'use', expiresAt: soon },
    ]);
    const found = await explain(tenant.owner, id, yuki.id);
    expect(found).toMatchObject({ role: 'use', until: null, truncated: false, requestId: null, user: { id: yuki.id, active: true } });
    expect(found.paths.map(({ role, groups, by, expiresAt }) => [role, groups.map(({ name }) => name), by.kind, expiresAt])).toEqual([
      ['use', [], 'entry', soon],
      ['use', ['Night rota', 'Payments'], 'entry', null],
      ['view', [], 'entry', null],
    ]);
    const assignmentId = await assignRole(tenant, 'template-admin', { type: 'group', id: payments });
    expect((await explain(tenant.owner, id, yuki.id)).paths[0]).toEqual({
      ...{ role: 'admin', expiresAt: null, by: { kind: 'role', role: 'template-admin', name: 'Template admin', assignmentId } },
      groups: [
        { id: night, name: 'Night rota', expiresAt: null },
        { id: payments, name: 'Payments', expiresAt: null },
      ],
    });
  });

  test('a refusal says whom to ask: those of the template’s own list before those who administer all', async () => {
    const tenant = await mintTenant();
    const pat = await addUser(tenant);
    const lead = await addUser(tenant, [], 'Zoe Lead');
    const id = await makeTemplate(tenant);
    await writeAcl(tenant, id, [
      { subject: { type: 'everyone' }, role: 'view' },
      { subject: { type: 'group', id: await insertGroup(tenant, 'Leads', [{ type: 'user', id: lead.id }]) }, role: 'admin' },
    ]);
    const found = await explain(pat, id);
    expect(found).toMatchObject({ role: 'view', ask: { people: [{ name: 'Zoe Lead' }, { id: tenant.owner.id }], more: 0 } });
    // Of others, and more of them than their names, a member learns nothing.
    expect(JSON.stringify(found)).not.toContain('@');
    expect((await api(pat).get(`/templates/${id}/access?userId=${lead.id}`)).status).toBe(403);
  });

  test('a refusal to explain somebody else is an event, and what one can’t see is not there', async () => {
    const tenant = await mintTenant();
    const pat = await addUser(tenant);
    const id = await makeTemplate(tenant);
    expect((await api(pat).get(`/templates/${id}/access`)).status).toBe(404);
    await writeAcl(tenant, id, [{ subject: { type: 'everyone' }, role: 'use' }]);
    const refused = await api(pat).get(`/templates/${id}/access?userId=${tenant.owner.id}`);
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'access.explain', outcome: 'denied' });
    expect((await explain(await addUser(tenant, ['auditor']), id, pat.id)).role).toBe('use');
  });
});

describe('the owner of a workspace whose access was taken', () => {
  test('learns what took it, that nothing gives it any more, and whom to ask; can ask, stop and delete', async () => {
    const { site, running, viewer } = await makePair();
    const before = read(await api(site.dev).get(`/workspaces/${running.id}/access`), workspaceAccess);
    expect(before).toMatchObject({ allowed: true, needed: 'use', role: 'use', taken: null });
    await writeAcl(site.tenant, site.templateId, []);
    expect((await viewer.closed).code).toBe(4403);
    const accessNow = async () => read(await api(site.dev).get(`/workspaces/${running.id}/access`), workspaceAccess);
    await expect.poll(async () => (await accessNow()).taken?.cause).toBe('Who may use template shell changed');
    expect(await accessNow()).toMatchObject({ allowed: false, role: null, paths: [], ask: { people: [{ id: site.tenant.owner.id }] } });
    // The template itself is not to be seen any more, yet why is.
    expect((await api(site.dev).get(`/templates/${site.templateId}`)).status).toBe(404);
    expect((await explain(site.dev, site.templateId)).role).toBeNull();
    const asked = await api(site.dev).post('/access-requests', { templateId: site.templateId, hours: 1, reason: 'My files' });
    expect(asked.status).toBe(201);
    expect((await accessNow()).requestId).toBe((asked.body as { id: string }).id);
    expect((await api(site.dev).post(`/workspaces/${running.id}/stop`)).status).toBe(202);
    expect((await api(site.dev).delete(`/workspaces/${running.id}`)).status).toBe(202);
  });
});
