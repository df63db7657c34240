import { beforeAll, describe, expect, test } from 'vitest';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addDirectory, filtered, groupBody, made, scim, userBody, withServices, type Directory, type Scim } from '../../support/scim.ts';
import { countedServices } from '../../support/counted-services.ts';
import { makeGroup } from '../../support/groups.ts';
import { api, eventsOf, mintTenant, problem, services, unique, type Tenant } from '../../support/tenants.ts';

let tenant: Tenant;
let directory: Directory;
let client: Scim;

beforeAll(async () => {
  tenant = await mintTenant();
  directory = await addDirectory(tenant);
  client = scim(directory);
});

const user = () => made(client.post('/Users', userBody(unique())));
const users = (count: number) => Promise.all(Array.from({ length: count }, user));
const group = (members: string[] = []) => made(client.post('/Groups', groupBody(`Group ${unique()}`, members)));
const membersOf = async (id: string): Promise<string[]> =>
  ((await client.get(`/Groups/${id}`)).body.members ?? []).map(({ value }: { value: string }) => value).sort();
/** Those of one call have the same time, and no order. */
const actionsOn = async (id: string) => (await eventsOn(id)).map(({ action }) => action).sort();
const eventsOn = async (id: string) => (await eventsOf(tenant)).filter(({ resource }) => resource.id === id);

