import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  effectiveTemplateRole,
  groupClosure,
  TEMPLATE_ROLES,
  type AclEntry,
  type Membership,
} from '@gatehouse/core/access/template-acl.ts';
import { aclShown, templateDetail, templateList, templateVersionList } from '@gatehouse/core/api/templates.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addUser, api, eventOfAnswer, mintTenant, problem, read, services, type Tenant } from '../../support/tenants.ts';

const spec = {
  repository: 'https://git.example.org/app.git',
  startupScript: 'npm ci',
  environment: { API_KEY: 'planted-secret' },
  apps: [{ name: 'web', port: 3000 }],
};

async function makeTemplate(tenant: Tenant, name = 'payments') {
  return read(await api(tenant.owner).post('/templates', { name, description: 'Payments service', icon: 'server', spec }), templateDetail);
}

const everyone = (role: string) => ({ items: [{ subject: { type: 'everyone' }, role, expiresAt: null }] });

describe('templates', () => {
  test('are made with version 1, and the event says what but no environment value', async () => {
    const tenant = await mintTenant();
    const answer = await api(tenant.owner).post('/templates', { name: 'payments', spec });
    expect(answer.status).toBe(201);
    expect(read(answer, templateDetail)).toMatchObject({
      name: 'payments',
      role: 'admin',
      version: { number: 1 },
      spec: { driver: 'bubblewrap', environment: { API_KEY: 'planted-secret' } },
    });
    const event = await eventOfAnswer(tenant, answer);
    expect(event).toMatchObject({ action: 'template.create', outcome: 'success', actor: { id: tenant.owner.id } });
    expect(event?.diff.find(({ path }) => path === 'environment')).toEqual({ path: 'environment', old: null, new: null, secret: true });
    expect(JSON.stringify(event)).not.toContain('planted-secret');
  });

  test('have names of their own; a second of the same name is refused with the field', async () => {
    const tenant = await mintTenant();
    await makeTemplate(tenant);
    const answer = await api(tenant.owner).post('/templates', { name: 'payments' });
    expect(answer.status).toBe(409);
    expect(problem(answer).errors).toEqual([{ path: 'name', message: 'is taken' }]);
  });

  test.each([
    ['a user name in the address', { repository: 'https://me:pw@git.example.org/x.git' }, 'spec.repository'],
    ['git over ssh', { repository: 'ssh://git@example.org/x.git' }, 'spec.repository'],
    ['a bad variable name', { environment: { '1BAD': 'x' } }, 'spec.environment.1BAD'],
    ['a low port', { apps: [{ name: 'x', port: 80 }] }, 'spec.apps.0.port'],
    ['NUL in the script', { startupScript: 'a\0b' }, 'spec.startupScript'],
    ['too little memory to start in', { limits: { memoryMb: 16 } }, 'spec.limits.memoryMb'],
    ['half a process', { limits: { processes: 100.5 } }, 'spec.limits.processes'],
    ['no processor', { limits: { cpus: 0 } }, 'spec.limits.cpus'],
    ['a root file system by a tag', { rootfs: { source: 'https://images.example.org/x.tar', digest: 'latest' } }, 'spec.rootfs.digest'],
    ['an image by a tag', { driver: 'container', image: 'docker.io/library/debian:12' }, 'spec.image'],
    ['an image by a tag and a digest', { driver: 'container', image: `debian:12@sha256:${'0'.repeat(64)}` }, 'spec.image'],
    ['a container of no image', { driver: 'container' }, 'spec.image'],
    ['an image without a container', { image: `debian@sha256:${'0'.repeat(64)}` }, 'spec.image'],
    [
      'a container with a root file system besides',
      {
        driver: 'container',
        image: `debian@sha256:${'0'.repeat(64)}`,
        rootfs: { source: 'https://images.example.org/x.tar', digest: `sha256:${'0'.repeat(64)}` },
      },
      'spec.rootfs',
    ],
    ['one over http', { rootfs: { source: 'http://images.example.org/x.tar', digest: `sha256:${'0'.repeat(64)}` } }, 'spec.rootfs.source'],
  ])('refuse %s', async (_what, part, path) => {
    const tenant = await mintTenant();
    const answer = await api(tenant.owner).post('/templates', { name: 'bad-one', spec: part });
    expect(answer.status).toBe(422);
    expect(problem(answer).errors?.map((error) => error.path)).toContain(path);
  });

  test('change only as seen: a stale If-Match is 412, none is 428', async () => {
    const tenant = await mintTenant();
    const { id } = await makeTemplate(tenant);
    const owner = api(tenant.owner);
    expect((await owner.patch(`/templates/${id}`, { description: 'Second' }, { 'If-Match': '"1"' })).status).toBe(200);
    expect((await owner.patch(`/templates/${id}`, { description: 'Third' }, { 'If-Match': '"1"' })).status).toBe(412);
    expect((await owner.patch(`/templates/${id}`, { description: 'Third' })).status).toBe(428);
    expect(read(await owner.get(`/templates/${id}`), templateDetail).description).toBe('Second');
  });

  test('publish versions, newest first, each with its event', async () => {
    const tenant = await mintTenant();
    const { id } = await makeTemplate(tenant);
    const answer = await api(tenant.owner).post(`/templates/${id}/versions`, { spec: { ...spec, startupScript: 'npm ci && npm test' } });
    expect(answer.status).toBe(201);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'template.publish',
      diff: [{ path: 'startupScript', old: 'npm ci', new: 'npm ci && npm test' }],
    });
    expect(read(await api(tenant.owner).get(`/templates/${id}/versions`), templateVersionList).items.map(({ number }) => number)).toEqual([
      2, 1,
    ]);
  });

  test('bound what a workspace uses and name its root file system; a change of either is in the log, and older ones bound nothing', async () => {
    const tenant = await mintTenant();
    const { id, spec: before } = await makeTemplate(tenant);
    expect(before).toMatchObject({ limits: { cpus: null, memoryMb: null, processes: 4096, diskMb: null }, rootfs: null });
    const limits = { cpus: 2, memoryMb: 4096, processes: 2048, diskMb: 10_240 };
    const rootfs = { source: 'https://images.example.org/x.tar', digest: `sha256:${'0'.repeat(64)}` };
    const answer = await api(tenant.owner).post(`/templates/${id}/versions`, { spec: { ...spec, limits, rootfs } });
    expect(answer.status).toBe(201);
    expect((await eventOfAnswer(tenant, answer))?.diff).toEqual([
      { path: 'limits', old: before.limits, new: limits, secret: false },
      { path: 'rootfs', old: null, new: rootfs, secret: false },
    ]);
  });

  test('go once no workspace is made from them', async () => {
    const tenant = await mintTenant();
    const { id } = await makeTemplate(tenant);
    const answer = await api(tenant.owner).delete(`/templates/${id}`);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'template.delete' });
    expect((await api(tenant.owner).get(`/templates/${id}`)).status).toBe(404);
  });

  test('need the permission to be made, and the refusal is in the log', async () => {
    const tenant = await mintTenant();
    const member = await addUser(tenant);
    const answer = await api(member).post('/templates', { name: 'mine' });
    expect(answer.status).toBe(403);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'template.create',
      outcome: 'denied',
      actor: { id: member.id },
      status: 403,
    });
  });
});

