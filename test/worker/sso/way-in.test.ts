import { beforeEach, describe, expect, test } from 'vitest';
import { requirement } from '@gatehouse/core/api/sso.ts';
import { groupMapping } from '@gatehouse/core/api/group-mappings.ts';
import { assignmentList } from '@gatehouse/core/api/roles.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addApp, addPasskey } from '../../support/factors.ts';
import { give, given, inHours, makeGroup, putIn, takeOut } from '../../support/groups.ts';
import { connect, mintClient, signInBy, TestBrowser } from '../../support/oidc/sign-in.ts';
import { insertDirectoryGroup, insertDirectoryUser, makeProvider } from '../../support/providers.ts';
import { addDirectory, made, scim, userBody } from '../../support/scim.ts';
import { addUser, api, eventsOf, mintTenant, problem, read, unique, type Answer, type Person, type Tenant } from '../../support/tenants.ts';

/** The last owner who comes in when the identity provider is down. Another owner, who comes in through it alone, may not take the way away. */

const WHY = 'no owner could come in any more when the identity provider is down';
let tenant: Tenant;
let glass: Person;
let other: Person;

const require = (by: Person, body: object) => api(by).post('/identity-providers/requirement', body);
const rolesOf = async (person: { id: string }) =>
  read(await api(other).get(`/role-assignments?subject=${person.id}`), assignmentList).items.filter(({ role }) => role.id === 'owner');
const expectKept = (answer: Answer) =>
  expect(problem(answer)).toMatchObject({ status: 409, code: 'conflict', detail: expect.stringContaining(WHY) });

beforeEach(async () => {
  tenant = await mintTenant();
  glass = tenant.owner;
  other = await addUser(tenant, ['owner']);
  await connect(tenant, (await mintClient()).config);
  await addApp(glass);
  read(await require(glass, { required: true, people: [glass.id] }), requirement);
});

