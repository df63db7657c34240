import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { me } from '@gatehouse/core/api/identity.ts';
import { candidateList, groupDetail, groupList, memberList, membershipList } from '@gatehouse/core/api/groups.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { give, given, inHours, makeGroup, membersOf, putIn, setManagers, takeOut } from '../../support/groups.ts';
import { attachTo, makePair } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read, services, type Tenant } from '../../support/tenants.ts';

const nameOf = (each: { name: string }) => each.name;
const tagOf = (answer: { headers: Headers }) => ({ 'If-Match': answer.headers.get('ETag') ?? '' });

describe('groups', () => {
  test('are created, described and renamed, each with its event', async () => {
    const tenant = await mintTenant();
    const made = await api(tenant.owner).post('/groups', { name: ' Devs ', description: 'Who codes' });
    expect(made.status).toBe(201);
    const group = read(made, groupDetail);
    expect(group).toMatchObject({ name: 'Devs', source: 'local', users: 0, people: 0, may: { editMembers: true, change: true } });
    expect(await eventOfAnswer(tenant, made)).toMatchObject({
      ...{ action: 'group.create', outcome: 'success', resource: { type: 'group', id: group.id, name: 'Devs' } },
      diff: [
        { path: 'name', new: 'Devs' },
        { path: 'description', new: 'Who codes' },
      ],
    });
    const changed = await api(tenant.owner).patch(`/groups/${group.id}`, { name: 'Developers' }, tagOf(made));
    expect(read(changed, groupDetail)).toMatchObject({ name: 'Developers', description: 'Who codes' });
    expect(await eventOfAnswer(tenant, changed)).toMatchObject({
      action: 'group.update',
      diff: [{ path: 'name', old: 'Devs', new: 'Developers' }],
    });
    const stale = await api(tenant.owner).patch(`/groups/${group.id}`, { name: 'Other' }, tagOf(made));
    expect(problem(stale)).toMatchObject({ status: 412, code: 'stale-version' });
    expect((await api(tenant.owner).patch(`/groups/${group.id}`, { name: 'Other' })).status).toBe(428);
  });

  test('have names of their own in their organisation, whatever their case', async () => {
    const [one, two] = [await mintTenant(), await mintTenant()];
    await makeGroup(one, 'Devs');
    const again = await api(one.owner).post('/groups', { name: 'dEVS' });
    expect(problem(again)).toMatchObject({ status: 409, errors: [{ path: 'name' }] });
    expect((await api(two.owner).post('/groups', { name: 'Devs' })).status).toBe(201);
  });

  test('are found by a part of their name, page by page, and never those of others', async () => {
    const [one, two] = [await mintTenant(), await mintTenant()];
    for (const name of ['beta', 'Alpha', 'gamma', 'delta']) {
      await makeGroup(one, name);
      await makeGroup(two, `${name} of others`);
    }
    const first = read(await api(one.owner).get('/groups?limit=3'), groupList);
    const rest = read(await api(one.owner).get(`/groups?limit=3&cursor=${first.nextCursor}`), groupList);
    expect([...first.items, ...rest.items].map(nameOf)).toEqual(['Alpha', 'beta', 'delta', 'gamma']);
    expect(rest.nextCursor).toBeNull();
    expect(read(await api(one.owner).get('/groups?q=ELT'), groupList).items.map(nameOf)).toEqual(['delta']);
    expect(problem(await api(one.owner).get('/groups?cursor=WzFd')).errors?.[0]?.path).toBe('cursor');
  });

  test('that give nothing are deleted at once; one that gives access says first what would be lost', async () => {
    const tenant = await mintTenant();
    const [group, above] = [await makeGroup(tenant, 'Devs'), await makeGroup(tenant, 'Staff')];
    await putIn(tenant.owner, above, group);
    await give(tenant.owner, group, 'auditor', inHours(8));
    const refused = await api(tenant.owner).delete(`/groups/${group.id}`);
    expect(problem(refused)).toMatchObject({
      ...{ status: 409, code: 'conflict' },
      errors: [{ path: 'role Auditor' }, { path: 'membership of Staff' }],
    });
    const done = await api(tenant.owner).delete(`/groups/${group.id}?grants=remove`);
    expect(done.status).toBe(204);
    const event = await eventOfAnswer(tenant, done);
    expect(event).toMatchObject({ action: 'group.delete', resource: { id: group.id, name: 'Devs' } });
    expect(event?.diff.map(({ path }) => path)).toEqual(['name', 'description', 'role Auditor', 'membership of Staff']);
    expect((await api(tenant.owner).get(`/groups/${group.id}`)).status).toBe(404);
    expect(await membersOf(tenant.owner, above)).toEqual([]);
    const left = await tenant.db.rows('SELECT 1 FROM role_assignments WHERE tenant_id = ? AND subject_id = ?', tenant.id, group.id);
    expect(left).toEqual([]);
    expect((await api(tenant.owner).delete(`/groups/${above.id}`)).status).toBe(204);
  });
});