describe('a template’s access list', () => {
  test('grants nothing by default: a member does not even see the template', async () => {
    const tenant = await mintTenant();
    const { id } = await makeTemplate(tenant);
    const member = api(await addUser(tenant));
    expect((await member.get(`/templates/${id}`)).status).toBe(404);
    expect(read(await member.get('/templates'), templateList).items).toEqual([]);
  });

  test('is replaced whole, with a structured diff, and only as seen', async () => {
    const tenant = await mintTenant();
    const { id } = await makeTemplate(tenant);
    const answer = await api(tenant.owner).put(`/templates/${id}/acl`, everyone('use'), { 'If-Match': '"1"' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('ETag')).toBe('"2"');
    expect(read(answer, aclShown).items).toEqual([
      {
        ...{ subject: { type: 'everyone' }, role: 'use', expiresAt: null, grantId: null },
        ...{ name: 'Everyone', people: 1, givenBy: tenant.owner.name },
      },
    ]);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'template.acl.update',
      diff: [{ path: 'acl.everyone', old: null, new: { role: 'use', expiresAt: null } }],
    });
    expect((await api(tenant.owner).put(`/templates/${id}/acl`, everyone('admin'), { 'If-Match': '"1"' })).status).toBe(412);
  });

  test('refuses strangers and somebody named twice, with the entry', async () => {
    const tenant = await mintTenant();
    const other = await mintTenant();
    const { id } = await makeTemplate(tenant);
    const entry = (userId: string) => ({ subject: { type: 'user', id: userId }, role: 'use', expiresAt: null });
    const stranger = await api(tenant.owner).put(`/templates/${id}/acl`, { items: [entry(other.owner.id)] }, { 'If-Match': '"1"' });
    expect(problem(stranger).errors?.[0]?.path).toBe('items.0.subject.id');
    const twice = await api(tenant.owner).put(
      `/templates/${id}/acl`,
      { items: [entry(tenant.owner.id), entry(tenant.owner.id)] },
      { 'If-Match': '"1"' },
    );
    expect(problem(twice).errors?.[0]?.path).toBe('items.1.subject');
  });

  test('view shows that it exists, without script or values; use shows how it is made; changing needs admin', async () => {
    const tenant = await mintTenant();
    const { id } = await makeTemplate(tenant);
    const member = await addUser(tenant);
    await api(tenant.owner).put(`/templates/${id}/acl`, everyone('view'), { 'If-Match': '"1"' });
    expect(read(await api(member).get(`/templates/${id}`), templateDetail)).toMatchObject({
      role: 'view',
      spec: { startupScript: '', environment: {} },
    });
    await api(tenant.owner).put(`/templates/${id}/acl`, everyone('use'), { 'If-Match': '"2"' });
    expect(read(await api(member).get(`/templates/${id}`), templateDetail)).toMatchObject({
      role: 'use',
      spec: { startupScript: 'npm ci', environment: { API_KEY: '' } },
    });
    const refused = await api(member).patch(`/templates/${id}`, { description: 'Mine' }, { 'If-Match': '"1"' });
    expect(refused.status).toBe(403);
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'template.update', outcome: 'denied' });
  });

  test('the query agrees with the pure function on random lists, groups and expiries', async () => {
    await fc.assert(
      fc.asyncProperty(randomLists, async ({ memberships, lists }) => {
        const tenant = await mintTenant();
        const people = await Promise.all(Array.from({ length: PEOPLE }, () => addUser(tenant)));
        const groups = Array.from({ length: GROUPS }, () => services().newId('group'));
        const idOf = { user: (index: number) => people[index]?.id ?? '', group: (index: number) => groups[index] ?? '' };
        const edges: Membership[] = memberships.map(({ group, type, member, expiresAt }) => ({
          ...{ groupId: idOf.group(group), memberType: type, memberId: idOf[type](member), expiresAt },
        }));
        const templates = await Promise.all(
          lists.map(async (list, index) => ({
            id: (await makeTemplate(tenant, `random-${index}`)).id,
            entries: list.map(({ type, index: at, ...rest }): AclEntry & { grant: string } => ({
              ...{ ...rest, subject: type === 'everyone' ? { type } : { type, id: idOf[type](at) } },
            })),
          })),
        );
        await insertLists(tenant, edges, templates);
        const now = new Date().toISOString();
        for (const person of people) {
          const listed = async (query: string) => read(await api(person).get(`/templates${query}`), templateList).items;
          const seen = new Map((await listed('')).map(({ id, role }) => [id, role]));
          const who = { userId: person.id, groups: groupClosure(person.id, edges, now), adminOfAll: false };
          for (const { id, entries } of templates) expect(seen.get(id) ?? null).toBe(effectiveTemplateRole(entries, who, now));
          expect((await listed('?may=use')).every(({ role }) => role !== 'view')).toBe(true);
          expect((await listed('?may=ask')).length + (await listed('?may=use')).length).toBe(seen.size);
          expect((await listed('?may=administer')).map(({ id }) => seen.get(id))).toEqual(
            [...seen.values()].filter((role) => role === 'admin'),
          );
        }
      }),
      { numRuns: 6, endOnFailure: true },
    );
  }, 60_000);
});

