import { describe, expect, test } from 'vitest';
import { BUILT_IN_ROLES, permissionsOf } from '@gatehouse/core/access/permissions.ts';
import { userList } from '@gatehouse/core/api/directory.ts';
import { groupDetail } from '@gatehouse/core/api/groups.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { assignment, assignmentList, role as roleSchema, roleList } from '@gatehouse/core/api/roles.ts';
import { runRevocation } from '../../../worker/access/revocation.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { give, given, inHours, makeGroup, makeRole, putIn } from '../../support/groups.ts';
import { join, makePair } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read, services, type Person, type Tenant } from '../../support/tenants.ts';

const tagOf = (answer: { headers: Headers }) => ({ 'If-Match': answer.headers.get('ETag') ?? '' });
const meOf = async (person: Person) => read(await api(person).get('/me'), me);
const past = () => new Date(Date.now() - 1).toISOString();
const endAll = (tenant: Tenant) =>
  tenant.db.batch([statement('UPDATE role_assignments SET expires_at = ? WHERE tenant_id = ? AND role <> ?', past(), tenant.id, 'owner')]);

describe('custom roles', () => {
  test('are made, changed with If-Match and deleted, each with its event', async () => {
    const tenant = await mintTenant();
    const made = await api(tenant.owner).post('/roles', { name: 'Security', permissions: ['audit:read', 'siem:read', 'audit:read'] });
    expect(made.status).toBe(201);
    const role = read(made, roleSchema);
    expect(role).toMatchObject({ name: 'Security', builtIn: false, permissions: ['audit:read', 'siem:read'], holders: 0 });
    expect(await eventOfAnswer(tenant, made)).toMatchObject({ action: 'role.create', resource: { id: role.id, name: 'Security' } });
    expect(problem(await api(tenant.owner).post('/roles', { name: 'security', permissions: ['audit:read'] })).errors?.[0]?.path).toBe(
      'name',
    );
    const changed = await api(tenant.owner).patch(`/roles/${role.id}`, { permissions: ['audit:read', 'user:read'] }, tagOf(made));
    expect(read(changed, roleSchema).permissions).toEqual(['audit:read', 'user:read']);
    expect((await eventOfAnswer(tenant, changed))?.diff).toEqual([
      { path: 'permissions', old: ['audit:read', 'siem:read'], new: ['audit:read', 'user:read'], secret: false },
    ]);
    expect((await api(tenant.owner).patch(`/roles/${role.id}`, { name: 'Other' }, tagOf(made))).status).toBe(412);
    expect((await api(tenant.owner).patch(`/roles/${role.id}`, { name: 'Other' })).status).toBe(428);
    const gone = await api(tenant.owner).delete(`/roles/${role.id}`);
    expect(gone.status).toBe(204);
    expect(await eventOfAnswer(tenant, gone)).toMatchObject({ action: 'role.delete', resource: { name: 'Security' } });
    expect((await api(tenant.owner).get(`/roles/${role.id}`)).status).toBe(404);
  });

  test('hold only what their author holds; what is there may stay', async () => {
    const tenant = await mintTenant();
    const maker = await addUser(tenant);
    await give(tenant.owner, maker, (await makeRole(tenant, ['role:update', 'role:read', 'user:read'])).id);
    const refused = await api(maker).post('/roles', { name: 'Too much', permissions: ['user:read', 'audit:read'] });
    expect(problem(refused)).toMatchObject({ status: 403, detail: expect.stringContaining('audit:read') });
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'role.create', outcome: 'denied' });
    const mine = await api(maker).post('/roles', { name: 'Mine', permissions: ['user:read'] });
    expect(mine.status).toBe(201);
    const { id } = await makeRole(tenant, ['audit:read']);
    const seen = await api(maker).get(`/roles/${id}`);
    expect((await api(maker).patch(`/roles/${id}`, { permissions: ['audit:read', 'siem:manage'] }, tagOf(seen))).status).toBe(403);
    expect((await api(maker).patch(`/roles/${id}`, { permissions: ['audit:read', 'user:read'] }, tagOf(seen))).status).toBe(200);
  });

  test('stand beside the built-in ones, which nobody changes', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    await makeRole(tenant, ['audit:read'], 'Security');
    await makeRole(other, ['audit:read'], 'Of others');
    const auditor = await addUser(tenant, ['auditor']);
    const { items } = read(await api(auditor).get('/roles'), roleList);
    expect(items.map(({ name }) => name)).toEqual(['Owner', 'User admin', 'Template admin', 'Auditor', 'Member', 'Security']);
    expect(items.map(({ holders }) => holders)).toEqual([1, 0, 0, 1, 0, 0]);
    expect(read(await api(auditor).get('/roles?q=secu'), roleList).items).toHaveLength(1);
    expect(read(await api(auditor).get('/roles/auditor'), roleSchema).permissions).toEqual(BUILT_IN_ROLES.auditor);
    expect((await api(tenant.owner).patch('/roles/auditor', { permissions: ['audit:read'] }, { 'If-Match': '"0"' })).status).toBe(409);
    expect((await api(tenant.owner).delete('/roles/owner')).status).toBe(409);
  });

  test('count in every request, in one’s own profile and in the list of people, until they end', async () => {
    const tenant = await mintTenant();
    const [ann, bob] = [await addUser(tenant, ['auditor']), await addUser(tenant)];
    const role = await makeRole(tenant, ['runner:read', 'user:read'], 'Runner watch');
    const group = await makeGroup(tenant);
    await putIn(tenant.owner, group, bob);
    await give(tenant.owner, ann, role.id, inHours(1));
    await give(tenant.owner, group, role.id);
    expect((await meOf(ann)).user).toMatchObject({ roles: ['auditor'], customRoles: [{ id: role.id, name: 'Runner watch' }] });
    expect(new Set((await meOf(bob)).permissions)).toEqual(permissionsOf([], [{ permissions: ['runner:read', 'user:read'] }]));
    expect((await api(bob).get('/runners')).status).toBe(200);
    const { items } = read(await api(bob).get('/users'), userList);
    expect(items.find(({ id }) => id === bob.id)).toMatchObject({ roles: [], customRoles: [{ id: role.id }] });
    expect(items.find(({ id }) => id === tenant.owner.id)).toMatchObject({ roles: ['owner'], customRoles: [] });
    await endAll(tenant);
    expect((await meOf(bob)).permissions.sort()).toEqual([...permissionsOf([])].sort());
    expect((await api(bob).get('/runners')).status).toBe(403);
  });

  test('can’t be deleted while somebody has them', async () => {
    const tenant = await mintTenant();
    const role = await makeRole(tenant, ['audit:read']);
    const id = await given(give(tenant.owner, await addUser(tenant), role.id));
    expect(problem(await api(tenant.owner).delete(`/roles/${role.id}`))).toMatchObject({
      status: 409,
      detail: expect.stringContaining('still given'),
    });
    await api(tenant.owner).delete(`/role-assignments/${id}`);
    expect((await api(tenant.owner).delete(`/roles/${role.id}`)).status).toBe(204);
  });

  test('that may administer templates keep a connection open, and that may so no longer close it', async () => {
    const { site, running } = await makePair();
    const { tenant } = site;
    const pat = await addUser(tenant);
    const role = await makeRole(tenant, ['template:admin']);
    await give(tenant.owner, pat, role.id);
    const { viewer } = await join(pat, running.id);
    const task = services().newId('revocation');
    await tenant.db.batch([
      statement(
        "INSERT INTO revocations (tenant_id, id, users, cause, created_at) VALUES (?, ?, NULL, 'A test', ?)",
        tenant.id,
        task,
        past(),
      ),
    ]);
    await runRevocation(services(), 's0', tenant.id, task);
    expect(viewer.socket.readyState).toBe(WebSocket.OPEN);
    const seen = await api(tenant.owner).get(`/roles/${role.id}`);
    expect((await api(tenant.owner).patch(`/roles/${role.id}`, { permissions: ['audit:read'] }, tagOf(seen))).status).toBe(200);
    expect((await viewer.closed).code).toBe(4403);
  });
});