describe('members', () => {
  test('are added and removed together as one event that names them', async () => {
    const tenant = await mintTenant();
    const group = await makeGroup(tenant);
    const [ann, bob, cid] = [await addUser(tenant, [], 'Ann'), await addUser(tenant, [], 'Bob'), await addUser(tenant, [], 'Cid')];
    await putIn(tenant.owner, group, ann);
    const changed = await api(tenant.owner).patch(`/groups/${group.id}/members`, {
      add: [bob, cid, ann, bob].map(({ id }) => ({ type: 'user', id })),
      remove: [],
    });
    expect(changed.body).toEqual({ added: 2, changed: 0, removed: 0 });
    const both = await api(tenant.owner).patch(`/groups/${group.id}/members`, {
      add: [],
      remove: [{ type: 'user', id: ann.id }],
    });
    expect(both.body).toEqual({ added: 0, changed: 0, removed: 1 });
    expect((await eventOfAnswer(tenant, changed))?.diff).toEqual([
      { path: `members.user ${bob.id}`, old: null, new: { name: 'Bob', until: 'for good' }, secret: false },
      { path: `members.user ${cid.id}`, old: null, new: { name: 'Cid', until: 'for good' }, secret: false },
    ]);
    expect((await eventOfAnswer(tenant, both))?.diff).toEqual([
      { path: `members.user ${ann.id}`, old: { name: 'Ann', until: 'for good' }, new: null, secret: false },
    ]);
    const again = await takeOut(tenant.owner, group, ann);
    expect(again.body).toEqual({ added: 0, changed: 0, removed: 0 });
    expect(await eventOfAnswer(tenant, again)).toBeUndefined();
    expect((await membersOf(tenant.owner, group)).map(nameOf)).toEqual(['Bob', 'Cid']);
  });

  test('are of the same organisation, and at most 200 in one request', async () => {
    const [one, two] = [await mintTenant(), await mintTenant()];
    const group = await makeGroup(one);
    for (const stranger of [two.owner, await makeGroup(two)]) {
      const answer = await putIn(one.owner, group, one.owner, stranger);
      expect(problem(answer)).toMatchObject({ status: 422, errors: [{ path: 'add.1.id' }] });
    }
    expect(await membersOf(one.owner, group)).toEqual([]);
    expect((await putIn(two.owner, group, two.owner)).status).toBe(404);
    const many = Array.from({ length: 201 }, () => ({ id: services().newId('user') }));
    expect((await putIn(one.owner, group, ...many)).status).toBe(422);
  });

  test('are shown with every way that leads to them, direct ones too', async () => {
    const tenant = await mintTenant();
    const [top, left, right, low] = [
      await makeGroup(tenant, 'Top'),
      await makeGroup(tenant, 'Left'),
      await makeGroup(tenant, 'Right'),
      await makeGroup(tenant, 'Low'),
    ];
    const [ann, bob] = [await addUser(tenant, [], 'Ann'), await addUser(tenant, [], 'Bob')];
    await putIn(tenant.owner, top, left, right, ann);
    await putIn(tenant.owner, left, low);
    await putIn(tenant.owner, right, low, bob);
    await putIn(tenant.owner, low, ann);
    const members = await membersOf(tenant.owner, top);
    expect(members.map(({ name, direct }) => [name, direct])).toEqual([
      ['Left', true],
      ['Low', false],
      ['Right', true],
      ['Ann', true],
      ['Bob', false],
    ]);
    const ways = (name: string) =>
      members
        .find((each) => each.name === name)
        ?.paths.map((path) => path.map(nameOf).join(' → '))
        .sort();
    expect(ways('Ann')).toEqual(['Left → Low', 'Right → Low']);
    expect(ways('Bob')).toEqual(['Right']);
    expect(ways('Left')).toEqual([]);
    expect((await membersOf(tenant.owner, top, '&show=direct')).map(nameOf)).toEqual(['Left', 'Right', 'Ann']);
    expect((await membersOf(tenant.owner, top, '&show=inherited&q=bo')).map(nameOf)).toEqual(['Bob']);
    const page = read(await api(tenant.owner).get(`/groups/${top.id}/members?limit=3`), memberList);
    const next = read(await api(tenant.owner).get(`/groups/${top.id}/members?limit=3&cursor=${page.nextCursor}`), memberList);
    expect([...page.items, ...next.items].map(nameOf)).toEqual(members.map(nameOf));
    const shown = read(await api(tenant.owner).get(`/groups/${low.id}`), groupDetail);
    expect(shown).toMatchObject({ people: 1, parents: [{ name: 'Left' }, { name: 'Right' }] });
  });

  test('know their own groups and the way to each; others need the permission', async () => {
    const tenant = await mintTenant();
    const [top, low] = [await makeGroup(tenant, 'Top'), await makeGroup(tenant, 'Low')];
    const ann = await addUser(tenant);
    await putIn(tenant.owner, top, low);
    await putIn(tenant.owner, low, ann);
    const mine = read(await api(ann).get(`/group-memberships?subject=${ann.id}`), membershipList);
    expect(mine.items.map(({ group, direct, paths }) => [group.name, direct, paths.map((path) => path.map(nameOf))])).toEqual([
      ['Low', true, []],
      ['Top', false, [['Low']]],
    ]);
    expect((await api(ann).get(`/group-memberships?subject=${tenant.owner.id}`)).status).toBe(403);
    const ofGroup = read(await api(tenant.owner).get(`/group-memberships?subject=${low.id}`), membershipList);
    expect(ofGroup.items).toMatchObject([{ group: { name: 'Top' }, direct: true }]);
  });

  test('of a group that the identity provider keeps can’t be edited by hand', async () => {
    const tenant = await mintTenant();
    const group = await makeGroup(tenant, 'From Okta');
    await tenant.db.batch([statement("UPDATE groups SET source = 'scim' WHERE tenant_id = ? AND id = ?", tenant.id, group.id)]);
    const answer = await putIn(tenant.owner, group, tenant.owner);
    expect(problem(answer)).toMatchObject({ status: 409, detail: expect.stringContaining('identity provider') });
    expect((await api(tenant.owner).delete(`/groups/${group.id}`)).status).toBe(409);
    expect(read(await api(tenant.owner).get(`/groups/${group.id}`), groupDetail).may.editMembers).toBe(false);
  });
});