describe('a group of a directory', () => {
  test('is a group of the organisation that nobody edits by hand', async () => {
    const [pat] = await users(1);
    const name = `Engineers ${unique()}`;
    const answer = await client.post('/Groups', groupBody(name, [pat ?? '']));
    expect(answer).toMatchObject({
      status: 201,
      body: { displayName: name, members: [{ value: pat, type: 'User' }], meta: { resourceType: 'Group' } },
    });
    const { id } = answer.body as { id: string };
    const shown = await api(tenant.owner).get(`/groups/${id}`);
    expect(shown.body).toMatchObject({ name, source: 'scim', users: 1, may: { editMembers: false } });
    expect(problem(await api(tenant.owner).patch(`/groups/${id}/members`, { add: [], remove: [{ type: 'user', id: pat }] })).code).toBe(
      'conflict',
    );
    expect((await client.get(`/Users/${pat}`)).body.groups).toMatchObject([{ value: id, display: name, type: 'direct' }]);
    expect(await actionsOn(id)).toEqual(['group.create', 'group.members.update']);
  });

  test('never takes the name of another one', async () => {
    const local = await makeGroup(tenant);
    const name = String(
      (await api(tenant.owner).get(`/groups/${local.id}`)).body &&
        ((await api(tenant.owner).get(`/groups/${local.id}`)).body as { name: string }).name,
    );
    const clash = await client.post('/Groups', groupBody(name.toUpperCase()));
    expect(clash).toMatchObject({ status: 409, body: { scimType: 'uniqueness' } });
    expect(clash.body.detail).toContain('made in Gatehouse');
    const own = `Own ${unique()}`;
    const id = await made(client.post('/Groups', groupBody(own)));
    expect((await client.post('/Groups', groupBody(own))).body.detail).toContain(id);
    expect((await client.patch(`/Groups/${await group()}`, { op: 'replace', value: { displayName: own } })).status).toBe(409);
  });

  test('has members of its own directory only', async () => {
    const stranger = await made(scim(await addDirectory(tenant)).post('/Users', userBody(unique())));
    const id = await group();
    for (const value of [stranger, tenant.owner.id, 'usr_none'])
      expect(await client.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value }] })).toMatchObject({
        status: 400,
        body: { scimType: 'invalidValue' },
      });
    // Who is not in it can be taken out.
    expect((await client.patch(`/Groups/${id}`, { op: 'remove', path: `members[value eq "${stranger}"]` })).status).toBe(204);
  });

  test('may hold other groups, and closes no circle', async () => {
    const inner = await group();
    const outer = await group([inner]);
    expect((await client.get(`/Groups/${outer}`)).body.members).toMatchObject([{ value: inner, type: 'Group' }]);
    for (const value of [outer, inner])
      expect((await client.patch(`/Groups/${inner}`, { op: 'add', path: 'members', value: [{ value }] })).body.detail).toContain('circle');
    const both = await Promise.all([
      client.patch(`/Groups/${inner}`, { op: 'add', path: 'members', value: [{ value: await group() }] }),
      client.patch(`/Groups/${outer}`, { op: 'remove', path: 'members' }),
    ]);
    expect(both.map(({ status }) => status)).toEqual([204, 204]);
  });

  test('the same said twice changes nothing and is no event', async () => {
    const [pat = ''] = await users(1);
    const id = await group();
    const add = { op: 'add', path: 'members', value: [{ value: pat }] };
    const first = await client.patch(`/Groups/${id}`, add);
    const second = await client.patch(`/Groups/${id}`, add);
    expect(second.headers.get('ETag')).toBe(first.headers.get('ETag'));
    const remove = { op: 'remove', path: `members[value eq "${pat}"]` };
    await client.patch(`/Groups/${id}`, remove);
    await client.patch(`/Groups/${id}`, remove);
    expect(await actionsOn(id)).toEqual(['group.create', 'group.members.update', 'group.members.update']);
  });

  test('calls at once on its members are all done', async () => {
    const people = await users(8);
    const id = await group(people.slice(0, 4));
    const answers = await Promise.all([
      ...people.slice(4).map((value) => client.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value }] })),
      ...people.slice(0, 4).map((value) => client.patch(`/Groups/${id}`, { op: 'remove', path: `members[value eq "${value}"]` })),
    ]);
    expect(answers.every(({ status }) => status === 204)).toBe(true);
    expect(await membersOf(id)).toEqual(people.slice(4).sort());
  });

  test('a role that it gives goes with membership, and the last owner is not left behind', async () => {
    const [pat = ''] = await users(1);
    const id = await group();
    await tenant.db.batch([
      statement(
        "INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at) VALUES (?, ?, 'owner', 'group', ?, ?)",
        ...[tenant.id, services().newId('roleAssignment'), id, new Date().toISOString()],
      ),
    ]);
    await client.patch(`/Groups/${id}`, { op: 'add', path: 'members', value: [{ value: pat }] });
    expect((await eventsOn(id)).at(-1)?.details).toMatchObject({ added: 1, to: expect.any(String), power: expect.any(String) });
    await tenant.db.batch([statement("DELETE FROM role_assignments WHERE tenant_id = ? AND subject_type = 'user'", tenant.id)]);
    const refused = [
      await client.patch(`/Groups/${id}`, { op: 'remove', path: 'members', value: [{ value: pat }] }),
      await client.put(`/Groups/${id}`, groupBody(`Other ${unique()}`)),
      await client.delete(`/Groups/${id}`),
    ];
    expect(refused.map(({ status }) => status)).toEqual([409, 409, 409]);
    expect(await membersOf(id)).toEqual([pat]);
    await tenant.db.batch([
      statement(
        "INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at) VALUES (?, ?, 'owner', 'user', ?, ?)",
        ...[tenant.id, services().newId('roleAssignment'), tenant.owner.id, new Date().toISOString()],
      ),
    ]);
    expect((await client.delete(`/Groups/${id}`)).status).toBe(204);
    expect((await client.get(`/Groups/${id}`)).status).toBe(404);
    expect((await eventsOn(id)).at(-1)?.diff.map(({ path }) => path)).toEqual(['name', 'role Owner']);
  });

  test('lists show members only where they are asked for', async () => {
    const people = await users(2);
    const id = await group(people);
    const name: string = (await client.get(`/Groups/${id}`)).body.displayName;
    const found = await client.get(filtered('/Groups', `displayName eq "${name}"`));
    expect(found.body).toMatchObject({
      totalResults: 1,
      itemsPerPage: 1,
      Resources: [{ id, members: people.map(() => ({ type: 'User' })) }],
    });
    const without = await client.get(filtered('/Groups', `displayName eq "${name}"`, '&excludedAttributes=members'));
    expect(without.body.Resources[0]).not.toHaveProperty('members');
    expect((await client.get(filtered('/Groups', `id eq "${id}" and members eq "${people[0]}"`))).body.totalResults).toBe(1);
    expect((await client.get(filtered('/Groups', `members[value eq "usr_none"]`))).body.totalResults).toBe(0);
  });
});

