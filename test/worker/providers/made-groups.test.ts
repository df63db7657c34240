import { beforeEach, describe, expect, test } from 'vitest';
import { drift, groupMapping, groupMappingList, mappingPreview, synced } from '@gatehouse/core/api/group-mappings.ts';
import { groupDetail } from '@gatehouse/core/api/groups.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { madeName } from '@gatehouse/core/access/group-mapping.ts';
import { Chance } from '../../support/chance.ts';
import { give, makeGroup, makeRole, membersOf, putIn, takeOut } from '../../support/groups.ts';
import { connect, mintClient, signInBy, TestBrowser } from '../../support/oidc/sign-in.ts';
import { addDirectory, groupBody, made, scim, userBody, type Directory, type Scim } from '../../support/scim.ts';
import { addUser, api, eventOfAnswer, eventsOf, mintTenant, problem, read, unique, type Tenant } from '../../support/tenants.ts';

/** Mappings that make groups: of the directory's `gh-payments` a group `payments`, which keeps its members. */

let tenant: Tenant;
let directory: Directory;
let client: Scim;
const owner = () => api(tenant.owner);
const at = (path: string) => `/identity-providers/${directory.id}${path}`;
const rule = (more: object = {}, kind = 'prefix', pattern = 'gh-') => ({
  kind,
  pattern,
  target: { type: 'made-group', name: '$1', ...more },
});
const map = async (body: object = rule()) => read(await owner().post(at('/mappings'), body), groupMapping);
const push = (name: string, members: string[] = []) => made(client.post('/Groups', groupBody(name, members)));
const rename = (id: string, value: string) => client.patch(`/Groups/${id}`, { op: 'replace', path: 'displayName', value });
const somebody = () => made(client.post('/Users', userBody(unique())));
const called = (name: string) =>
  tenant.db.first<{ id: string; name: string; source: string; kept_by: string | null }>(
    'SELECT id, name, source, kept_by FROM groups WHERE tenant_id = ? AND name = ? COLLATE NOCASE',
    ...[tenant.id, name],
  );
const peopleOf = async (name: string) => {
  const group = await called(name);
  return group
    ? (await membersOf(tenant.owner, group))
        .filter(({ type }) => type === 'user')
        .map(({ id }) => id)
        .sort()
    : null;
};
const driftItems = async () => read(await owner().get(at('/drift')), drift).items;

beforeEach(async () => {
  tenant = await mintTenant();
  directory = await addDirectory(tenant);
  client = scim(directory);
});

