import { beforeAll, describe, expect, test } from 'vitest';
import { directoryGroupList, drift, groupMapping, groupMappingList, mappingPreview, synced } from '@gatehouse/core/api/group-mappings.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { assignmentList } from '@gatehouse/core/api/roles.ts';
import { mappedGroup, mappingsFrom, mappingsQuery } from '../../../worker/providers/mapped.ts';
import { makeGroup, makeRole, membersOf, putIn, takeOut } from '../../support/groups.ts';
import { insertDirectoryGroup, insertDirectoryUser, makeProvider } from '../../support/providers.ts';
import { makeTemplate } from '../../support/access.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read, services, type Person, type Tenant } from '../../support/tenants.ts';

let tenant: Tenant;
let provider: string;
let ana: Person;
const owner = () => api(tenant.owner);
const at = (path = '') => `/identity-providers/${provider}${path}`;
const map = async (kind: string, pattern: string, target: object) =>
  read(await owner().post(at('/mappings'), { kind, pattern, target }), groupMapping);
const rolesOf = async (person: Person) => read(await api(person).get('/me'), me).user.roles;
const template = (id: string) => ({ type: 'template', id });
const role = (id: string) => ({ type: 'role', id });

beforeAll(async () => {
  tenant = await mintTenant();
  provider = await makeProvider(tenant);
  ana = await addUser(tenant);
});

describe('a mapping', () => {
  test('gives a role to all groups of such names, those that are there and those to come, and takes it back when it is removed', async () => {
    await insertDirectoryGroup(tenant, provider, 'sec-audit-eu', [ana.id]);
    await insertDirectoryGroup(tenant, provider, 'sales');
    const made = await map('prefix', 'SEC-audit-', role('auditor'));
    expect(made.groups.map(({ name }) => name)).toEqual(['sec-audit-eu']);
    expect(await rolesOf(ana)).toEqual(['auditor']);

    const late = await addUser(tenant);
    const group = await insertDirectoryGroup(tenant, provider, 'Sec-Audit-US', [late.id]);
    const [mappings] = await tenant.db.batch([mappingsQuery(tenant.db, provider)]);
    const given = { newId: services().newId, now: new Date().toISOString() };
    await tenant.db.batch(mappedGroup(tenant.db, mappingsFrom(mappings?.rows), { id: group.id, display_name: group.name }, given).changes);
    expect(await rolesOf(late)).toEqual(['auditor']);

    // Renamed by the directory: it is not meant any more.
    await tenant.db.batch(mappedGroup(tenant.db, mappingsFrom(mappings?.rows), { id: group.id, display_name: 'Marketing' }, given).changes);
    expect(await rolesOf(late)).toEqual([]);

    expect((await owner().delete(at(`/mappings/${made.id}`))).status).toBe(204);
    expect(await rolesOf(ana)).toEqual([]);
  });

  test('puts groups into a group of the organisation; what was there by hand stays when it goes', async () => {
    const [hand, mapped] = [
      await insertDirectoryGroup(tenant, provider, 'dev-hand', [ana.id]),
      await insertDirectoryGroup(tenant, provider, 'dev-mapped'),
    ];
    const developers = await makeGroup(tenant);
    await putIn(tenant.owner, developers, hand);
    const made = await map('regex', 'dev-(hand|mapped)', { type: 'group', id: developers.id });
    const names = async () => (await membersOf(tenant.owner, developers, '&show=direct')).map(({ name }) => name).sort();
    expect(await names()).toEqual(['dev-hand', 'dev-mapped']);
    await owner().delete(at(`/mappings/${made.id}`));
    expect(await names()).toEqual(['dev-hand']);
    expect(mapped.name).toBe('dev-mapped');
  });

  test('lets groups use a template; another that gives the same keeps it', async () => {
    const id = await makeTemplate(tenant);
    const { id: group } = await insertDirectoryGroup(tenant, provider, 'tpl-users', [ana.id]);
    const first = await map('name', 'tpl-users', template(id));
    const second = await map('prefix', 'tpl-', template(id));
    const may = async () => (await api(ana).get(`/templates/${id}`)).status;
    expect(await may()).toBe(200);
    await owner().delete(at(`/mappings/${first.id}`));
    expect(await may()).toBe(200);
    await owner().delete(at(`/mappings/${second.id}`));
    expect(await may()).toBe(404);
    expect(group).toMatch(/^grp_/);
  });

  test('is looked at before it is made: which groups, and how many people would get something', async () => {
    await insertDirectoryGroup(tenant, provider, 'look-a', [ana.id, (await addUser(tenant)).id]);
    await insertDirectoryGroup(tenant, provider, 'look-b', [ana.id]);
    const body = { kind: 'prefix', pattern: 'look-', target: role('auditor') };
    const before = read(await owner().post(at('/mappings/preview'), body), mappingPreview);
    expect([before.groups.map(({ name, people, has }) => [name, people, has]), before.people]).toEqual([
      [
        ['look-a', 2, false],
        ['look-b', 1, false],
      ],
      2,
    ]);
    expect(read(await owner().get(at('/mappings')), groupMappingList).items).toEqual([]);
    const made = await map('name', 'look-a', role('auditor'));
    const after = read(await owner().post(at('/mappings/preview'), body), mappingPreview);
    expect([after.groups.map(({ has }) => has), after.people]).toEqual([[true, false], 1]);
    await owner().delete(at(`/mappings/${made.id}`));
  });

  test('is an event that says what it gives, and warns where it gives power', async () => {
    const answer = await owner().post(at('/mappings'), { kind: 'name', pattern: 'no-such-group', target: role('owner') });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'idp.mapping.add', resource: { type: 'idp', id: provider } },
      diff: [{ path: 'groups by name no-such-group', new: 'role Owner' }],
      details: { groups: 0, power: expect.stringContaining('role:assign') },
    });
    const again = await owner().post(at('/mappings'), { kind: 'name', pattern: 'no-such-group', target: role('owner') });
    expect(problem(again)).toMatchObject({ code: 'conflict' });
    const removed = await owner().delete(at(`/mappings/${read(answer, groupMapping).id}`));
    expect(await eventOfAnswer(tenant, removed)).toMatchObject({ action: 'idp.mapping.remove', diff: [{ old: 'role Owner', new: null }] });
  });

  test.each([
    ['a pattern that could take for ever', { kind: 'regex', pattern: '(a+)+', target: role('auditor') }, 'pattern'],
    ['a role that is not there', { kind: 'name', pattern: 'x', target: role('rol_01m856tm29e6frrs5mmr9m5rhs') }, 'target.id'],
    [
      'a group that is not there',
      { kind: 'name', pattern: 'x', target: { type: 'group', id: 'grp_01m856tm29e6frrs5mmr9m5rhs' } },
      'target.id',
    ],
    ['a template that is not there', { kind: 'name', pattern: 'x', target: template('tpl_01m856tm29e6frrs5mmr9m5rhs') }, 'target.id'],
  ])('does not take %s', async (_what, body, path) => {
    expect(problem(await owner().post(at('/mappings'), body))).toMatchObject({ code: 'invalid', errors: [{ path }] });
  });

  test('gives nobody more than who made it may give: a group of the directory as its target is refused, too', async () => {
    const scim = await insertDirectoryGroup(tenant, provider, 'their-own');
    const body = { kind: 'name', pattern: 'x', target: { type: 'group', id: scim.id } };
    expect(problem(await owner().post(at('/mappings'), body))).toMatchObject({ code: 'invalid' });
    const manager = await addUser(tenant);
    const { id: custom } = await makeRole(tenant, ['idp:read', 'idp:manage']);
    await owner().post('/role-assignments', { role: custom, subject: { type: 'user', id: manager.id } });
    const refused = await api(manager).post(at('/mappings'), { kind: 'name', pattern: 'x', target: role('owner') });
    expect(problem(refused)).toMatchObject({ code: 'permission-denied' });
    const theirs = await makeTemplate(tenant);
    const denied = await api(manager).post(at('/mappings'), { kind: 'name', pattern: 'x', target: template(theirs) });
    expect(problem(denied)).toMatchObject({ code: 'permission-denied' });
  });
});

