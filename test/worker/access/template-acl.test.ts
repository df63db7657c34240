import { expect, test } from 'vitest';
import { subjectList } from '@gatehouse/core/api/access.ts';
import { aclOf, assignRole, inHours, insertGroup, makeTemplate, writeAcl } from '../../support/access.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read } from '../../support/tenants.ts';

test('a new template grants nobody but those who administer every template', async () => {
  const tenant = await mintTenant();
  await addUser(tenant);
  await addUser(tenant, ['template-admin']);
  expect(await aclOf(tenant, await makeTemplate(tenant))).toEqual({ items: [], reach: { view: 2, use: 2, admin: 2 } });
});

test('the list says how many active people each entry and the whole of it reach', async () => {
  const tenant = await mintTenant();
  const [ann, ben, cyd] = [await addUser(tenant), await addUser(tenant), await addUser(tenant)];
  const night = await insertGroup(tenant, 'Night rota', [
    { type: 'user', id: ann.id },
    { type: 'user', id: ben.id },
  ]);
  const payments = await insertGroup(tenant, 'Payments', [
    { type: 'group', id: night },
    { type: 'user', id: ann.id },
  ]);
  const id = await makeTemplate(tenant);
  await writeAcl(tenant, id, [
    { subject: { type: 'group', id: payments }, role: 'use' },
    { subject: { type: 'user', id: cyd.id }, role: 'admin' },
    { subject: { type: 'everyone' }, role: 'view', expiresAt: '2020-01-01T00:00:00.000Z' },
  ]);
  const { items, reach } = await aclOf(tenant, id);
  expect(items.map(({ name, people, givenBy }) => [name, people, givenBy])).toEqual([
    ['Everyone', 4, tenant.owner.name],
    ['Pat Person', 1, tenant.owner.name],
    ['Payments', 2, tenant.owner.name],
  ]);
  // Owner, Ann, Ben and Cyd; everyone's entry has ended.
  expect(reach).toEqual({ view: 4, use: 4, admin: 2 });
});

test('an entry that is left as it is keeps who gave it, and is not in the diff', async () => {
  const tenant = await mintTenant();
  const admin = await addUser(tenant, ['template-admin'], 'Tina Template');
  const id = await makeTemplate(tenant);
  await writeAcl(tenant, id, [{ subject: { type: 'everyone' }, role: 'view' }]);
  const { headers } = await api(admin).get(`/templates/${id}/acl`);
  const items = [
    { subject: { type: 'everyone' }, role: 'view' },
    { subject: { type: 'user', id: admin.id }, role: 'use', expiresAt: '2030-01-01T00:00:00Z' },
  ];
  const answer = await api(admin).put(`/templates/${id}/acl`, { items }, { 'If-Match': headers.get('ETag') ?? '' });
  expect((await aclOf(tenant, id)).items.map(({ givenBy }) => givenBy)).toEqual([tenant.owner.name, 'Tina Template']);
  expect((await eventOfAnswer(tenant, answer))?.diff).toEqual([
    { path: `acl.user ${admin.id}`, old: null, new: { role: 'use', expiresAt: '2030-01-01T00:00:00.000Z' }, secret: false },
  ]);
});

test('an entry can’t claim to be an approved request', async () => {
  const tenant = await mintTenant();
  const pat = await addUser(tenant);
  const answer = await writeAcl(tenant, await makeTemplate(tenant), [
    { subject: { type: 'user', id: pat.id }, role: 'admin', expiresAt: inHours(1), grantId: 'acr_01m856tm29e6frrs5mmr9m5rhs' },
  ]);
  expect(problem(answer).errors).toEqual([{ path: 'items.0.grantId', message: 'is no grant of that person that is in force' }]);
});

test('people and groups are found by name and address, in pages, by who edits a list', async () => {
  const tenant = await mintTenant();
  const admin = await addUser(tenant, [], 'Łukasz Nowak');
  const id = await makeTemplate(tenant);
  await writeAcl(tenant, id, [{ subject: { type: 'user', id: admin.id }, role: 'admin' }]);
  await insertGroup(tenant, 'Łąka');
  await insertGroup(tenant, '100% sure');
  const find = async (query: string) => read(await api(admin).get(`/subjects?templateId=${id}&${query}`), subjectList);
  expect((await find('q=nowak')).items).toEqual([{ type: 'user', id: admin.id, name: admin.name, note: admin.email }]);
  expect((await find('q=100%25')).items.map(({ name }) => name)).toEqual(['100% sure']);
  expect((await find('q=_')).items).toEqual([]);
  expect((await find('kind=group')).items.map(({ name }) => name)).toEqual(['100% sure', 'Łąka']);
  const names: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Awaited<ReturnType<typeof find>> = await find(`limit=1${cursor ? `&cursor=${cursor}` : ''}`);
    names.push(...page.items.map(({ name }) => name));
    cursor = page.nextCursor;
  }
  expect(names).toEqual(['100% sure', tenant.owner.name, 'Łukasz Nowak', 'Łąka']);
  expect((await api(await addUser(tenant)).get(`/subjects?templateId=${id}`)).status).toBe(403);
});

test('a tenant-wide role that has ended reaches nobody', async () => {
  const tenant = await mintTenant();
  const pat = await addUser(tenant);
  await assignRole(tenant, 'template-admin', { type: 'user', id: pat.id }, '2020-01-01T00:00:00.000Z');
  expect((await aclOf(tenant, await makeTemplate(tenant))).reach.admin).toBe(1);
});