describe('a mapping that makes groups', () => {
  test('makes one for each of the directory’s, there and to come, that follows its members; each is an event', async () => {
    const [ana, ben] = [await somebody(), await somebody()];
    await push('gh-Payments', [ana]);
    const mapping = await map();
    expect(mapping.target).toEqual({ type: 'made-group', id: '$1', name: '$1', whenGone: 'empty' });
    expect(await called('Payments')).toMatchObject({ source: 'local', kept_by: mapping.id });
    const late = await push('gh-sales', [ben]);
    expect([await peopleOf('payments'), await peopleOf('sales')]).toEqual([[ana], [ben]]);
    await client.patch(`/Groups/${late}`, { op: 'add', path: 'members', value: [{ value: ana }] });
    expect(await peopleOf('sales')).toEqual([ana, ben].toSorted());
    const events = (await eventsOf(tenant)).filter(({ action, details }) => action === 'group.create' && details['mapping'] === mapping.id);
    expect(events.map(({ resource, actor, details }) => [resource.name, actor.type, details['members']])).toEqual([
      ['Payments', 'user', 'gh-Payments'],
      ['sales', 'scim-client', 'gh-sales'],
    ]);
    const told = (await eventsOf(tenant)).find(({ resource }) => resource.id === late);
    expect(told?.requestId).toBe(events[1]?.requestId);
  });

  test('is a group of ours: people are added by hand beside, it is renamed and gives roles', async () => {
    const mapping = await map();
    const ana = await somebody();
    await push('gh-payments', [ana]);
    const group = (await called('payments')) ?? { id: '' };
    const guest = await addUser(tenant);
    await putIn(tenant.owner, group, guest);
    await give(tenant.owner, group, 'auditor');
    expect(read(await api(guest).get('/me'), me).user.roles).toEqual(['auditor']);
    const { headers } = await owner().get(`/groups/${group.id}`);
    await owner().patch(`/groups/${group.id}`, { name: 'Payments team' }, { 'If-Match': headers.get('ETag') ?? '' });
    expect(read(await owner().post(at('/sync')), synced)).toEqual({ mended: 0, left: 0 });
    expect([await called('payments'), await peopleOf('Payments team')]).toEqual([undefined, [ana, guest.id].toSorted()]);
    expect(mapping.groups).toEqual([]);
  });

  test('keeps it, without the directory’s people, when the directory’s group is gone, and fills it again', async () => {
    await map();
    const ana = await somebody();
    const id = await push('gh-payments', [ana]);
    const before = await called('payments');
    expect((await client.delete(`/Groups/${id}`)).status).toBe(204);
    expect([await called('payments'), await peopleOf('payments')]).toEqual([before, []]);
    await push('GH-Payments', [ana]);
    expect([await called('payments'), await peopleOf('payments')]).toEqual([before, [ana]]);
  });

  test('deletes it then where it says so, with what it gave; not while somebody else is in it', async () => {
    await map(rule({ whenGone: 'delete' }));
    const [one, two] = [await push('gh-one'), await push('gh-two')];
    const [group, kept] = [(await called('one')) ?? { id: '' }, (await called('two')) ?? { id: '' }];
    await give(tenant.owner, group, 'auditor');
    await putIn(tenant.owner, kept, tenant.owner);
    await client.delete(`/Groups/${one}`);
    await client.delete(`/Groups/${two}`);
    expect([await called('one'), await called('two')]).toEqual([undefined, expect.anything()]);
    const event = (await eventsOf(tenant)).find(({ action, resource }) => action === 'group.delete' && resource.id === group.id);
    expect(event).toMatchObject({ resource: { name: 'one' }, details: { reason: expect.stringContaining('gone') } });
    expect(event?.diff).toContainEqual({ path: 'role Auditor', old: true, new: null, secret: false });
    expect(await tenant.db.rows('SELECT 1 FROM role_assignments WHERE tenant_id = ? AND subject_id = ?', tenant.id, group.id)).toEqual([]);
  });

  test('follows a new name: the group of the old one loses its people, that of the new one has them', async () => {
    const ana = await somebody();
    const id = await push('gh-old', [ana]);
    await map(rule({ whenGone: 'delete' }));
    expect((await rename(id, 'gh-new')).status).toBeLessThan(300);
    expect([await called('old'), await peopleOf('new')]).toEqual([undefined, [ana]]);
    const same = await called('new');
    expect((await rename(id, 'GH-new')).status).toBeLessThan(300);
    expect([await called('new'), await peopleOf('new')]).toEqual([same, [ana]]);
    expect((await rename(id, 'elsewhere')).status).toBeLessThan(300);
    expect(await called('new')).toBeUndefined();
  });

  test('puts groups of the same made name together', async () => {
    const [ana, ben] = [await somebody(), await somebody()];
    const [gh] = [await push('gh-ops', [ana]), await push('gl-ops', [ben])];
    await map(rule({ whenGone: 'delete' }, 'regex', '(?:gh|gl)-(.+)'));
    expect(await peopleOf('ops')).toEqual([ana, ben].toSorted());
    await client.delete(`/Groups/${gh}`);
    expect(await peopleOf('ops')).toEqual([ben]);
  });

  test('when it is removed, its groups are as any other, without what it gave', async () => {
    const mapping = await map();
    await push('gh-payments', [await somebody()]);
    expect((await owner().delete(at(`/mappings/${mapping.id}`))).status).toBe(204);
    expect([await called('payments'), await peopleOf('payments')]).toEqual([expect.objectContaining({ kept_by: null }), []]);
    await map();
    expect((await driftItems()).map(({ kind }) => kind)).toEqual(['not-made']);
  });

  test('gives what somebody took away by hand again on request', async () => {
    await map();
    const id = await push('gh-payments', [await somebody()]);
    const group = (await called('payments')) ?? { id: '' };
    await takeOut(tenant.owner, group, { id });
    expect((await driftItems()).map(({ kind, directory: says }) => [kind, says])).toEqual([
      ['mapping-missing', 'groups by prefix gh- give a group payments'],
    ]);
    expect(read(await owner().post(at('/sync')), synced)).toEqual({ mended: 1, left: 0 });
    await owner().delete(`/groups/${group.id}?grants=remove`);
    expect(read(await owner().post(at('/sync')), synced)).toEqual({ mended: 1, left: 0 });
    expect((await peopleOf('payments'))?.length).toBe(1);
  });

  test('is looked at before: what would be made, what has the name already, and how many people come into it', async () => {
    await makeGroup(tenant, 'Sales');
    await push('gh-payments', [await somebody(), await somebody()]);
    await push('gh-sales', [await somebody()]);
    await push(`gh-${'x'.repeat(81)}`).catch(() => null);
    const shown = read(await owner().post(at('/mappings/preview'), rule()), mappingPreview);
    expect(shown.groups.map(({ name, makes }) => [name, makes?.name, makes?.outcome, makes?.by?.handMade])).toEqual(
      expect.arrayContaining([
        ['gh-payments', 'payments', 'make', undefined],
        ['gh-sales', 'sales', 'taken', true],
      ]),
    );
    expect(shown.people).toBe(2);
    expect([await called('payments'), read(await owner().get(at('/mappings')), groupMappingList).items]).toEqual([undefined, []]);
  });

  test.each([
    ['a name that the pattern does not have', rule({ name: '$2' }), 'target.name'],
    ['the directory’s own name', rule({ name: '$0' }), 'target.name'],
    ['no name', rule({ name: ' ' }), 'target.name'],
    ['an end that there is not', rule({ whenGone: 'burn' }), 'target.whenGone'],
  ])('does not take %s', async (_what, body, path) => {
    expect(problem(await owner().post(at('/mappings'), body))).toMatchObject({ code: 'invalid', errors: [{ path }] });
  });

  test('needs the right to make groups, and to hand one over the right to give what it gives', async () => {
    const manager = await addUser(tenant);
    const { id: role } = await makeRole(tenant, ['idp:read', 'idp:manage']);
    await give(tenant.owner, manager, role);
    expect(problem(await api(manager).post(at('/mappings'), rule()))).toMatchObject({ code: 'permission-denied' });
    const group = await makeGroup(tenant, 'payments');
    const mapping = await map();
    await push('gh-payments');
    const handOver = (by = manager) => api(by).post(at(`/mappings/${mapping.id}/groups`), { group: group.id });
    expect(problem(await handOver())).toMatchObject({ code: 'permission-denied' });
    await give(tenant.owner, manager, (await makeRole(tenant, ['group:update', 'group:read'])).id);
    await give(tenant.owner, group, 'owner');
    expect(problem(await handOver())).toMatchObject({ code: 'permission-denied' });
    expect((await handOver(tenant.owner)).status).toBe(204);
  });
});

