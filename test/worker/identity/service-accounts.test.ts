import { describe, expect, test } from 'vitest';
import { serviceAccount, serviceAccountList } from '@gatehouse/core/api/service-accounts.ts';
import { tokenCreated, tokenList, tokenSelf } from '@gatehouse/core/api/tokens.ts';
import { invitationCreated } from '@gatehouse/core/api/directory.ts';
import { templateDetail } from '@gatehouse/core/api/templates.ts';
import { addUser, api, call, eventOfAnswer, fragmentOf, mintTenant, problem, read, unique, type Person } from '../../support/tenants.ts';

const make = async (person: Person, body: Record<string, unknown> = {}) =>
  read(await api(person).post('/service-accounts', { name: `robot-${unique()}`, ...body }), serviceAccount);
const tokenFor = async (person: Person, id: string, scopes: string[]) =>
  read(await api(person).post(`/service-accounts/${id}/tokens`, { name: 'ci', scopes }), tokenCreated);
const by = (secret: string) => ({ headers: { Authorization: `Bearer ${secret}` } });

describe('a service account', () => {
  test('is made with roles and a responsible person, listed, searched and changed, each change in the log', async () => {
    const tenant = await mintTenant();
    const nina = await addUser(tenant, [], 'Nina Berg');
    const answer = await api(tenant.owner).post('/service-accounts', { name: 'siem', description: 'Pulls the log', roles: ['auditor'] });
    const made = read(answer, serviceAccount);
    expect(made).toMatchObject({
      name: 'siem',
      roles: ['auditor'],
      state: 'active',
      responsible: { id: tenant.owner.id, state: 'active' },
    });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'service_account.create',
      resource: { id: made.id, name: 'siem' },
    });

    const changed = await api(tenant.owner).patch(`/service-accounts/${made.id}`, { responsibleId: nina.id, roles: [] });
    expect(read(changed, serviceAccount)).toMatchObject({ roles: [], responsible: { name: 'Nina Berg' } });
    const event = await eventOfAnswer(tenant, changed);
    expect(event?.diff.map(({ path, new: now }) => [path, now])).toEqual([
      ['responsible', nina.id],
      ['roles', []],
    ]);
    await make(tenant.owner, { name: 'deploy' });
    const names = async (query: string) =>
      read(await api(tenant.owner).get(`/service-accounts${query}`), serviceAccountList).items.map(({ name }) => name);
    expect(await names('')).toEqual(['deploy', 'siem']);
    expect(await names('?q=LOG')).toEqual(['siem']);
    const first = read(await api(tenant.owner).get('/service-accounts?limit=1'), serviceAccountList);
    expect(await names(`?limit=1&cursor=${first.nextCursor}`)).toEqual(['siem']);
  });

  test('shows when its person has left', async () => {
    const tenant = await mintTenant();
    const nina = await addUser(tenant);
    const made = await make(tenant.owner, { responsibleId: nina.id });
    await api(tenant.owner).delete(`/users/${nina.id}`);
    const shown = read(await api(tenant.owner).get(`/service-accounts/${made.id}`), serviceAccount);
    expect(shown.responsible.state).toBe('deactivated');
    expect(read(await api(tenant.owner).patch(`/service-accounts/${made.id}`, { description: 'x' }), serviceAccount).description).toBe('x');
  });

  test('has a person who is active, and a name of its own', async () => {
    const tenant = await mintTenant();
    const gone = await addUser(tenant);
    await api(tenant.owner).post(`/users/${gone.id}/suspend`);
    const refused = await api(tenant.owner).post('/service-accounts', { name: 'x', responsibleId: gone.id });
    expect(problem(refused)).toMatchObject({ code: 'invalid', errors: [{ path: 'responsibleId' }] });
    const made = await make(tenant.owner, { name: 'siem' });
    expect(problem(await api(tenant.owner).patch(`/service-accounts/${made.id}`, { responsibleId: gone.id })).errors?.[0]?.path).toBe(
      'responsibleId',
    );
    expect(problem(await api(tenant.owner).post('/service-accounts', { name: 'siem' }))).toMatchObject({
      code: 'conflict',
      errors: [{ path: 'name' }],
    });
    await api(tenant.owner).delete(`/service-accounts/${made.id}`);
    expect((await api(tenant.owner).post('/service-accounts', { name: 'siem' })).status).toBe(201);
  });

  test('acts under its own name, with its roles and within its scopes', async () => {
    const tenant = await mintTenant();
    const made = await make(tenant.owner, { roles: ['auditor'] });
    const token = await tokenFor(tenant.owner, made.id, ['audit:read']);
    expect((await call('GET', '/audit/events', by(token.secret))).status).toBe(200);
    const refused = await call('PATCH', '/tenant', { ...by(token.secret), body: { name: 'Mine' } });
    expect(problem(refused).code).toBe('permission-denied');
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({
      actor: { type: 'service-account', id: made.id, name: made.name, email: null, via: 'token' },
      ...{ outcome: 'denied', sessionId: null, details: { token: token.id } },
    });
    expect(read(await call('GET', '/token', by(token.secret)), tokenSelf)).toMatchObject({
      ...{ owner: { type: 'service-account', id: made.id }, permissions: ['audit:read'] },
    });
    const listed = read(await api(tenant.owner).get(`/tokens?ownerId=${made.id}`), tokenList).items;
    expect(listed).toMatchObject([{ id: token.id, owner: { type: 'service-account', name: made.name } }]);
  });

  test('loses its power with its role, its state and its life', async () => {
    const tenant = await mintTenant();
    const made = await make(tenant.owner, { roles: ['auditor'] });
    const { secret } = await tokenFor(tenant.owner, made.id, ['audit:read']);
    const status = async () => (await call('GET', '/audit/events', by(secret))).status;
    await api(tenant.owner).patch(`/service-accounts/${made.id}`, { roles: [] });
    expect(await status()).toBe(403);
    await api(tenant.owner).patch(`/service-accounts/${made.id}`, { roles: ['auditor'] });
    expect(await status()).toBe(200);
    const suspended = await api(tenant.owner).post(`/service-accounts/${made.id}/suspend`);
    expect(await eventOfAnswer(tenant, suspended)).toMatchObject({ action: 'service_account.suspend' });
    expect(await status()).toBe(401);
    expect(problem(await api(tenant.owner).post(`/service-accounts/${made.id}/suspend`)).code).toBe('conflict');
    const activated = await api(tenant.owner).post(`/service-accounts/${made.id}/activate`);
    expect(await eventOfAnswer(tenant, activated)).toMatchObject({ action: 'service_account.activate' });
    expect(await status()).toBe(200);
    const deleted = await api(tenant.owner).delete(`/service-accounts/${made.id}`);
    expect(await eventOfAnswer(tenant, deleted)).toMatchObject({ action: 'service_account.delete' });
    expect(await status()).toBe(401);
    expect((await api(tenant.owner).get(`/service-accounts/${made.id}`)).status).toBe(404);
  });

  test('is no way to more than one has: roles and tokens need whoever may as much', async () => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin']);
    const refused = await api(admin).post('/service-accounts', { name: 'x', roles: ['owner'] });
    expect(problem(refused).code).toBe('permission-denied');
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'service_account.create', outcome: 'denied' });
    const mighty = await make(tenant.owner, { roles: ['owner'] });
    const body = { name: 'mine', scopes: ['audit:read'] };
    expect(problem(await api(admin).post(`/service-accounts/${mighty.id}/tokens`, body)).code).toBe('permission-denied');
    expect(problem(await api(admin).patch(`/service-accounts/${mighty.id}`, { roles: [] })).code).toBe('permission-denied');
    const own = await make(admin);
    expect(problem(await api(admin).patch(`/service-accounts/${own.id}`, { roles: ['auditor'] })).code).toBe('permission-denied');
    expect(problem(await api(admin).post(`/service-accounts/${own.id}/tokens`, body))).toMatchObject({
      code: 'invalid',
      errors: [{ path: 'scopes.0' }],
    });
  });

  test('has no workspace, and no template through everyone', async () => {
    const tenant = await mintTenant();
    const template = read(await api(tenant.owner).post('/templates', { name: `x-${unique()}` }), templateDetail);
    const everyone = { items: [{ subject: { type: 'everyone' }, role: 'use', expiresAt: null }] };
    await api(tenant.owner).put(`/templates/${template.id}/acl`, everyone, { 'If-Match': '"1"' });
    const made = await make(tenant.owner, { roles: ['owner'] });
    const scopes = { name: 'ci', scopes: ['workspace:create'] };
    expect(problem(await api(tenant.owner).post(`/service-accounts/${made.id}/tokens`, scopes)).code).toBe('invalid');
    const plain = await make(tenant.owner, { roles: ['template-admin'] });
    const { secret } = await tokenFor(tenant.owner, plain.id, ['template:create']);
    expect((await call('GET', '/templates', by(secret))).body).toMatchObject({ items: [] });
    expect((await call('GET', `/templates/${template.id}`, by(secret))).status).toBe(404);
    const box = await call('POST', '/workspaces', { ...by(secret), body: { templateId: template.id, name: 'box' } });
    expect(problem(box).code).toBe('permission-denied');
  });

  test('administers templates when that is its role, and its name stands with the versions it publishes', async () => {
    const tenant = await mintTenant();
    const template = read(await api(tenant.owner).post('/templates', { name: `x-${unique()}` }), templateDetail);
    const made = await make(tenant.owner, { roles: ['template-admin'] });
    const { secret } = await tokenFor(tenant.owner, made.id, ['template:admin']);
    const published = await call('POST', `/templates/${template.id}/versions`, {
      ...by(secret),
      body: { spec: { startupScript: 'true' } },
    });
    expect(published.status).toBe(201);
    const versions = await api(tenant.owner).get(`/templates/${template.id}/versions`);
    expect(versions.body).toMatchObject({ items: [{ number: 2, createdBy: made.name }, { number: 1 }] });
  });

  test('invites nobody: there is no mailbox to answer for it', async () => {
    const tenant = await mintTenant();
    const made = await make(tenant.owner, { roles: ['user-admin'] });
    const { secret } = await tokenFor(tenant.owner, made.id, ['user:invite']);
    const answer = await call('POST', '/invitations', { ...by(secret), body: { email: `${unique()}@joins.test` } });
    expect(problem(answer).code).toBe('permission-denied');
  });
});

test('a person’s token with the scope to invite does invite', async () => {
  const tenant = await mintTenant();
  const answer = await api(tenant.owner).post('/me/tokens', { name: 'hr', scopes: ['user:invite'] });
  const { secret } = read(answer, tokenCreated);
  const email = `${unique()}@joins.test`;
  const invited = await call('POST', '/invitations', { ...by(secret), body: { email } });
  expect(fragmentOf(read(invited, invitationCreated).link)).toMatch(/^ghi_/);
  const mightier = await call('POST', '/invitations', { ...by(secret), body: { email: `x${email}`, roles: ['auditor'] } });
  expect(problem(mightier).code).toBe('permission-denied');
});