describe('a circle of groups', () => {
  test('is refused and named, however long', async () => {
    const tenant = await mintTenant();
    const [platform, devs, web] = [await makeGroup(tenant, 'Platform'), await makeGroup(tenant, 'Devs'), await makeGroup(tenant, 'Web')];
    await putIn(tenant.owner, devs, platform);
    const short = await putIn(tenant.owner, platform, devs);
    expect(problem(short)).toMatchObject({
      status: 409,
      code: 'conflict',
      detail: 'That would close a circle: Platform → Devs → Platform.',
    });
    await putIn(tenant.owner, web, devs);
    const long = await putIn(tenant.owner, platform, tenant.owner, web);
    expect(problem(long).errors).toEqual([{ path: 'add.1.id', message: 'That would close a circle: Platform → Web → Devs → Platform.' }]);
    expect(problem(await putIn(tenant.owner, web, web)).detail).toContain('Web → Web');
    expect(await membersOf(tenant.owner, platform)).toEqual([]);
  });

  test('can’t be closed by two edges at the same time: one of them is refused with the circle', async () => {
    const tenant = await mintTenant();
    for (let round = 0; round < 5; round++) {
      const [one, two] = [await makeGroup(tenant), await makeGroup(tenant)];
      const answers = await Promise.all([putIn(tenant.owner, one, two), putIn(tenant.owner, two, one)]);
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(problem(answers.find(({ status }) => status === 409) ?? answers[0]).detail).toContain('→');
    }
  });

  test('never comes about, whatever many people edit at once', { timeout: 60_000 }, async () => {
    const tenant = await mintTenant();
    const move = fc.record({ group: fc.nat(4), member: fc.nat(4), add: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 4, maxLength: 10 }), async (moves) => {
        const groups = await Promise.all(Array.from({ length: 5 }, () => makeGroup(tenant)));
        const at = (index: number) => groups[index] ?? { id: '', name: '' };
        const answers = await Promise.all(
          moves.map(({ group, member, add }) => (add ? putIn : takeOut)(tenant.owner, at(group), at(member))),
        );
        expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([]);
        const circles = await tenant.db.rows(
          `WITH RECURSIVE walk (origin, id) AS (
             SELECT m.group_id, m.member_id FROM group_members m WHERE m.tenant_id = ?1 AND m.member_type = 'group'
             UNION SELECT walk.origin, m.member_id FROM walk
             JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = walk.id AND m.member_type = 'group'
           ) SELECT 1 FROM walk WHERE origin = id`,
          tenant.id,
        );
        expect(circles).toEqual([]);
      }),
      { numRuns: 15 },
    );
  });
});