describe('a group that was made by hand', () => {
  test('is never taken over by a name: it is told where drift is, in the event and in the log of calls', async () => {
    const hand = await makeGroup(tenant, 'Payments');
    await putIn(tenant.owner, hand, tenant.owner);
    const mapping = await map(rule({ whenGone: 'delete' }));
    const id = await push('gh-payments', [await somebody()]);
    expect(await peopleOf('payments')).toEqual([tenant.owner.id]);
    expect((await driftItems())[0]).toMatchObject({
      ...{ kind: 'not-made', subject: { id }, mendable: false, here: expect.stringContaining('made by hand') },
      handOver: { mapping: mapping.id, group: { id: hand.id, name: 'Payments' } },
    });
    expect(read(await owner().post(at('/sync')), synced)).toEqual({ mended: 0, left: 1 });
    const event = (await eventsOf(tenant)).find(({ action, resource }) => action === 'group.create' && resource.id === id);
    expect(event?.details).toMatchObject({ notMade: expect.stringContaining('no group payments is made') });
    const log = (await owner().get(at('/provisioning'))).body as { items: Array<{ note: string | null }> };
    expect(log.items[0]?.note).toContain('no group payments is made');
    await client.delete(`/Groups/${id}`);
    expect(await called('payments')).toMatchObject({ id: hand.id, kept_by: null });
  });

  test('may be handed over, keeps its own members, and stays when the directory’s is gone', async () => {
    const hand = await makeGroup(tenant, 'Payments');
    await putIn(tenant.owner, hand, tenant.owner);
    const mapping = await map(rule({ whenGone: 'delete' }));
    const ana = await somebody();
    const id = await push('gh-payments', [ana]);
    const other = await makeGroup(tenant, 'Others');
    const over = (group: string) => owner().post(at(`/mappings/${mapping.id}/groups`), { group });
    expect(problem(await over(other.id))).toMatchObject({ code: 'invalid', errors: [{ path: 'group' }] });
    const answer = await over(hand.id);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'group.update', resource: { id: hand.id } },
      diff: [{ path: 'kept by', old: null, new: `${directory.name}, groups by prefix gh-` }],
    });
    expect(await peopleOf('payments')).toEqual([ana, tenant.owner.id].toSorted());
    await takeOut(tenant.owner, hand, tenant.owner);
    await client.delete(`/Groups/${id}`);
    expect([(await called('payments'))?.id, await peopleOf('payments')]).toEqual([hand.id, []]);
    expect(problem(await over(hand.id))).toMatchObject({ code: 'invalid' });
  });
});

