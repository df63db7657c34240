import { describe, expect, test } from 'vitest';
import {
  QUOTAS,
  invitationCreated,
  invitationList,
  invitationShown,
  tenant as tenantSchema,
  userList,
} from '@gatehouse/core/api/directory.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import {
  addUser,
  api,
  call,
  eventOfAnswer,
  eventsOf,
  fragmentOf,
  mailTo,
  mintTenant,
  problem,
  read,
  services,
  unique,
} from '../../support/tenants.ts';

const someone = () => `${unique()}@joins.test`;

describe('the organisation', () => {
  test('is shown to everybody in it, with what is used of each limit', async () => {
    const tenant = await mintTenant();
    const member = await addUser(tenant);
    await api(tenant.owner).post('/invitations', { email: someone() });
    const shown = read(await api(member).get('/tenant'), tenantSchema);
    expect(shown).toMatchObject({ id: tenant.id, slug: tenant.slug, region: 'auto' });
    const used = Object.fromEntries(shown.quotas.map(({ name, used, limit }) => [name, { used, limit }]));
    expect(used).toEqual({
      users: { used: 2, limit: QUOTAS.users },
      invitations: { used: 1, limit: QUOTAS.invitations },
      templates: { used: 0, limit: QUOTAS.templates },
      runners: { used: 0, limit: QUOTAS.runners },
      workspaces: { used: 0, limit: QUOTAS.workspaces },
      destinations: { used: 0, limit: QUOTAS.destinations },
      groups: { used: 0, limit: QUOTAS.groups },
      roles: { used: 0, limit: QUOTAS.roles },
    });
  });

  test('is renamed by its owner, with the change in the log', async () => {
    const tenant = await mintTenant();
    const answer = await api(tenant.owner).patch('/tenant', { name: '  Renamed  ' });
    expect(read(answer, tenantSchema).name).toBe('Renamed');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'tenant.update', outcome: 'success', actor: { id: tenant.owner.id } },
      diff: [{ path: 'name', old: tenant.name, new: 'Renamed', secret: false }],
    });
    const unchanged = await api(tenant.owner).patch('/tenant', { name: 'Renamed' });
    expect(unchanged.status).toBe(200);
    expect(await eventOfAnswer(tenant, unchanged)).toBeUndefined();
  });

  test('is renamed by nobody else, and the attempt is in the log', async () => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin']);
    const answer = await api(admin).patch('/tenant', { name: 'Mine' });
    expect(problem(answer)).toMatchObject({ status: 403, code: 'permission-denied' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'tenant.update', outcome: 'denied', actor: { id: admin.id } });
    expect(read(await api(admin).get('/tenant'), tenantSchema).name).toBe(tenant.name);
  });
});

describe('people', () => {
  test('are listed by name with their roles, page by page, none lost and none twice', async () => {
    const tenant = await mintTenant();
    const auditor = await addUser(tenant, ['auditor', 'user-admin']);
    for (const name of ['zoe Abara', 'Amara Berg', 'amara berg']) await addUser(tenant, [], name);
    const first = read(await api(auditor).get('/users?limit=2'), userList);
    const second = read(await api(auditor).get(`/users?limit=2&cursor=${first.nextCursor}`), userList);
    const third = read(await api(auditor).get(`/users?limit=2&cursor=${second.nextCursor}`), userList);
    const all = [...first.items, ...second.items, ...third.items];
    expect(third.nextCursor).toBeNull();
    expect(new Set(all.map(({ id }) => id)).size).toBe(5);
    expect(all).toHaveLength(5);
    const names = all.map(({ name }) => name.toLowerCase());
    expect(names).toEqual(names.toSorted());
    expect(all.find(({ id }) => id === auditor.id)).toMatchObject({
      roles: ['user-admin', 'auditor'],
      state: 'active',
      emailVerified: true,
    });
    expect(all.find(({ id }) => id === tenant.owner.id)?.roles).toEqual(['owner']);
  });

  test('never include those of another organisation', async () => {
    const [one, two] = [await mintTenant(), await mintTenant()];
    const { items } = read(await api(one.owner).get('/users?limit=100'), userList);
    expect(items.map(({ id }) => id)).toEqual([one.owner.id]);
    expect(items.map(({ id }) => id)).not.toContain(two.owner.id);
  });
});