describe('a group manager', () => {
  const staged = async (): Promise<{ tenant: Tenant; group: { id: string }; max: Awaited<ReturnType<typeof addUser>> }> => {
    const tenant = await mintTenant();
    const [group, max] = [await makeGroup(tenant, 'Devs'), await addUser(tenant, [], 'Max Manager')];
    expect((await setManagers(tenant, group, max)).status).toBe(200);
    return { tenant, group, max };
  };

  test('is named by whoever may change groups, with an event', async () => {
    const tenant = await mintTenant();
    const [group, max] = [await makeGroup(tenant), await addUser(tenant, [], 'Max Manager')];
    const answer = await setManagers(tenant, group, max);
    expect(read(answer, groupDetail).managers).toEqual([{ id: max.id, name: 'Max Manager', email: max.email }]);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'group.managers.update', diff: [{ path: `managers.${max.id}`, old: null, new: 'Max Manager' }] },
    });
    expect(problem(await setManagers(tenant, group, { id: services().newId('user') }))).toMatchObject({ errors: [{ path: 'items.0' }] });
    const seen = await api(tenant.owner).get(`/groups/${group.id}`);
    const body = { items: [] };
    expect((await api(max).put(`/groups/${group.id}/managers`, body, tagOf(seen))).status).toBe(403);
  });

  test('edits the members of that group and finds people for it, and nothing else', async () => {
    const { tenant, group, max } = await staged();
    const ann = await addUser(tenant, [], 'Ann Example');
    const other = await makeGroup(tenant, 'Others');
    expect(read(await api(max).get('/me'), me).user.managesGroups).toBe(true);
    expect(read(await api(max).get('/groups'), groupList).items.map(nameOf)).toEqual(['Devs']);
    expect(read(await api(max).get(`/groups/${group.id}/candidates?q=ann ex`), candidateList).items).toMatchObject([{ id: ann.id }]);
    expect((await putIn(max, group, ann)).status).toBe(200);
    expect((await membersOf(max, group)).map(nameOf)).toEqual(['Ann Example']);
    expect(read(await api(max).get(`/groups/${group.id}`), groupDetail).may).toEqual({ editMembers: true, change: false });
    const refused = [
      await putIn(max, other, ann),
      await api(max).get(`/groups/${other.id}`),
      await api(max).get(`/groups/${other.id}/members`),
      await api(max).patch(`/groups/${group.id}`, { name: 'Mine' }, { 'If-Match': '"1"' }),
      await api(max).delete(`/groups/${group.id}`),
      await give(max, group, 'auditor'),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 403));
    for (const answer of refused) expect(await eventOfAnswer(tenant, answer)).toMatchObject({ outcome: 'denied', actor: { id: max.id } });
    expect((await setManagers(tenant, group)).status).toBe(200);
    expect((await takeOut(max, group, ann)).status).toBe(403);
  });

  test('gives no role through a group that has one, nor does anybody who could not give it', async () => {
    const { tenant, group, max } = await staged();
    const above = await makeGroup(tenant, 'Admins');
    await putIn(tenant.owner, above, group);
    const assignment = await given(give(tenant.owner, above, 'template-admin'));
    const admin = await addUser(tenant, ['user-admin']);
    for (const person of [max, admin]) {
      const answer = await putIn(person, group, person);
      expect(problem(answer)).toMatchObject({ status: 403, detail: expect.stringContaining('Template admin') });
      expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'group.members.update', outcome: 'denied' });
    }
    expect((await api(admin).delete(`/groups/${group.id}?grants=remove`)).status).toBe(403);
    await api(tenant.owner).delete(`/role-assignments/${assignment}`);
    expect((await putIn(max, group, max)).status).toBe(200);
  });
});