const PEOPLE = 3;
const GROUPS = 6;
const end = fc.constantFrom(null, '2020-01-01T00:00:00.000Z', '2099-01-01T00:00:00.000Z');
const upTo = (count: number) => fc.integer({ min: 0, max: count - 1 });
/** Groups may hold each other in circles: the walk must end all the same. */
const randomLists = fc.record({
  memberships: fc.uniqueArray(
    fc.oneof(
      fc.record({ group: upTo(GROUPS), type: fc.constant('user' as const), member: upTo(PEOPLE), expiresAt: end }),
      fc.record({ group: upTo(GROUPS), type: fc.constant('group' as const), member: upTo(GROUPS), expiresAt: end }),
    ),
    { maxLength: 14, selector: ({ group, type, member }) => `${group} ${type} ${member}` },
  ),
  lists: fc.array(
    fc.uniqueArray(
      fc.record({
        ...{ type: fc.constantFrom('user' as const, 'group' as const, 'everyone' as const), index: upTo(PEOPLE) },
        role: fc.constantFrom(...TEMPLATE_ROLES),
        expiresAt: end,
        grant: fc.constantFrom('', 'acr_1'),
      }),
      { maxLength: 5, selector: ({ type, index, grant }) => `${type} ${type === 'everyone' ? '' : index} ${grant}` },
    ),
    { minLength: 8, maxLength: 8 },
  ),
});

/** Straight into the store: what the API would refuse, circles and ends that have passed, is in it. */
async function insertLists(
  tenant: Tenant,
  memberships: readonly Membership[],
  templates: ReadonlyArray<{ id: string; entries: ReadonlyArray<AclEntry & { grant: string }> }>,
): Promise<void> {
  const now = new Date().toISOString();
  const lines = templates.flatMap(({ id, entries }) =>
    entries.map(({ subject, role, expiresAt, grant }) => [
      id,
      subject.type,
      subject.type === 'everyone' ? '' : subject.id,
      grant,
      role,
      expiresAt,
    ]),
  );
  await tenant.db.batch([
    statement(
      `INSERT INTO group_members (tenant_id, group_id, member_type, member_id, expires_at)
       SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3 FROM json_each(?2) AS r`,
      tenant.id,
      JSON.stringify(memberships.map(({ groupId, memberType, memberId, expiresAt }) => [groupId, memberType, memberId, expiresAt])),
    ),
    statement(
      `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, grant_id, role, expires_at, created_at, created_by)
       SELECT ?1, r.value ->> 0, r.value ->> 1, r.value ->> 2, r.value ->> 3, r.value ->> 4, r.value ->> 5, ?3, ?4 FROM json_each(?2) AS r`,
      ...[tenant.id, JSON.stringify(lines), now, tenant.owner.id],
    ),
  ]);
}