describe('giving a role', () => {
  test('to a person or a group, for good or until an end, is an event that says to whom', async () => {
    const tenant = await mintTenant();
    const dana = await addUser(tenant, [], 'Dana Developer');
    const until = inHours(8);
    const answer = await give(tenant.owner, dana, 'auditor', until);
    expect(read(answer, assignment)).toMatchObject({
      role: { id: 'auditor', name: 'Auditor', builtIn: true },
      subject: { name: 'Dana Developer' },
    });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'role.assign', resource: { id: 'auditor', name: 'Auditor to Dana Developer' } },
      diff: [{ path: 'role Auditor', old: null, new: { until } }],
      details: { role: 'Auditor', subject: 'Dana Developer', subjectType: 'user', subjectId: dana.id, expiresAt: until },
    });
    expect(problem(await give(tenant.owner, dana, 'auditor'))).toMatchObject({ status: 409, detail: expect.stringContaining('already') });
    expect((await give(tenant.owner, dana, 'user-admin', past())).status).toBe(422);
    expect(problem(await give(tenant.owner, dana, services().newId('role'))).errors?.[0]?.path).toBe('role');
    expect(problem(await give(tenant.owner, { id: services().newId('user') }, 'auditor')).errors?.[0]?.path).toBe('subject.id');
    await endAll(tenant);
    expect((await give(tenant.owner, dana, 'auditor')).status).toBe(201);
  });

  test('never reaches into another organisation', async () => {
    const [one, two] = [await mintTenant(), await mintTenant()];
    const theirs = await makeRole(two, ['audit:read']);
    const stranger = await addUser(two);
    expect((await give(one.owner, stranger, 'auditor')).status).toBe(422);
    expect((await give(one.owner, await makeGroup(two), 'auditor')).status).toBe(422);
    expect((await give(one.owner, await addUser(one), theirs.id)).status).toBe(422);
    const id = await given(give(two.owner, stranger, 'auditor'));
    expect((await api(one.owner).delete(`/role-assignments/${id}`)).status).toBe(404);
    expect((await meOf(stranger)).user.roles).toEqual(['auditor']);
    expect(read(await api(one.owner).get('/role-assignments'), assignmentList).items).toHaveLength(1);
  });

  test('takes what it gives, or the right to give roles; so does taking one', async () => {
    const tenant = await mintTenant();
    const [admin, dana] = [await addUser(tenant, ['user-admin']), await addUser(tenant)];
    const small = await makeRole(tenant, ['user:read', 'group:read']);
    for (const role of ['owner', 'auditor', 'template-admin', (await makeRole(tenant, ['siem:manage'])).id]) {
      const answer = await give(admin, dana, role);
      expect(answer.status).toBe(403);
      expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'role.assign', outcome: 'denied', actor: { id: admin.id } });
    }
    for (const role of ['user-admin', small.id]) expect((await give(admin, dana, role)).status).toBe(201);
    const id = await given(give(tenant.owner, dana, 'auditor'));
    for (const answer of [
      await api(admin).delete(`/role-assignments/${id}`),
      await api(admin).patch(`/role-assignments/${id}`, { expiresAt: null }),
    ])
      expect(answer.status).toBe(403);
    const giver = await addUser(tenant);
    await give(tenant.owner, giver, (await makeRole(tenant, ['role:assign'])).id);
    expect((await give(giver, await addUser(tenant), 'template-admin')).status).toBe(201);
  });

  test('to oneself is for owners alone, also through a group, and the event says so', async () => {
    const tenant = await mintTenant();
    const giver = await addUser(tenant);
    await give(tenant.owner, giver, (await makeRole(tenant, ['role:assign', 'group:update'])).id);
    const group = await makeGroup(tenant);
    await putIn(tenant.owner, group, giver, tenant.owner);
    for (const subject of [giver, group]) expect(problem(await give(giver, subject, 'auditor')).detail).toContain('Only owners');
    const other = await makeGroup(tenant);
    await give(tenant.owner, other, 'auditor');
    expect(problem(await putIn(giver, other, giver)).detail).toContain('Only owners');
    expect(problem(await putIn(giver, other, group)).detail).toContain('Only owners');
    expect((await meOf(giver)).user.roles).toEqual([]);

    const mine = await give(tenant.owner, tenant.owner, 'auditor', inHours(1));
    expect((await eventOfAnswer(tenant, mine))?.details['selfGrant']).toBe(true);
    const longer = await api(tenant.owner).patch(`/role-assignments/${read(mine, assignment).id}`, { expiresAt: null });
    expect((await eventOfAnswer(tenant, longer))?.details['selfGrant']).toBe(true);
    expect((await eventOfAnswer(tenant, await give(tenant.owner, group, 'auditor')))?.details['selfGrant']).toBe(true);
    expect((await eventOfAnswer(tenant, await putIn(tenant.owner, other, tenant.owner)))?.details['selfGrant']).toBe(true);
    expect((await eventOfAnswer(tenant, await give(tenant.owner, other, 'template-admin')))?.details['selfGrant']).toBe(true);
    expect((await eventOfAnswer(tenant, await give(tenant.owner, giver, 'auditor')))?.details['selfGrant']).toBeUndefined();
  });

  test('its end is changed, and it is taken away, with the difference in the event', async () => {
    const tenant = await mintTenant();
    const dana = await addUser(tenant, [], 'Dana');
    const id = await given(give(tenant.owner, dana, 'auditor'));
    const until = inHours(2);
    const ends = await api(tenant.owner).patch(`/role-assignments/${id}`, { expiresAt: until });
    expect(read(ends, assignment).expiresAt).toBe(until);
    expect(await eventOfAnswer(tenant, ends)).toMatchObject({
      ...{ action: 'role.extend', resource: { name: 'Auditor of Dana' }, diff: [{ old: { until: 'for good' }, new: { until } }] },
    });
    const taken = await api(tenant.owner).delete(`/role-assignments/${id}`);
    expect(await eventOfAnswer(tenant, taken)).toMatchObject({
      ...{ action: 'role.unassign', resource: { name: 'Auditor from Dana' }, diff: [{ path: 'role Auditor', old: { until }, new: null }] },
    });
    expect((await meOf(dana)).user.roles).toEqual([]);
    expect((await api(tenant.owner).delete(`/role-assignments/${id}`)).status).toBe(404);
  });
});

