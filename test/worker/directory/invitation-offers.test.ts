import { describe, expect, test } from 'vitest';
import { invitationCreated, invitationList } from '@gatehouse/core/api/directory.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { give, inHours, makeGroup, makeRole, membersOf, setManagers } from '../../support/groups.ts';
import {
  addUser,
  api,
  call,
  eventOfAnswer,
  fragmentOf,
  mintTenant,
  problem,
  read,
  services,
  unique,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';

const offer = (by: Person, given: object) => api(by).post('/invitations', { email: `${unique()}@joins.test`, ...given });
const accept = async (made: Awaited<ReturnType<typeof offer>>) =>
  call('POST', '/invitations/accept', {
    body: { token: fragmentOf(read(made, invitationCreated).link), name: 'Nina New', password: 'correct horse battery' },
  });
const rolesOf = ({ db, id }: Tenant, userId: string) =>
  db.rows('SELECT role, expires_at FROM role_assignments WHERE tenant_id = ? AND subject_id = ? ORDER BY role', id, userId);

describe('an invitation', () => {
  test('offers custom roles and groups, until an end, and gives them when it is accepted', async () => {
    const tenant = await mintTenant();
    const [role, group] = [await makeRole(tenant, ['audit:read'], 'Reader'), await makeGroup(tenant, 'Devs')];
    await give(tenant.owner, group, 'template-admin');
    const accessEndsAt = inHours(48);
    const made = await offer(tenant.owner, { roles: ['auditor', role.id], groups: [group.id], accessEndsAt });
    expect(read(made, invitationCreated)).toMatchObject({
      ...{ roles: ['auditor'], customRoles: [{ name: 'Reader' }], groups: [{ name: 'Devs' }], accessEndsAt },
    });
    expect(read(await api(tenant.owner).get('/invitations'), invitationList).items).toMatchObject([{ groups: [{ id: group.id }] }]);
    const joined = await accept(made);
    expect(joined.status).toBe(201);
    const { user, permissions } = read(joined, me);
    // Also what the group gives counts from the first answer on.
    expect(user).toMatchObject({ roles: ['template-admin', 'auditor'], customRoles: [{ name: 'Reader' }] });
    expect(permissions).toEqual(expect.arrayContaining(['audit:read', 'template:admin']));
    expect(await rolesOf(tenant, user.id)).toEqual([
      { role: 'auditor', expires_at: accessEndsAt },
      { role: role.id, expires_at: accessEndsAt },
    ]);
    expect(await membersOf(tenant.owner, group)).toMatchObject([{ id: user.id, expiresAt: accessEndsAt }]);
    const event = await eventOfAnswer(tenant, joined);
    expect(event?.diff.map(({ path, new: now }) => [path, now])).toEqual([
      ['role Auditor', { until: accessEndsAt }],
      ['role Reader', { until: accessEndsAt }],
      ['group Devs', { until: accessEndsAt }],
    ]);
    expect(event?.details).not.toHaveProperty('leftOut');
  });

  test('offers nothing that its author could not give, and the refusal is in the log', async () => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin']);
    const inviters = await makeRole(tenant, ['user:invite']);
    const desk = await addUser(tenant);
    await give(tenant.owner, desk, inviters.id);
    const [reader, mighty, devs, synced] = [
      await makeRole(tenant, ['audit:read']),
      await makeGroup(tenant, 'Mighty'),
      await makeGroup(tenant, 'Devs'),
      await makeGroup(tenant, 'From Okta'),
    ];
    await give(tenant.owner, mighty, 'owner');
    await tenant.db.batch([statement("UPDATE groups SET source = 'scim' WHERE tenant_id = ? AND id = ?", tenant.id, synced.id)]);
    const refused = [
      await offer(admin, { roles: [reader.id] }),
      await offer(admin, { groups: [mighty.id] }),
      await offer(tenant.owner, { groups: [synced.id] }),
      await offer(desk, { groups: [devs.id] }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    for (const answer of refused)
      expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'invitation.create', outcome: 'denied' });
    // Who manages a group gives places in it.
    await setManagers(tenant, devs, desk);
    expect((await offer(desk, { groups: [devs.id] })).status).toBe(201);
    expect((await offer(admin, { groups: [devs.id] })).status).toBe(201);
  });

  test('names what is there, and an end in the future', async () => {
    const tenant = await mintTenant();
    const wrong = [
      await offer(tenant.owner, { roles: ['auditor', services().newId('role')] }),
      await offer(tenant.owner, { groups: [(await makeGroup(await mintTenant())).id] }),
      await offer(tenant.owner, { roles: ['auditor'], accessEndsAt: '2026-01-01T00:00:00.000Z' }),
      await offer(tenant.owner, { roles: ['member'] }),
    ];
    expect(wrong.map((answer) => [answer.status, problem(answer).errors?.[0]?.path])).toEqual([
      [422, 'roles.1'],
      [422, 'groups.0'],
      [422, 'accessEndsAt'],
      [422, 'roles.0'],
    ]);
  });

  test('leaves out what its author may not give any more, what is gone and what is over, and says so', async () => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin', 'auditor']);
    const [devs, gone, later] = [await makeGroup(tenant, 'Devs'), await makeGroup(tenant, 'Gone'), await makeGroup(tenant, 'Later')];
    const made = await offer(admin, { roles: ['auditor', 'user-admin'], groups: [devs.id, gone.id, later.id] });
    expect(made.status).toBe(201);
    await api(tenant.owner).delete(`/groups/${gone.id}`);
    await give(tenant.owner, later, 'owner');
    await tenant.db.batch([
      statement("DELETE FROM role_assignments WHERE tenant_id = ? AND subject_id = ? AND role = 'auditor'", tenant.id, admin.id),
    ]);
    const joined = await accept(made);
    expect(read(joined, me).user.roles).toEqual(['user-admin']);
    expect((await eventOfAnswer(tenant, joined))?.details).toMatchObject({ leftOut: `role Auditor, group ${gone.id}, group Later` });
    expect(await membersOf(tenant.owner, devs)).toHaveLength(1);
    expect(await membersOf(tenant.owner, later)).toEqual([]);

    const over = await offer(tenant.owner, { roles: ['auditor'], accessEndsAt: inHours(1) });
    await tenant.db.batch([statement("UPDATE invitations SET access_ends_at = '2026-01-01T00:00:00.000Z' WHERE tenant_id = ?", tenant.id)]);
    const late = await accept(over);
    expect(read(late, me).user.roles).toEqual([]);
    expect((await eventOfAnswer(tenant, late))?.details).toMatchObject({ leftOut: 'role Auditor' });
  });

  test('of somebody who was suspended since lets in, and gives nothing', async () => {
    const tenant = await mintTenant();
    const second = await addUser(tenant, ['owner']);
    const group = await makeGroup(tenant, 'Devs');
    const made = await offer(second, { roles: ['owner'], groups: [group.id] });
    await setManagers(tenant, group, second);
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, second.id)]);
    const joined = await accept(made);
    expect(joined.status).toBe(201);
    expect(read(joined, me).user.roles).toEqual([]);
    expect(await membersOf(tenant.owner, group)).toEqual([]);
  });
});
