import { describe, expect, test } from 'vitest';
import { explanation, preview, reviewList } from '@gatehouse/core/api/access.ts';
import { userList } from '@gatehouse/core/api/directory.ts';
import { candidateList, groupDetail, membershipList } from '@gatehouse/core/api/groups.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { assignmentList } from '@gatehouse/core/api/roles.ts';
import { aclShown, templateList } from '@gatehouse/core/api/templates.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { makeTemplate, writeAcl } from '../../support/access.ts';
import { give, inHours, makeGroup, membersOf, putIn, setManagers, takeOut } from '../../support/groups.ts';
import { attachTo, makePair } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read, type Answer, type Person, type Tenant } from '../../support/tenants.ts';

const PAST = '2026-01-01T00:00:00.000Z';
const refOf = ({ id }: { id: string }) => ({ type: id.startsWith('grp_') ? 'group' : 'user', id });
const putUntil = (by: Person, group: { id: string }, member: { id: string }, expiresAt: string | null): Promise<Answer> =>
  api(by).patch(`/groups/${group.id}/members`, { add: [{ ...refOf(member), expiresAt }] });
/** Time goes by for one membership. */
const lapse = (tenant: Tenant, group: { id: string }, member: { id: string }, at = PAST) =>
  tenant.db.batch([
    statement(
      'UPDATE group_members SET expires_at = ? WHERE tenant_id = ? AND group_id = ? AND member_id = ?',
      ...[at, tenant.id, group.id, member.id],
    ),
  ]);

