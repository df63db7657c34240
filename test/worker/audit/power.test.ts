import { describe, expect, test } from 'vitest';
import { invitationCreated } from '@gatehouse/core/api/directory.ts';
import { findingList } from '@gatehouse/core/api/findings.ts';
import { assignment } from '@gatehouse/core/api/roles.ts';
import { serviceAccount } from '@gatehouse/core/api/service-accounts.ts';
import { tokenCreated } from '@gatehouse/core/api/tokens.ts';
import { arrive } from '../../support/findings.ts';
import { give, given, inHours, makeGroup, makeRole, putIn, setManagers, takeOut } from '../../support/groups.ts';
import { addUser, api, call, fragmentOf, mintTenant, PASSWORD, problem, read, unique, type Tenant } from '../../support/tenants.ts';

/** What was found of the ways to give power, the first first. */
async function found(tenant: Tenant): Promise<string[]> {
  await arrive(tenant);
  const { items } = read(await api(tenant.owner).get('/detections/findings'), findingList);
  return items
    .filter(({ rule }) => rule.id === 'admin-grant' || rule.id === 'self-grant')
    .map(({ rule, subject }) => `${rule.id}: ${subject}`)
    .reverse();
}
const tagOf = (answer: { headers: Headers }) => ({ 'If-Match': answer.headers.get('ETag') ?? '' });
const roleWith = (tenant: Tenant, permission: string) => makeRole(tenant, [permission], `Of ${permission}`);
async function changeRole(tenant: Tenant, id: string, permissions: string[]): Promise<void> {
  const seen = await api(tenant.owner).get(`/roles/${id}`);
  expect((await api(tenant.owner).patch(`/roles/${id}`, { permissions }, tagOf(seen))).status).toBe(200);
}

describe('power over access is found however it is given', () => {
  test('a built-in role to a person, and to a group', async () => {
    const tenant = await mintTenant();
    await give(tenant.owner, await addUser(tenant, [], 'Ana'), 'user-admin');
    await give(tenant.owner, await makeGroup(tenant, 'Admins'), 'owner');
    expect(await found(tenant)).toEqual(['admin-grant: User admin to Ana', 'admin-grant: Owner to Admins']);
  });

  test.each(['role:assign', 'role:update', 'group:update', 'service-account:manage'])('a custom role that holds %s', async (permission) => {
    const tenant = await mintTenant();
    await give(tenant.owner, await addUser(tenant, [], 'Ana'), (await roleWith(tenant, permission)).id);
    expect(await found(tenant)).toEqual([`admin-grant: Of ${permission} to Ana`]);
  });

  test('a role that goes on for longer, not one that ends sooner', async () => {
    const tenant = await mintTenant();
    const id = await given(give(tenant.owner, await addUser(tenant, [], 'Ana'), 'user-admin', inHours(2)));
    await api(tenant.owner).patch(`/role-assignments/${id}`, { expiresAt: inHours(1) });
    expect(await found(tenant)).toHaveLength(1);
    await api(tenant.owner).patch(`/role-assignments/${id}`, { expiresAt: null });
    expect(await found(tenant)).toEqual(['admin-grant: User admin to Ana', 'admin-grant: User admin of Ana']);
  });

  test('a place in a group that has such a role, or is in one that has; a longer one, too', async () => {
    const tenant = await mintTenant();
    const [top, low, inner] = [await makeGroup(tenant, 'Top'), await makeGroup(tenant, 'Low'), await makeGroup(tenant, 'Inner')];
    await putIn(tenant.owner, top, low);
    await give(tenant.owner, top, (await roleWith(tenant, 'role:assign')).id);
    const [ana, ben] = [await addUser(tenant, [], 'Ana'), await addUser(tenant, [], 'Ben')];
    await putIn(tenant.owner, low, ana, ben);
    await putIn(tenant.owner, low, inner);
    const change = (expiresAt: string | null) =>
      api(tenant.owner).patch(`/groups/${low.id}/members`, { add: [{ type: 'user', id: ana.id, expiresAt }] });
    await change(inHours(1));
    await change(inHours(2));
    await takeOut(tenant.owner, low, ana, ben);
    expect(await found(tenant)).toEqual([
      'admin-grant: Of role:assign to Top',
      'admin-grant: Ana and 1 more in group Low',
      'admin-grant: Inner in group Low',
      'admin-grant: Ana in group Low',
    ]);
  });

  test.each([{ roles: ['user-admin'] }, { groups: true }])('an invitation that was accepted, with %j', async (offers) => {
    const tenant = await mintTenant();
    const group = await makeGroup(tenant, 'Admins');
    await give(tenant.owner, group, 'user-admin');
    const offer = 'groups' in offers ? { groups: [group.id] } : offers;
    const invited = read(
      await api(tenant.owner).post('/invitations', { email: `${unique()}@acme.test`, roles: [], ...offer }),
      invitationCreated,
    );
    expect(await found(tenant)).toEqual(['admin-grant: User admin to Admins']);
    const body = { token: fragmentOf(invited.link), name: 'Ana', password: PASSWORD };
    expect((await call('POST', '/invitations/accept', { body })).status).toBe(201);
    expect((await found(tenant)).slice(1)).toEqual(['admin-grant: Ana, by an invitation']);
  });

  test('a role that gains it', async () => {
    const tenant = await mintTenant();
    const { id } = await makeRole(tenant, ['user:read'], 'Helpers');
    await give(tenant.owner, await addUser(tenant), id);
    await changeRole(tenant, id, ['user:read', 'audit:read']);
    expect(await found(tenant)).toEqual([]);
    await changeRole(tenant, id, ['user:read', 'group:update']);
    await changeRole(tenant, id, ['group:update']);
    expect(await found(tenant)).toEqual(['admin-grant: all who hold role Helpers']);
  });

  test('a service account that is made with it, or gets it, and tokens that carry it', async () => {
    const tenant = await mintTenant();
    await api(tenant.owner).post('/service-accounts', { name: 'sync', roles: ['user-admin'] });
    const { id } = read(await api(tenant.owner).post('/service-accounts', { name: 'robot' }), serviceAccount);
    await api(tenant.owner).patch(`/service-accounts/${id}`, { roles: ['user-admin'] });
    await api(tenant.owner).patch(`/service-accounts/${id}`, { roles: ['user-admin', 'auditor'] });
    await api(tenant.owner).post(`/service-accounts/${id}/tokens`, { name: 'ci', scopes: ['user:read', 'group:update'] });
    await api(tenant.owner).post('/me/tokens', { name: 'mine', scopes: ['role:assign'] });
    expect(await found(tenant)).toEqual([
      'admin-grant: service account sync',
      'admin-grant: service account robot',
      'admin-grant: API token ci',
      'admin-grant: API token mine',
    ]);
  });
});

