import { beforeEach, describe, expect, test } from 'vitest';
import { providerRemovalPreview } from '@gatehouse/core/api/identity-providers.ts';
import { groupMapping } from '@gatehouse/core/api/group-mappings.ts';
import { groupDetail } from '@gatehouse/core/api/groups.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { give, given, makeGroup, makeRole, membersOf } from '../../support/groups.ts';
import { connect, mintClient } from '../../support/oidc/sign-in.ts';
import { insertDirectoryGroup, insertDirectoryUser, makeProvider } from '../../support/providers.ts';
import { ownDomain } from '../../support/scim.ts';
import { addUser, api, eventsOf, mintTenant, problem, read, services, unique, type Person, type Tenant } from '../../support/tenants.ts';

/** A provider is removed: what it gave ends with it, or stays as if it had been given by hand. */

let tenant: Tenant;
let provider: string;
let ana: Person;
let ben: Person;
let group: { id: string; name: string };
const owner = () => api(tenant.owner);
const remove = (by: Pick<Person, 'cookie'>, query = '') => api(by).delete(`/identity-providers/${provider}${query}`);
const preview = async () => read(await owner().get(`/identity-providers/${provider}/removal`), providerRemovalPreview);
const rolesOf = async (person: Person) => read(await api(person).get('/me'), me).user.roles.toSorted();
const map = async (pattern: string, target: object, kind = 'name') =>
  read(await owner().post(`/identity-providers/${provider}/mappings`, { kind, pattern, target }), groupMapping);
/** As its claims would have given it. */
const giveByClaim = (person: { id: string }, role: string) =>
  tenant.db.batch([
    statement(
      `INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at, created_by) VALUES (?, ?, ?, 'user', ?, ?, ?)`,
      ...[tenant.id, services().newId('roleAssignment'), role, person.id, new Date().toISOString(), provider],
    ),
  ]);

beforeEach(async () => {
  tenant = await mintTenant();
  provider = await makeProvider(tenant);
  [ana, ben] = [await addUser(tenant), await addUser(tenant)];
  group = await insertDirectoryGroup(tenant, provider, `gh-${unique()}`, [ana.id]);
  await insertDirectoryUser(tenant, provider, ana.id, true);
  await map(group.name, { type: 'role', id: 'auditor' });
  await map('gh-', { type: 'made-group', name: '$1', whenGone: 'delete' }, 'prefix');
  await giveByClaim(ben, 'template-admin');
  await ownDomain(tenant, `${unique()}.example`, provider);
});
const madeName = () => group.name.slice(3);
const groupsCalled = (name: string) =>
  tenant.db.rows('SELECT source, kept_by FROM groups WHERE tenant_id = ? AND name = ?', tenant.id, name);

describe('before', () => {
  test('it says who would lose what, and changes nothing', async () => {
    expect(await preview()).toMatchObject({
      ...{ losing: 2, mappings: 2, people: 1, moreGroups: 0, obstacle: null, domains: [expect.stringContaining('.example')] },
      roles: [{ name: 'Template admin', people: 1, names: [ben.name] }],
      groups: [{ id: group.id, people: 1, gives: ['role Auditor', `membership of ${madeName()}`] }],
    });
    expect([await rolesOf(ana), await rolesOf(ben)]).toEqual([['auditor'], ['template-admin']]);
  });
});