test('whoever holds the last owner’s role by a mapping keeps it', async () => {
  const own = await mintTenant();
  const theirs = await makeProvider(own);
  const somebody = await addUser(own);
  await insertDirectoryGroup(own, theirs, 'owners', [somebody.id]);
  const made = read(
    await api(own.owner).post(`/identity-providers/${theirs}/mappings`, { kind: 'name', pattern: 'owners', target: role('owner') }),
    groupMapping,
  );
  const { items } = read(await api(somebody).get(`/role-assignments?subject=${own.owner.id}`), assignmentList);
  for (const { id } of items) expect((await api(somebody).delete(`/role-assignments/${id}`)).status).toBe(204);
  const answer = await api(somebody).delete(`/identity-providers/${theirs}/mappings/${made.id}`);
  expect(problem(answer)).toMatchObject({ code: 'conflict', detail: expect.stringContaining('owner') });
  expect(await rolesOf(somebody)).toEqual(['owner']);
});

test('drift: what was changed by hand is told, and what mappings say is given again on request', async () => {
  const own = await mintTenant();
  const theirs = await makeProvider(own);
  const path = (rest: string) => `/identity-providers/${theirs}${rest}`;
  const [hand, lost] = [await addUser(own), await addUser(own)];
  const group = await insertDirectoryGroup(own, theirs, 'drifting', [hand.id]);
  const local = await makeGroup(own);
  await api(own.owner).post(path('/mappings'), { kind: 'name', pattern: 'drifting', target: { type: 'group', id: local.id } });
  await insertDirectoryUser(own, theirs, hand.id, true);
  await insertDirectoryUser(own, theirs, lost.id, false);
  await api(own.owner).post(`/users/${hand.id}/suspend`);
  await takeOut(own.owner, local, group);

  const { items } = read(await api(own.owner).get(path('/drift')), drift);
  expect(items.map(({ kind, subject, directory, here }) => [kind, subject.id, directory, here])).toEqual(
    expect.arrayContaining([
      ['suspended-by-hand', hand.id, 'active', 'suspended by hand'],
      ['active-here', lost.id, 'disabled', 'active'],
      ['mapping-missing', group.id, expect.stringContaining('drifting'), 'not given'],
    ]),
  );
  const answer = await api(own.owner).post(path('/sync'));
  expect(read(answer, synced)).toEqual({ mended: 1, left: 2 });
  expect(await eventOfAnswer(own, answer)).toMatchObject({ action: 'idp.sync', details: { mended: 1 } });
  expect((await membersOf(own.owner, local, '&show=direct')).map(({ id }) => id)).toEqual([group.id]);
  const { items: groups } = read(await api(own.owner).get(path('/groups')), directoryGroupList);
  expect(groups).toMatchObject([{ displayName: 'drifting', people: 1, gives: [{ type: 'group', name: local.name, byMapping: true }] }]);
});