describe('leaving a group', () => {
  test('ends the open terminal that only the group let in', async () => {
    const { site, running, viewer } = await makePair();
    const { tenant, templateId, dev } = site;
    const [devs, staff] = [await makeGroup(tenant, 'Devs'), await makeGroup(tenant, 'Staff')];
    await putIn(tenant.owner, staff, devs);
    await putIn(tenant.owner, devs, dev);
    const before = await api(tenant.owner).get(`/templates/${templateId}/acl`);
    const items = [{ subject: { type: 'group', id: staff.id }, role: 'use' }];
    expect((await api(tenant.owner).put(`/templates/${templateId}/acl`, { items }, tagOf(before))).status).toBe(200);
    expect((await attachTo(dev, running.id)).status).toBe(200);
    expect(read(await api(tenant.owner).get(`/groups/${devs.id}`), groupDetail).grants.templates).toMatchObject([
      { template: { id: templateId }, role: 'use', from: { name: 'Staff' } },
    ]);
    expect((await takeOut(tenant.owner, staff, devs)).status).toBe(200);
    expect((await viewer.closed).code).toBe(4403);
  });

  test('a deleted group’s entries are gone from templates, whose lists then have another version', async () => {
    const { site } = await makePair();
    const { tenant, templateId } = site;
    const devs = await makeGroup(tenant, 'Devs');
    const before = await api(tenant.owner).get(`/templates/${templateId}/acl`);
    const items = [{ subject: { type: 'group', id: devs.id }, role: 'use' }];
    const put = await api(tenant.owner).put(`/templates/${templateId}/acl`, { items }, tagOf(before));
    expect(problem(await api(tenant.owner).delete(`/groups/${devs.id}`)).errors).toMatchObject([{ path: 'template shell' }]);
    expect((await api(tenant.owner).delete(`/groups/${devs.id}?grants=remove`)).status).toBe(204);
    const after = await api(tenant.owner).get(`/templates/${templateId}/acl`);
    expect(after.body).toMatchObject({ items: [] });
    expect(after.headers.get('ETag')).not.toBe(put.headers.get('ETag'));
  });
});