describe('while single sign-on is required, the last owner who comes in without it', () => {
  test('is not demoted, suspended or deleted by another owner, nor given an end; somebody else chosen before makes all of that possible', async () => {
    const [ownership] = await rolesOf(glass);
    expectKept(await api(other).delete(`/role-assignments/${ownership?.id}`));
    expectKept(await api(other).patch(`/role-assignments/${ownership?.id}`, { expiresAt: inHours(1) }));
    for (const answer of [await api(other).post(`/users/${glass.id}/suspend`), await api(other).delete(`/users/${glass.id}`)])
      expect(problem(answer)).toMatchObject({
        ...{ status: 409, code: 'conflict' },
        detail: expect.stringMatching(/is the last owner who comes in when .* choose another owner .* or no longer require single sign-on/),
      });
    const { body } = await api(other).post('/users/bulk', { action: 'suspend', ids: [glass.id] });
    expect(body).toMatchObject({ items: [{ ok: false, code: 'conflict' }] });
    expect((await eventsOf(tenant)).filter(({ outcome }) => outcome === 'denied').map(({ action, status }) => [action, status])).toEqual(
      expect.arrayContaining([
        ['user.suspend', 409],
        ['user.delete', 409],
      ]),
    );
    await addPasskey(other);
    await addUser(tenant, ['owner']);
    read(await require(other, { required: true, people: [glass.id, other.id] }), requirement);
    expect((await api(other).delete(`/users/${glass.id}`)).status).toBe(204);
    expectKept(await api(other).delete(`/role-assignments/${(await rolesOf(other))[0]?.id}`));
  });

  test('keeps their second factor, by their own hand and by another’s; one of two may go', async () => {
    expectKept(await api(glass).delete('/me/totp'));
    expectKept(await api(other).delete(`/users/${glass.id}/factors`));
    const { id } = await addPasskey(glass);
    expect((await api(glass).delete('/me/totp')).status).toBe(204);
    expectKept(await api(glass).delete(`/me/passkeys/${id}`));
  });

  test('has a password beside an app: an app alone lets nobody in', async () => {
    await tenant.db.batch([statement('UPDATE users SET password_hash = NULL WHERE tenant_id = ? AND id = ?', tenant.id, glass.id)]);
    await addApp(other);
    const answer = await require(other, { required: true, people: [glass.id] });
    expect(problem(answer)).toMatchObject({ status: 422, errors: [{ path: 'people' }] });
  });

  test('is no owner for a time: whose role ends is not chosen alone', async () => {
    const passing = await addUser(tenant);
    await addPasskey(passing);
    await give(other, passing, 'owner', inHours(8));
    expectKept(await require(other, { required: true, people: [passing.id] }));
  });

  test('is not lost by groups: neither out of one, nor with one', async () => {
    const group = await makeGroup(tenant);
    await putIn(other, group, glass);
    const assignment = await given(give(other, group, 'owner'));
    expect(
      (await api(other).delete(`/role-assignments/${(await rolesOf(glass)).find(({ subject }) => subject.id === glass.id)?.id}`)).status,
    ).toBe(204);
    expectKept(await takeOut(other, group, glass));
    expectKept(await api(other).delete(`/role-assignments/${assignment}`));
    expectKept(await api(other).delete(`/groups/${group.id}?grants=remove`));
  });

  test('is not lost by a mapping that is removed', async () => {
    const provider = await makeProvider(tenant);
    await insertDirectoryGroup(tenant, provider, 'owners', [glass.id]);
    const at = `/identity-providers/${provider}/mappings`;
    const mapping = read(
      await api(other).post(at, { kind: 'name', pattern: 'owners', target: { type: 'role', id: 'owner' } }),
      groupMapping,
    );
    const own = (await rolesOf(glass)).find(({ subject }) => subject.id === glass.id);
    expect((await api(other).delete(`/role-assignments/${own?.id}`)).status).toBe(204);
    expectKept(await api(other).delete(`${at}/${mapping.id}`));
  });

  test('is not suspended, let go of or taken out of their group by a directory, which is told what to do', async () => {
    const directory = await addDirectory(tenant);
    const client = scim(directory);
    await insertDirectoryUser(tenant, directory.id, glass.id, true);
    const refused = [
      await client.patch(`/Users/${glass.id}`, { op: 'replace', path: 'active', value: false }),
      await client.delete(`/Users/${glass.id}`),
    ];
    const group = await insertDirectoryGroup(tenant, directory.id, `own-${unique()}`, [glass.id]);
    await give(other, group, 'owner');
    const own = (await rolesOf(glass)).find(({ subject }) => subject.id === glass.id);
    expect((await api(other).delete(`/role-assignments/${own?.id}`)).status).toBe(204);
    refused.push(
      await client.patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${glass.id}"]` }),
      await client.delete(`/Groups/${group.id}`),
    );
    for (const { status, body } of refused)
      expect([status, body.detail]).toEqual([409, expect.stringMatching(new RegExp(`${WHY}: in Gatehouse, choose another owner`))]);
    const somebody = await made(client.post('/Users', userBody(unique())));
    expect((await client.patch(`/Users/${somebody}`, { op: 'replace', path: 'active', value: false })).status).toBe(200);
  });

  test('stays an owner by claim when a token does not say so any more; the event says why', async () => {
    const there = await mintClient({ email: glass.email, roles: ['boss'], groups: ['Captains'] });
    const config = {
      ...{ ...there.config, scopes: ['openid', 'profile', 'email', 'groups'], admission: { rule: 'anybody' as const } },
      ...{ claims: { roles: 'roles', groups: 'groups' }, roles: [{ value: 'boss', role: 'owner' }] },
    };
    const { id } = await connect(tenant, config);
    await tenant.db.batch([
      statement(
        'INSERT INTO identities (tenant_id, issuer, subject, user_id, provider_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        ...[tenant.id, there.issuer, there.sub, glass.id, id, new Date().toISOString()],
      ),
    ]);
    for (const each of await rolesOf(glass))
      await tenant.db.batch([
        statement('UPDATE role_assignments SET created_by = ? WHERE tenant_id = ? AND id = ?', id, tenant.id, each.id),
      ]);
    expect((await signInBy(new TestBrowser(), tenant, id)).status).toBe(200);
    await there.somebody({ email: glass.email, roles: [], groups: [] });
    expect((await signInBy(new TestBrowser(), tenant, id)).status).toBe(200);
    expect((await rolesOf(glass)).length).toBe(1);
    const [event] = (await eventsOf(tenant)).filter(({ details }) => 'kept' in details);
    expect(event).toMatchObject({ action: 'user.update', details: { kept: expect.stringContaining('stays owner') } });
  });

  test('stays one of two who are suspended at once', async () => {
    await addPasskey(other);
    const third = await addUser(tenant, ['owner']);
    read(await require(other, { required: true, people: [glass.id, other.id] }), requirement);
    const answers = await Promise.all([glass, other].map(({ id }) => api(third).post(`/users/${id}/suspend`)));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([204, 409]);
  });
});

test('where it is not required, nobody is kept; where nobody was left before this was looked after, others may still go', async () => {
  read(await require(glass, { required: false, people: [glass.id] }), requirement);
  expect((await api(glass).delete('/me/totp')).status).toBe(204);
  await tenant.db.batch([statement('UPDATE tenants SET sso_required = 1 WHERE tenant_id = ?', tenant.id)]);
  const leaver = await addUser(tenant);
  expect((await api(other).post(`/users/${leaver.id}/suspend`)).status).toBe(204);
});