describe('what it gave ends with it', () => {
  test('roles, groups, what mappings gave and made; people and what was given by hand stay; in one commit with its events', async () => {
    await give(tenant.owner, ben, 'auditor');
    const answer = await remove(tenant.owner);
    expect(answer.status).toBe(204);
    expect([await rolesOf(ana), await rolesOf(ben)]).toEqual([[], ['auditor']]);
    expect([await groupsCalled(group.name), await groupsCalled(madeName())]).toEqual([[], []]);
    const events = (await eventsOf(tenant)).filter(({ requestId }) => requestId === answer.headers.get('X-Request-Id'));
    expect(events.map(({ action, resource }) => `${action} ${action === 'idp.delete' ? '' : resource.name}`).toSorted()).toEqual(
      [
        'idp.delete ',
        `role.unassign Template admin from ${ben.name}`,
        `group.delete ${group.name}`,
        `group.delete ${madeName()}`,
      ].toSorted(),
    );
    expect(events.find(({ action }) => action === 'idp.delete')?.details).toMatchObject({ gave: 'ends', roles: 1, groups: 1, people: 1 });
    expect(events.find(({ resource }) => resource.id === group.id)?.diff).toContainEqual({
      path: 'role Auditor',
      old: true,
      new: null,
      secret: false,
    });
    for (const table of ['scim_users', 'scim_groups', 'group_mappings', 'scim_tokens', 'identities'])
      expect(await tenant.db.rows(`SELECT 1 FROM ${table} WHERE tenant_id = ?`, tenant.id)).toEqual([]);
    expect(problem(await remove(tenant.owner))).toMatchObject({ code: 'not-found' });
  });

  test('not while that would leave no owner, nor while it is the only way in', async () => {
    await insertDirectoryGroup(tenant, provider, 'owners', [ana.id]);
    await map('owners', { type: 'role', id: 'owner' });
    const { items } = (await api(ana).get(`/role-assignments?subject=${tenant.owner.id}`)).body as { items: Array<{ id: string }> };
    for (const { id } of items) await api(ana).delete(`/role-assignments/${id}`);
    expect(problem(await remove(ana))).toMatchObject({ status: 409, detail: expect.stringContaining('without an active owner') });
    expect(await groupsCalled('owners')).toHaveLength(1);
    expect((await remove(ana, '?gives=keep')).status).toBe(204);
    expect(await rolesOf(ana)).toEqual(['auditor', 'owner']);
  });

  test('not while it is the only way in', async () => {
    await tenant.db.batch([statement('UPDATE tenants SET sso_required = 1 WHERE tenant_id = ?', tenant.id)]);
    expect((await preview()).obstacle).toContain('switch another on');
    expect(problem(await remove(tenant.owner))).toMatchObject({ status: 409, detail: expect.stringContaining('switch another on') });
    await connect(tenant, (await mintClient()).config);
    expect((await preview()).obstacle).toBeNull();
  });
});

describe('what it gave stays', () => {
  test('as if whoever removed it had given it: groups are edited by hand from then on', async () => {
    const answer = await remove(tenant.owner, '?gives=keep');
    expect(answer.status).toBe(204);
    expect([await rolesOf(ana), await rolesOf(ben)]).toEqual([['auditor'], ['template-admin']]);
    const local = { source: 'local', kept_by: null };
    expect([await groupsCalled(group.name), await groupsCalled(madeName())]).toEqual([[local], [local]]);
    expect(read(await owner().get(`/groups/${group.id}`), groupDetail)).toMatchObject({ users: 1, may: { editMembers: true } });
    expect((await membersOf(tenant.owner, group)).map(({ id }) => id)).toEqual([ana.id]);
    const [event] = (await eventsOf(tenant)).filter(({ action }) => action === 'idp.delete');
    expect(event?.details).toMatchObject({ gave: 'stays' });
    const givers = await tenant.db.rows<{ created_by: string }>(
      "SELECT created_by FROM role_assignments WHERE tenant_id = ? AND role IN ('auditor', 'template-admin')",
      tenant.id,
    );
    expect(new Set(givers.map(({ created_by: by }) => by))).toEqual(new Set([tenant.owner.id]));
  });

  test('not by somebody who could not give it', async () => {
    const manager = await addUser(tenant);
    await given(give(tenant.owner, manager, (await makeRole(tenant, ['idp:read', 'idp:manage'])).id));
    expect(problem(await remove(manager, '?gives=keep'))).toMatchObject({ code: 'permission-denied' });
    expect((await remove(manager)).status).toBe(204);
  });
});

test('the groups that its tokens named end, too', async () => {
  const oidc = await makeGroup(tenant);
  await tenant.db.batch([
    statement("UPDATE groups SET source = 'oidc' WHERE tenant_id = ? AND id = ?", tenant.id, oidc.id),
    statement('INSERT INTO sso_groups (tenant_id, provider_id, value, group_id) VALUES (?, ?, ?, ?)', tenant.id, provider, 'x', oidc.id),
    statement(
      "INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, 'user', ?)",
      tenant.id,
      oidc.id,
      ben.id,
    ),
  ]);
  expect((await preview()).groups).toHaveLength(2);
  await remove(tenant.owner);
  expect(await groupsCalled(oidc.name)).toEqual([]);
});