describe('who has which role', () => {
  test('is listed by role, page by page, and found by name', async () => {
    const tenant = await mintTenant();
    const role = await makeRole(tenant, ['audit:read']);
    const group = await makeGroup(tenant, 'Analysts');
    for (const subject of [await addUser(tenant, [], 'Ann'), await addUser(tenant, [], 'Bob'), group])
      await give(tenant.owner, subject, role.id);
    await give(tenant.owner, group, 'auditor');
    const first = read(await api(tenant.owner).get(`/role-assignments?role=${role.id}&limit=2`), assignmentList);
    const rest = read(await api(tenant.owner).get(`/role-assignments?role=${role.id}&limit=2&cursor=${first.nextCursor}`), assignmentList);
    expect([...first.items, ...rest.items].map(({ subject }) => subject.name)).toEqual(['Ann', 'Bob', 'Analysts']);
    const found = read(await api(tenant.owner).get('/role-assignments?q=analy'), assignmentList).items;
    expect(found.map(({ role: { name }, subject }) => [subject.type, name])).toEqual([
      ['group', expect.stringMatching(/^Role /)],
      ['group', 'Auditor'],
    ]);
  });

  test('of one person: their own and those of their groups, with the way', async () => {
    const tenant = await mintTenant();
    const [top, low] = [await makeGroup(tenant, 'Top'), await makeGroup(tenant, 'Low')];
    const ann = await addUser(tenant, ['user-admin']);
    await putIn(tenant.owner, top, low);
    await putIn(tenant.owner, low, ann);
    await give(tenant.owner, top, 'auditor');
    const { items } = read(await api(tenant.owner).get(`/role-assignments?subject=${ann.id}`), assignmentList);
    expect(items.map(({ role, path }) => [role.name, path.map(({ name }) => name)])).toEqual([
      ['User admin', []],
      ['Auditor', ['Top', 'Low']],
    ]);
    const shown = read(await api(tenant.owner).get(`/groups/${low.id}`), groupDetail);
    expect(shown.grants.roles).toMatchObject([{ name: 'Auditor', from: { name: 'Top' } }]);
  });
});