describe('invitations', () => {
  test('are mailed, listed and taken back, each with its event, and their secret is in no list and no log', async () => {
    const tenant = await mintTenant();
    const email = someone();
    const made = await api(tenant.owner).post('/invitations', { email: email.toUpperCase(), roles: ['auditor', 'auditor'] });
    expect(made.status).toBe(201);
    const invitation = read(made, invitationCreated);
    const token = fragmentOf(invitation.link);
    expect(invitation).toMatchObject({ email, roles: ['auditor'], invitedBy: { id: tenant.owner.id, name: 'Olga Owner' } });
    expect(invitation.link).toMatch(/^https:\/\/gatehouse\.test\/invite#ghi_s0\.tnt_/);
    expect(Date.parse(invitation.expiresAt) - Date.parse(invitation.createdAt)).toBe(7 * 86_400_000);
    expect((await mailTo(email))?.text).toContain(invitation.link);
    expect(await eventOfAnswer(tenant, made)).toMatchObject({
      ...{ action: 'invitation.create', outcome: 'success', resource: { id: invitation.id, name: email }, details: { roles: 'auditor' } },
    });

    const listed = await api(tenant.owner).get('/invitations');
    expect(read(listed, invitationList).items.map(({ id }) => id)).toEqual([invitation.id]);
    const preview = await call('POST', '/invitations/preview', { body: { token } });
    expect(read(preview, invitationShown)).toMatchObject({
      tenant: { name: tenant.name, slug: tenant.slug },
      email,
      invitedBy: 'Olga Owner',
    });

    const back = await api(tenant.owner).delete(`/invitations/${invitation.id}`);
    expect(back.status).toBe(204);
    expect(await eventOfAnswer(tenant, back)).toMatchObject({ action: 'invitation.revoke', resource: { id: invitation.id, name: email } });
    expect((await call('POST', '/invitations/preview', { body: { token } })).status).toBe(410);
    expect(problem(await call('POST', '/invitations/accept', { body: { token, name: 'Nina', password: 'long enough to do' } })).code).toBe(
      'gone',
    );
    expect(JSON.stringify([listed.body, preview.body, await eventsOf(tenant)])).not.toContain(token);
  });

  test('an address that nobody has verified invites nobody', async () => {
    const tenant = await mintTenant({ verified: false });
    const answer = await api(tenant.owner).post('/invitations', { email: someone() });
    expect(problem(answer)).toMatchObject({ status: 403, code: 'email-unverified' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'invitation.create', outcome: 'denied' });
    expect(read(await api(tenant.owner).get('/invitations'), invitationList).items).toEqual([]);
  });

  test.each([
    ['owner', 403],
    ['template-admin', 403],
    ['auditor', 403],
    ['user-admin', 201],
  ])('a user-admin giving the role %s: %i, for nobody gives more than they may', async (role, status) => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin']);
    const answer = await api(admin).post('/invitations', { email: someone(), roles: [role] });
    expect(answer.status).toBe(status);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ outcome: status === 403 ? 'denied' : 'success' });
  });

  test('an owner makes another owner', async () => {
    const tenant = await mintTenant();
    expect((await api(tenant.owner).post('/invitations', { email: someone(), roles: ['owner'] })).status).toBe(201);
  });

  test('somebody who is there, or is invited, is not invited again; an expired invitation gives way', async () => {
    const tenant = await mintTenant();
    const member = await addUser(tenant);
    const there = await api(tenant.owner).post('/invitations', { email: member.email });
    expect(problem(there)).toMatchObject({ status: 409, code: 'conflict', errors: [{ path: 'email' }] });
    const email = someone();
    const first = read(await api(tenant.owner).post('/invitations', { email }), invitationCreated);
    expect((await api(tenant.owner).post('/invitations', { email })).status).toBe(409);
    const past = new Date(Date.now() - 1).toISOString();
    await tenant.db.batch([statement('UPDATE invitations SET expires_at = ? WHERE tenant_id = ?', past, tenant.id)]);
    const expired = { body: { token: fragmentOf(first.link), name: 'Nina', password: 'long enough to do' } };
    expect((await call('POST', '/invitations/accept', expired)).status).toBe(410);
    const again = read(await api(tenant.owner).post('/invitations', { email }), invitationCreated);
    expect(read(await api(tenant.owner).get('/invitations'), invitationList).items.map(({ id }) => id)).toEqual([again.id]);
    expect((await call('POST', '/invitations/preview', { body: { token: fragmentOf(first.link) } })).status).toBe(410);
  });

  test('the limit holds also for many at once, says its number, and is in the log', async () => {
    const tenant = await mintTenant();
    const filler = Array.from({ length: QUOTAS.invitations - 1 }, (_, i) => [services().newId('invitation'), i]);
    await tenant.db.batch([
      statement(
        `INSERT INTO invitations (tenant_id, id, email, roles, token_hash, invited_by, created_at, expires_at)
         SELECT ?1, value ->> 0, (value ->> 1) || '@filler.test', '[]', 'hash-' || (value ->> 1), ?2, ?3, ?4 FROM json_each(?5)`,
        ...[tenant.id, tenant.owner.id, new Date().toISOString(), new Date(Date.now() + 86_400_000).toISOString()],
        JSON.stringify(filler),
      ),
    ]);
    const answers = await Promise.all([1, 2, 3].map(() => api(tenant.owner).post('/invitations', { email: someone() })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 403, 403]);
    const refused = answers.find(({ status }) => status === 403);
    if (!refused) throw new Error('nothing was refused');
    expect(problem(refused)).toMatchObject({ code: 'quota-exceeded', detail: 'An organisation has at most 1,000 invitations' });
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'invitation.create', outcome: 'denied' });
  });
});