describe('a membership with an end', () => {
  test('is given, moved, and made one for good, and each event says from what to what', async () => {
    const tenant = await mintTenant();
    const [group, ann] = [await makeGroup(tenant, 'Night rota'), await addUser(tenant, [], 'Ann')];
    const [soon, later] = [inHours(8), inHours(80)];
    const steps = [
      [soon, { added: 1, changed: 0, removed: 0 }, null, { name: 'Ann', until: soon }],
      [later, { added: 0, changed: 1, removed: 0 }, { name: 'Ann', until: soon }, { name: 'Ann', until: later }],
      [null, { added: 0, changed: 1, removed: 0 }, { name: 'Ann', until: later }, { name: 'Ann', until: 'for good' }],
      [soon, { added: 0, changed: 1, removed: 0 }, { name: 'Ann', until: 'for good' }, { name: 'Ann', until: soon }],
    ] as const;
    for (const [expiresAt, done, old, now] of steps) {
      const answer = await putUntil(tenant.owner, group, ann, expiresAt);
      expect(answer.body).toEqual(done);
      expect(await eventOfAnswer(tenant, answer)).toMatchObject({
        ...{ action: 'group.members.update', details: done },
        diff: [{ path: `members.user ${ann.id}`, old, new: now }],
      });
      expect(await membersOf(tenant.owner, group)).toMatchObject([{ expiresAt, lapsed: false, direct: true }]);
    }
    const same = await putUntil(tenant.owner, group, ann, soon);
    expect(same.body).toEqual({ added: 0, changed: 0, removed: 0 });
    expect(await eventOfAnswer(tenant, same)).toBeUndefined();
    // Without a word about the end, who is in stays as they are.
    expect((await putIn(tenant.owner, group, ann)).body).toEqual({ added: 0, changed: 0, removed: 0 });
    expect((await takeOut(tenant.owner, group, ann)).body).toEqual({ added: 0, changed: 0, removed: 1 });
  });

  test('ends in the future', async () => {
    const tenant = await mintTenant();
    const [group, ann] = [await makeGroup(tenant), await addUser(tenant)];
    const answer = await putUntil(tenant.owner, group, ann, PAST);
    expect(problem(answer)).toMatchObject({ status: 422, errors: [{ path: 'add.0.expiresAt', message: 'must be in the future' }] });
    expect(problem(await putUntil(tenant.owner, group, ann, 'tomorrow')).errors?.[0]?.path).toBe('add.0.expiresAt');
  });

  test('gives nothing from its end on, wherever it is asked, and is shown as over until it is taken out', async () => {
    const tenant = await mintTenant();
    const [outer, inner] = [await makeGroup(tenant, 'Outer'), await makeGroup(tenant, 'Inner')];
    const [ann, bob] = [await addUser(tenant, [], 'Ann'), await addUser(tenant, [], 'Bob')];
    await putIn(tenant.owner, outer, inner);
    await putUntil(tenant.owner, inner, ann, inHours(8));
    await putIn(tenant.owner, inner, bob);
    await give(tenant.owner, outer, 'auditor');
    const templateId = await makeTemplate(tenant);
    await writeAcl(tenant, templateId, [{ subject: { type: 'group', id: outer.id }, role: 'use' }]);
    const seen = async (person: Person & { name?: string }) => ({
      templates: read(await api(person).get('/templates'), templateList).items.length,
      roles: read(await api(person).get('/me'), me).user.roles,
      audit: (await api(person).get('/audit/events')).status,
      people: read(await api(tenant.owner).get(`/groups/${outer.id}`), groupDetail).people,
      members: (await membersOf(tenant.owner, outer, '&show=inherited')).map(({ name }) => name),
      auditors: read(await api(tenant.owner).get('/users?role=auditor'), userList).items.length,
      assignments: read(await api(tenant.owner).get(`/role-assignments?subject=${person.id}`), assignmentList).items.length,
      reviewed: read(await api(tenant.owner).get(`/access/review?userId=${person.id}`), reviewList).items.length,
      inGroup: read(await api(tenant.owner).get(`/access/review?templateId=${templateId}&groupId=${outer.id}`), reviewList).items.length,
      reached: read(await api(tenant.owner).get(`/templates/${templateId}/acl`), aclShown).items[0]?.people,
      explained: read(await api(tenant.owner).get(`/templates/${templateId}/access?userId=${person.id}`), explanation).role,
    });
    expect(await seen(ann)).toEqual({
      ...{ templates: 1, roles: ['auditor'], audit: 200, people: 2, members: ['Ann', 'Bob'], auditors: 2, assignments: 1 },
      ...{ reviewed: 1, inGroup: 2, reached: 2, explained: 'use' },
    });
    await lapse(tenant, inner, ann);
    const gone = { templates: 0, roles: [], audit: 403, assignments: 0, reviewed: 0, explained: null };
    expect(await seen(ann)).toEqual({ ...gone, people: 1, members: ['Bob'], auditors: 1, inGroup: 1, reached: 1 });
    expect(await membersOf(tenant.owner, inner)).toMatchObject([
      { name: 'Ann', direct: true, lapsed: true, expiresAt: PAST },
      { name: 'Bob', lapsed: false },
    ]);
    const { ended } = read(await api(tenant.owner).get(`/templates/${templateId}/access?userId=${ann.id}`), explanation);
    expect(ended).toMatchObject([{ expiresAt: PAST, groups: [{ name: 'Inner', expiresAt: PAST }, { name: 'Outer' }] }]);

    // The same of a group in a group.
    await lapse(tenant, outer, inner);
    expect(await seen(bob)).toEqual({ ...gone, people: 0, members: [], auditors: 0, inGroup: 0, reached: 0 });
    expect(await membersOf(tenant.owner, outer)).toMatchObject([{ name: 'Inner', lapsed: true }]);
    expect(read(await api(tenant.owner).get(`/groups/${inner.id}`), groupDetail)).toMatchObject({ parents: [], users: 1 });
    expect((await takeOut(tenant.owner, outer, inner)).body).toMatchObject({ removed: 1 });
    expect(await membersOf(tenant.owner, outer)).toEqual([]);
  });

  test('that is over can be given anew, for good where no end is said', async () => {
    const tenant = await mintTenant();
    const [group, ann] = [await makeGroup(tenant), await addUser(tenant, [], 'Ann Example')];
    await putIn(tenant.owner, group, ann);
    const found = async () => read(await api(tenant.owner).get(`/groups/${group.id}/candidates?q=Ann`), candidateList).items.length;
    expect(await found()).toBe(0);
    await lapse(tenant, group, ann);
    expect(await found()).toBe(1);
    const answer = await putIn(tenant.owner, group, ann);
    expect(answer.body).toEqual({ added: 0, changed: 1, removed: 0 });
    expect((await eventOfAnswer(tenant, answer))?.diff).toMatchObject([{ old: { until: PAST }, new: { until: 'for good' } }]);
    expect(await membersOf(tenant.owner, group)).toMatchObject([{ expiresAt: null, lapsed: false }]);
  });

  test('is told with the end of each way, which is the earliest along it', async () => {
    const tenant = await mintTenant();
    const [top, mid, ann] = [await makeGroup(tenant, 'Top'), await makeGroup(tenant, 'Mid'), await addUser(tenant, [], 'Ann')];
    const [soon, later] = [inHours(2), inHours(4)];
    await putUntil(tenant.owner, top, mid, soon);
    await putUntil(tenant.owner, mid, ann, later);
    expect(await membersOf(tenant.owner, top)).toMatchObject([
      { name: 'Mid', expiresAt: soon, paths: [], pathEnds: [] },
      { name: 'Ann', expiresAt: null, direct: false, paths: [[{ name: 'Mid' }]], pathEnds: [soon] },
    ]);
    const { items } = read(await api(ann).get(`/group-memberships?subject=${ann.id}`), membershipList);
    expect(items).toMatchObject([
      { group: { name: 'Mid' }, direct: true, expiresAt: later, lapsed: false },
      { group: { name: 'Top' }, direct: false, expiresAt: null, pathEnds: [soon] },
    ]);
    await give(tenant.owner, top, 'auditor');
    const [assignment] = read(await api(tenant.owner).get(`/role-assignments?subject=${ann.id}`), assignmentList).items;
    expect(assignment).toMatchObject({ expiresAt: null, pathEndsAt: soon, path: [{ name: 'Top' }, { name: 'Mid' }] });
    await lapse(tenant, mid, ann);
    const after = read(await api(ann).get(`/group-memberships?subject=${ann.id}`), membershipList).items;
    expect(after).toMatchObject([{ group: { name: 'Mid' }, lapsed: true }]);
    expect(after).toHaveLength(1);
  });

  test('stands in the way of a circle as long as it stands there: its end may be moved', async () => {
    const tenant = await mintTenant();
    const [devs, platform] = [await makeGroup(tenant, 'Devs'), await makeGroup(tenant, 'Platform')];
    await putUntil(tenant.owner, devs, platform, inHours(1));
    await lapse(tenant, devs, platform);
    expect(problem(await putIn(tenant.owner, platform, devs)).detail).toBe('That would close a circle: Platform → Devs → Platform.');
    await takeOut(tenant.owner, devs, platform);
    expect((await putIn(tenant.owner, platform, devs)).status).toBe(200);
  });

  test('makes nobody a lasting owner, so it can’t be given to the last one', async () => {
    const tenant = await mintTenant();
    const heir = await addUser(tenant);
    const [owners, board] = [await makeGroup(tenant, 'Owners'), await makeGroup(tenant, 'Board')];
    await give(tenant.owner, owners, 'owner');
    await putIn(tenant.owner, owners, board);
    await putUntil(tenant.owner, board, heir, inHours(8));
    const { items } = read(await api(tenant.owner).get('/role-assignments?role=owner'), assignmentList);
    const own = items.find(({ subject }) => subject.id === tenant.owner.id)?.id ?? '';
    const demoted = () => api(heir).delete(`/role-assignments/${own}`);
    expect((await demoted()).status).toBe(409);
    await putUntil(tenant.owner, board, heir, null);
    await putUntil(tenant.owner, owners, board, inHours(8));
    expect((await demoted()).status).toBe(409);
    await putUntil(tenant.owner, owners, board, null);
    expect((await demoted()).status).toBe(204);
    for (const answer of [await putUntil(heir, board, heir, inHours(8)), await putUntil(heir, owners, board, inHours(8))])
      expect(problem(answer)).toMatchObject({ status: 409, detail: expect.stringContaining('without an active owner') });
  });

  test('is made longer for oneself only by owners, where the group gives a role', async () => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin']);
    const group = await makeGroup(tenant, 'Helpers');
    await give(tenant.owner, group, 'user-admin');
    await putUntil(tenant.owner, group, admin, inHours(1));
    const refused = await putUntil(admin, group, admin, inHours(9));
    expect(problem(refused)).toMatchObject({ status: 403, detail: 'Only owners give a role to themselves.' });
    await lapse(tenant, group, admin);
    expect((await putIn(admin, group, admin)).status).toBe(403);
    expect((await takeOut(admin, group, admin)).status).toBe(200);
  });

  test('may be given and moved by a manager of the group', async () => {
    const tenant = await mintTenant();
    const [group, max, ann] = [await makeGroup(tenant, 'Devs'), await addUser(tenant), await addUser(tenant)];
    await setManagers(tenant, group, max);
    for (const end of [inHours(1), inHours(2)]) expect((await putUntil(max, group, ann, end)).status).toBe(200);
    expect(read(await api(max).get(`/groups/${group.id}`), groupDetail).users).toBe(1);
  });

  test('that is over loses nobody anything in a preview, and given anew it gains', async () => {
    const tenant = await mintTenant();
    const [group, ann] = [await makeGroup(tenant), await addUser(tenant)];
    await putIn(tenant.owner, group, ann);
    const templateId = await makeTemplate(tenant);
    await writeAcl(tenant, templateId, [{ subject: { type: 'group', id: group.id }, role: 'use' }]);
    await lapse(tenant, group, ann);
    const previewed = async (change: object) =>
      read(await api(tenant.owner).post('/access/preview', { kind: 'group-members', groupId: group.id, ...change }), preview);
    expect(await previewed({ remove: [refOf(ann)] })).toMatchObject({ gains: { total: 0 }, losses: { total: 0 } });
    expect(await previewed({ add: [refOf(ann)] })).toMatchObject({ gains: { total: 1 }, losses: { total: 0 } });
  });
});

describe('open terminals', () => {
  test('end when the membership that let in is made to end now, and at once when it is over', async () => {
    const { site, running, viewer } = await makePair();
    const { tenant, templateId, dev } = site;
    const [devs, staff] = [await makeGroup(tenant, 'Devs'), await makeGroup(tenant, 'Staff')];
    await putIn(tenant.owner, staff, devs);
    await putIn(tenant.owner, devs, dev);
    await writeAcl(tenant, templateId, [{ subject: { type: 'group', id: staff.id }, role: 'use' }]);
    expect((await attachTo(dev, running.id)).status).toBe(200);
    const ends = new Date(Date.now() + 1_500).toISOString();
    expect((await putUntil(tenant.owner, staff, devs, ends)).status).toBe(200);
    expect(await viewer.closed).toEqual({ code: 4403, reason: 'The time for which access was given is over' });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(ends));
    expect(Date.now() - Date.parse(ends)).toBeLessThan(1_000);
    expect((await attachTo(dev, running.id)).status).not.toBe(200);
  }, 20_000);
});