describe('trips to the database', () => {
  const { services: watched, count: spentOn } = countedServices();
  const spent = (work: (counted: Scim) => Promise<{ status: number }>) =>
    spentOn(async () => expect((await work(scim(directory, withServices(watched)))).status).toBeLessThan(300));

  test('none takes more than two, however much it changes', async () => {
    const count = async (work: (counted: Scim) => Promise<{ status: number }>) => (await spent(work)).trips;
    const body = userBody(unique());
    let id = '';
    expect(
      await count(async (counted) => {
        const answer = await counted.post('/Users', body);
        id = answer.body.id;
        return answer;
      }),
    ).toBe(2);
    expect(await count((counted) => counted.patch(`/Users/${id}`, { op: 'replace', path: 'active', value: false }))).toBeLessThanOrEqual(3);
    expect(await count((counted) => counted.put(`/Users/${id}`, userBody(unique())))).toBeLessThanOrEqual(3);
    expect(await count((counted) => counted.get(filtered('/Users', 'active eq true')))).toBe(1);
    const groupId = await group();
    expect(await count((counted) => counted.patch(`/Groups/${groupId}`, { op: 'add', path: 'members', value: [{ value: id }] }))).toBe(2);
    expect(await count((counted) => counted.put(`/Groups/${groupId}`, groupBody(`Group ${unique()}`)))).toBe(2);
    expect(await count((counted) => counted.get('/Groups'))).toBe(1);
    expect(await count((counted) => counted.delete(`/Groups/${groupId}`))).toBe(2);
  });

  test('a change of 10,000 members works, and names each of them in the trail', async () => {
    const many = 10_000;
    const people = Array.from({ length: many }, () => services().newId('user'));
    const rows = JSON.stringify(people);
    const now = new Date().toISOString();
    await tenant.db.batch([
      statement(
        `INSERT INTO users (tenant_id, id, email, name, state, created_at) SELECT ?1, value, value || '@many.test', 'Person', 'active', ?3 FROM json_each(?2)`,
        ...[tenant.id, rows, now],
      ),
      statement(
        `INSERT INTO scim_users (tenant_id, provider_id, user_id, user_name, active, resource, created_at, updated_at)
         SELECT ?1, ?4, value, value, 1, '{}', ?3, ?3 FROM json_each(?2)`,
        ...[tenant.id, rows, now, directory.id],
      ),
    ]);
    const id = await group();
    const value = people.map((each) => ({ value: each }));
    expect((await client.patch(`/Groups/${id}`, { op: 'Add', path: 'members', value })).status).toBe(204);
    const size = await tenant.db.first('SELECT count(*) AS size FROM group_members WHERE tenant_id = ? AND group_id = ?', tenant.id, id);
    expect(size).toEqual({ size: many });
    const named = (await eventsOn(id)).filter(({ action }) => action === 'group.members.update').flatMap(({ diff }) => diff);
    expect(named).toHaveLength(many);
    // One who goes and comes back reads nobody else of them, though what is still on its way to the trail is looked through.
    const few = many / 20;
    const one = `members[value eq "${people[0]}"]`;
    expect((await spent((counted) => counted.patch(`/Groups/${id}`, { op: 'Remove', path: one }))).rowsRead).toBeLessThan(few);
    const back = { op: 'Add', path: 'members', value: value.slice(0, 1) };
    expect((await spent((counted) => counted.patch(`/Groups/${id}`, back))).rowsRead).toBeLessThan(few);
    expect((await client.patch(`/Groups/${id}`, { op: 'Remove', path: 'members', value: value.slice(1) })).status).toBe(204);
    expect(await membersOf(id)).toEqual(people.slice(0, 1));
    const byName = filtered('/Users', `userName eq "${people[7]}"`);
    expect((await spent((counted) => counted.get(byName))).rowsRead).toBeLessThan(50);
    const tooMany = Array.from({ length: 20_001 }, (_, at) => ({ value: `usr_${at}` }));
    expect((await client.patch(`/Groups/${id}`, { op: 'Add', path: 'members', value: tooMany })).status).toBe(413);
  });
});

describe('mappings by name', () => {
  const rolesOf = async (groupId: string) => {
    const { body } = await api(tenant.owner).get(`/role-assignments?subject=${groupId}`);
    return (body as { items: Array<{ role: { id: string } }> }).items.map(({ role }) => role.id);
  };

  test('count for a group from the moment it is made, and go by the name it has', async () => {
    const prefix = `aud-${unique()}-`;
    const mapping = { kind: 'prefix', pattern: prefix, target: { type: 'role', id: 'auditor' } };
    expect((await api(tenant.owner).post(`/identity-providers/${directory.id}/mappings`, mapping)).status).toBe(201);
    const id = await made(client.post('/Groups', groupBody(`${prefix}eu`)));
    expect(await rolesOf(id)).toEqual(['auditor']);
    expect((await eventsOn(id)).find(({ action }) => action === 'group.create')).toMatchObject({ details: { mapped: 'role auditor' } });
    const rename = (displayName: string) => client.patch(`/Groups/${id}`, { op: 'replace', path: 'displayName', value: displayName });
    expect((await rename(`Sales ${unique()}`)).status).toBeLessThan(300);
    expect(await rolesOf(id)).toEqual([]);
    expect((await rename(`${prefix}us`)).status).toBeLessThan(300);
    expect(await rolesOf(id)).toEqual(['auditor']);
  });
});