test('the group that a token names first makes its own; roles and groups of mappings count for it as for any other', async () => {
  const email = `${unique()}@people.test`;
  const there = await mintClient({ email, groups: ['gh-payments'] });
  const config = {
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { groups: 'groups' },
    admission: { rule: 'anybody' as const },
  };
  const { id } = await connect(tenant, { ...there.config, ...config });
  const path = `/identity-providers/${id}/mappings`;
  const mapping = read(await owner().post(path, rule({ whenGone: 'delete' })), groupMapping);
  read(await owner().post(path, { kind: 'name', pattern: 'gh-payments', target: { type: 'role', id: 'auditor' } }), groupMapping);
  await makeGroup(tenant, 'Taken');
  const browser = new TestBrowser();
  expect((await signInBy(browser, tenant, id)).status).toBe(200);
  const { user } = read(await api(browser).get('/me'), me);
  expect(user.roles).toEqual(['auditor']);
  expect([await called('payments'), await peopleOf('payments')]).toEqual([expect.objectContaining({ kept_by: mapping.id }), [user.id]]);
  const event = (await eventsOf(tenant)).find(({ action, resource }) => action === 'group.create' && resource.name === 'payments');
  expect(event).toMatchObject({ actor: { type: 'system' }, details: { mapping: mapping.id, members: 'gh-payments' } });

  // A token does not say that a group is gone: nobody is in it any more.
  await there.somebody({ email, groups: ['gh-taken'] });
  expect((await signInBy(new TestBrowser(), tenant, id)).status).toBe(200);
  expect([await peopleOf('payments'), await peopleOf('taken')]).toEqual([[], []]);
  const { items } = read(await owner().get(`/identity-providers/${id}/drift`), drift);
  expect(items.map(({ kind, handOver }) => [kind, handOver?.group.name])).toEqual([['not-made', 'Taken']]);
});

test('two that come at once make one group', async () => {
  await map(rule({}, 'regex', '(?:a|b)-(.+)'));
  for (let round = 0; round < 3; round++) {
    await Promise.all([push(`a-team${round}`), push(`b-team${round}`)]);
    const group = (await called(`team${round}`)) ?? { id: '' };
    expect((await membersOf(tenant.owner, group, '&show=direct')).map(({ name }) => name).sort()).toEqual([
      `a-team${round}`,
      `b-team${round}`,
    ]);
  }
});

test('whatever order things happen in, what was made by hand stays as it is, and each made group has those of its name', async () => {
  const chance = new Chance(35);
  const pick = <T>(all: readonly T[]): T | undefined => (all.length === 0 ? undefined : chance.pick(all));
  const NAMES = ['one', 'two', 'three'];
  const mappings = [await map(rule({ whenGone: 'delete' })), await map(rule({ name: '$1' }, 'prefix', 'gl-'))];
  const theirs = new Map<string, string>();
  const byHand = new Map<string, string>();
  const free = (prefix: string) => NAMES.map((name) => `${prefix}${name}`).filter((name) => ![...theirs.values()].includes(name));
  const steps: Array<() => Promise<unknown>> = [
    async () => {
      const name = pick([...free('gh-'), ...free('gl-')]);
      if (name !== undefined) theirs.set(await push(name), name);
    },
    async () => {
      const [id, to] = [pick([...theirs.keys()]), pick([...free('gh-'), ...free('gl-')])];
      if (id !== undefined && to !== undefined) {
        expect((await rename(id, to)).status).toBeLessThan(300);
        theirs.set(id, to);
      }
    },
    async () => {
      const id = pick([...theirs.keys()]);
      if (id === undefined) return;
      expect((await client.delete(`/Groups/${id}`)).status).toBe(204);
      theirs.delete(id);
    },
    async () => {
      const name = pick(NAMES) ?? '';
      const answer = await owner().post('/groups', { name });
      if (answer.status === 201) byHand.set(read(answer, groupDetail).id, name);
    },
    () => owner().post(at('/sync')),
  ];
  for (let step = 0; step < 40; step++) {
    await pick(steps)?.();
    const rows = await tenant.db.rows<{ id: string; name: string; kept_by: string | null; members: string }>(
      `SELECT g.id, g.name, g.kept_by, (SELECT json_group_array(m.member_id) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = g.id)
         AS members FROM groups g WHERE g.tenant_id = ?1 AND g.source = 'local'`,
      tenant.id,
    );
    for (const [id, name] of byHand) expect(rows.find((each) => each.id === id)).toMatchObject({ name, kept_by: null, members: '[]' });
    for (const { name, kept_by: keeper, members } of rows.filter((each) => !byHand.has(each.id))) {
      const mapping = mappings.find((each) => each.id === keeper);
      const fits = (theirName: string) =>
        mapping !== undefined && madeName({ kind: 'prefix', pattern: mapping.pattern, name: '$1' }, theirName) === name;
      for (const id of JSON.parse(members) as string[]) expect(fits(theirs.get(id) ?? '')).toBe(true);
    }
  }
  await owner().post(at('/sync'));
  const unmade = (await driftItems()).map(({ kind }) => kind);
  expect(new Set(unmade).size).toBeLessThan(2);
  expect(unmade.every((kind) => kind === 'not-made')).toBe(true);
});