describe('what somebody gives themselves is found as that, and as nothing else', () => {
  test('by a role, a group, and a role that they hold', async () => {
    const tenant = await mintTenant();
    await give(tenant.owner, tenant.owner, 'user-admin');
    const group = await makeGroup(tenant, 'Admins');
    await setManagers(tenant, group, tenant.owner);
    await give(tenant.owner, group, 'auditor');
    await putIn(tenant.owner, group, tenant.owner);
    const { id } = await makeRole(tenant, ['user:read'], 'Helpers');
    await give(tenant.owner, tenant.owner, id);
    await changeRole(tenant, id, ['user:read', 'role:assign']);
    const all = await found(tenant);
    expect(all).toHaveLength(4);
    expect(new Set(all.map((each) => each.split(':')[0]))).toEqual(new Set(['self-grant']));
  });

  test('a group’s manager who is no owner cannot, and what was refused is not found', async () => {
    const tenant = await mintTenant();
    const ana = await addUser(tenant, ['user-admin'], 'Ana');
    const group = await makeGroup(tenant, 'Admins');
    await setManagers(tenant, group, ana);
    await give(tenant.owner, group, 'user-admin');
    expect(problem(await putIn(ana, group, ana)).detail).toContain('Only owners');
    expect(await found(tenant)).toEqual(['admin-grant: User admin to Admins']);
  });

  test('also a service account', async () => {
    const tenant = await mintTenant();
    const { id } = read(await api(tenant.owner).post('/service-accounts', { name: 'robot', roles: ['owner'] }), serviceAccount);
    const asked = { name: 'ci', scopes: ['service-account:manage', 'role:assign'] };
    const { secret } = read(await api(tenant.owner).post(`/service-accounts/${id}/tokens`, asked), tokenCreated);
    const headers = { Authorization: `Bearer ${secret}` };
    const changed = await call('PATCH', `/service-accounts/${id}`, { body: { roles: ['owner', 'user-admin'] }, headers });
    expect([changed.status, (await found(tenant)).at(-1)]).toEqual([200, 'self-grant: robot']);
  });
});

describe('what is ordinary is none of it', () => {
  test('roles without power over access, one that nobody has, and keys that carry none', async () => {
    const tenant = await mintTenant();
    const ana = await addUser(tenant, [], 'Ana');
    for (const role of ['auditor', 'template-admin', (await makeRole(tenant, ['user:invite', 'template:admin', 'policy:update'])).id])
      read(await give(tenant.owner, ana, role), assignment);
    await makeRole(tenant, ['role:assign']);
    await api(tenant.owner).post('/service-accounts', { name: 'siem', roles: ['auditor'] });
    await api(tenant.owner).post('/me/tokens', { name: 'mine', scopes: ['audit:read'] });
    expect(await found(tenant)).toEqual([]);
  });

  test('groups that give no role, or none with power, whoever edits them', async () => {
    const tenant = await mintTenant();
    const [ana, ben] = [await addUser(tenant, [], 'Ana'), await addUser(tenant, [], 'Ben')];
    const [plain, auditors] = [await makeGroup(tenant), await makeGroup(tenant)];
    await give(tenant.owner, auditors, 'auditor');
    await putIn(tenant.owner, auditors, ana);
    await putIn(tenant.owner, plain, tenant.owner);
    await setManagers(tenant, plain, ana);
    expect((await putIn(ana, plain, ana, ben)).status).toBe(200);
    expect(await found(tenant)).toEqual([]);
  });
});
