import { describe, expect, test, vi } from 'vitest';
import { bulkResult, user, userDetail, userList, type UserAction } from '@gatehouse/core/api/directory.ts';
import { sessionList } from '@gatehouse/core/api/identity.ts';
import { authenticate } from '../../../worker/identity/authenticate.ts';
import { actOnUser } from '../../../worker/identity/user-admin.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addApp, addPasskey, logIn } from '../../support/factors.ts';
import {
  addSession,
  addToken,
  addUser,
  api,
  call,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  problem,
  read,
  requestFrom,
  services,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';
import { insertWorkspace } from '../../support/workspaces.ts';

// Signing in hashes.
vi.setConfig({ testTimeout: 20_000 });

const detailOf = async (tenant: Tenant, id: string) => read(await api(tenant.owner).get(`/users/${id}`), userDetail);
const isSignedIn = async (person: Pick<Person, 'cookie'>) => (await api(person).get('/me')).status === 200;
const rowsOf = (tenant: Tenant, table: string, column: string, id: string) =>
  tenant.db.rows(`SELECT 1 FROM ${table} WHERE tenant_id = ? AND ${column} = ?`, tenant.id, id);

describe('the list of people', () => {
  test('is searched by part of a name or an address, in any case, and % is a letter', async () => {
    const tenant = await mintTenant();
    const nina = await addUser(tenant, [], 'Nina 100% Berg');
    await addUser(tenant, [], 'Paul Other');
    const found = async (q: string) =>
      read(await api(tenant.owner).get(`/users?q=${encodeURIComponent(q)}`), userList).items.map(({ id }) => id);
    expect(await found('nINA')).toEqual([nina.id]);
    expect(await found('100%')).toEqual([nina.id]);
    expect(await found(nina.email.toUpperCase().slice(0, 8))).toEqual([nina.id]);
    expect(await found('nobody')).toEqual([]);
  });

  test('is filtered by state and by role, roles of groups in groups included, and pages stay whole', async () => {
    const tenant = await mintTenant();
    const [auditor, inGroup, suspended, plain] = [
      await addUser(tenant, ['auditor']),
      await addUser(tenant),
      await addUser(tenant),
      await addUser(tenant),
    ];
    const [inner, outer] = [services().newId('group'), services().newId('group')];
    await tenant.db.batch([
      ...[[inner, 'user', inGroup.id] as const, [outer, 'group', inner] as const].map((row) =>
        statement('INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, ?, ?)', tenant.id, ...row),
      ),
      statement(
        "INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at) VALUES (?, ?, 'auditor', 'group', ?, ?)",
        ...[tenant.id, services().newId('roleAssignment'), outer, '2026-01-01T00:00:00.000Z'],
      ),
    ]);
    await api(tenant.owner).post(`/users/${suspended.id}/suspend`);
    const list = async (query: string) => read(await api(tenant.owner).get(`/users?${query}`), userList);
    expect((await list('role=auditor')).items.map(({ id }) => id)).toEqual([auditor.id, inGroup.id]);
    expect((await list('state=suspended')).items.map(({ id }) => id)).toEqual([suspended.id]);
    const first = await list('role=auditor&limit=1');
    expect((await list(`role=auditor&limit=1&cursor=${first.nextCursor}`)).items.map(({ id }) => id)).toEqual([inGroup.id]);
    expect((await list('role=member&state=active')).items.map(({ id }) => id)).toContain(plain.id);
    expect(problem(await api(tenant.owner).get('/users?role=emperor')).errors?.[0]?.path).toBe('role');
  });

  test('leaves out whoever was deleted, unless they are asked for', async () => {
    const tenant = await mintTenant();
    const gone = await addUser(tenant);
    await api(tenant.owner).delete(`/users/${gone.id}`);
    const ids = async (query: string) => read(await api(tenant.owner).get(`/users${query}`), userList).items.map(({ id }) => id);
    expect(await ids('')).toEqual([tenant.owner.id]);
    expect(await ids('?state=deactivated')).toEqual([gone.id]);
  });
});

describe('a person', () => {
  test('is shown with what hangs on them and where they are signed in', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor']);
    await addSession(tenant, person.id);
    await addToken(tenant, person);
    await addToken(tenant, person, { revokedAt: new Date().toISOString() });
    expect(await detailOf(tenant, person.id)).toMatchObject({ roles: ['auditor'], sessions: 2, workspaces: 0, tokens: 1, standing: 'yes' });
    expect((await detailOf(tenant, tenant.owner.id)).standing).toBe('self');
    const sessions = read(await api(tenant.owner).get(`/users/${person.id}/sessions`), sessionList);
    expect(sessions.items).toHaveLength(2);
    expect(sessions.items.some(({ current }) => current)).toBe(false);
  });

  test('is shown with the second factors that they have', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    expect((await detailOf(tenant, person.id)).secondFactors).toEqual({ passkeys: 0, app: false });
    await addPasskey(person);
    await addApp(person);
    expect((await detailOf(tenant, person.id)).secondFactors).toEqual({ passkeys: 1, app: true });
  });

  test('has one session ended by who may sign people out, with its event; the others go on', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const lost = await addSession(tenant, person.id);
    const answer = await api(tenant.owner).delete(`/user-sessions/${lost.sessionId}`);
    expect(answer.status).toBe(204);
    expect([await isSignedIn(lost), await isSignedIn(person)]).toEqual([false, true]);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'session.end', outcome: 'success', resource: { type: 'session', id: lost.sessionId, name: person.name } },
      ...{ actor: { id: tenant.owner.id }, details: { user: person.id } },
    });
    expect((await api(tenant.owner).delete(`/user-sessions/${lost.sessionId}`)).status).toBe(404);
  });

  test('keeps their sessions before somebody who may less, and the refusal is in the log', async () => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin']);
    const answer = await api(admin).delete(`/user-sessions/${tenant.owner.sessionId}`);
    expect(problem(answer)).toMatchObject({ status: 403, code: 'permission-denied' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'session.end', outcome: 'denied', actor: { id: admin.id } });
    expect(await isSignedIn(tenant.owner)).toBe(true);
  });

  test('is renamed, with both names in the log', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, [], 'Nina');
    const answer = await api(tenant.owner).patch(`/users/${person.id}`, { name: ' Nina Berg ' });
    expect(read(answer, user).name).toBe('Nina Berg');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.update', outcome: 'success', resource: { id: person.id } },
      diff: [{ path: 'name', old: 'Nina', new: 'Nina Berg' }],
    });
    expect(problem(await api(tenant.owner).patch(`/users/${person.id}`, { name: ' ' })).errors?.[0]?.path).toBe('name');
  });
});

describe('suspending somebody', () => {
  test('ends their sessions and tickets at once and keeps them out; reactivating lets them in again', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const token = await addToken(tenant, person);
    const answer = await api(tenant.owner).post(`/users/${person.id}/suspend`);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'user.suspend', outcome: 'success', resource: { id: person.id } });
    expect(await rowsOf(tenant, 'sessions', 'user_id', person.id)).toEqual([]);
    expect(await isSignedIn(person)).toBe(false);
    expect((await call('GET', '/token', { headers: token.headers })).status).toBe(401);
    expect((await detailOf(tenant, person.id)).state).toBe('suspended');

    const back = await api(tenant.owner).post(`/users/${person.id}/activate`);
    expect(back.status).toBe(204);
    expect(await eventOfAnswer(tenant, back)).toMatchObject({ action: 'user.activate', outcome: 'success' });
    expect(await isSignedIn(person)).toBe(false);
    expect(await isSignedIn(await addSession(tenant, person.id))).toBe(true);
    expect((await call('GET', '/token', { headers: token.headers })).status).toBe(200);
  });

  test('has their open connections looked at again: the task stands with the change', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const waiting = { ...services(), revocation: { run: () => Promise.resolve(), lookAgain: () => Promise.resolve([]) } };
    await actOnUser(await authenticate(waiting, requestFrom(), tenant.owner.cookie), 'suspend', person.id);
    const tasks = await tenant.db.rows('SELECT users, cause FROM revocations WHERE tenant_id = ?', tenant.id);
    expect(tasks).toEqual([{ users: JSON.stringify([person.id]), cause: 'Your account was suspended' }]);
  });

  test('twice is a conflict, and so is reactivating who is active', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    expect(problem(await api(tenant.owner).post(`/users/${person.id}/activate`)).code).toBe('conflict');
    await api(tenant.owner).post(`/users/${person.id}/suspend`);
    expect(problem(await api(tenant.owner).post(`/users/${person.id}/suspend`)).code).toBe('conflict');
  });
});

describe('deleting somebody', () => {
  test('takes sessions, tokens, factors, roles and groups, frees the address, and keeps workspaces and the name', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor'], 'Nina Berg');
    const token = await addToken(tenant, person);
    await addPasskey(person);
    await addApp(person);
    await logIn(tenant, person);
    await tenant.db.batch([
      statement(
        "INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, 'grp_x', 'user', ?)",
        ...[tenant.id, person.id],
      ),
    ]);
    const workspace = await insertWorkspace(tenant);
    await tenant.db.batch([
      statement('UPDATE workspaces SET owner_id = ? WHERE tenant_id = ? AND id = ?', person.id, tenant.id, workspace),
    ]);

    const answer = await api(tenant.owner).delete(`/users/${person.id}`);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.delete', outcome: 'success', resource: { id: person.id, name: 'Nina Berg' } },
      details: { email: person.email, roles: 'auditor' },
    });
    expect(await detailOf(tenant, person.id)).toMatchObject({
      ...{ name: 'Nina Berg', state: 'deactivated', roles: [], emailVerified: false, sessions: 0, tokens: 0, workspaces: 1 },
      standing: 'deleted',
    });
    expect(await rowsOf(tenant, 'group_members', 'member_id', person.id)).toEqual([]);
    for (const table of ['passkeys', 'totp_secrets', 'recovery_codes', 'known_devices', 'password_resets', 'second_factor_challenges'])
      expect(await rowsOf(tenant, table, 'user_id', person.id), table).toEqual([]);
    expect((await call('GET', '/token', { headers: token.headers })).status).toBe(401);
    expect((await api(tenant.owner).get(`/workspaces/${workspace}`)).status).toBe(200);
    expect((await api(tenant.owner).post('/invitations', { email: person.email })).status).toBe(201);
    for (const verb of ['suspend', 'activate', 'sign-out'])
      expect(problem(await api(tenant.owner).post(`/users/${person.id}/${verb}`)).code).toBe('conflict');
  });
});

describe('signing somebody out', () => {
  test('ends all their sessions and nothing else', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const second = await addSession(tenant, person.id);
    const answer = await api(tenant.owner).post(`/users/${person.id}/sign-out`);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'user.sign_out_everywhere', resource: { id: person.id } });
    expect([await isSignedIn(person), await isSignedIn(second), await isSignedIn(tenant.owner)]).toEqual([false, false, true]);
    expect((await detailOf(tenant, person.id)).state).toBe('active');
  });
});

describe('nobody', () => {
  const acts: UserAction[] = ['suspend', 'delete', 'sign-out'];
  const act = (by: Person, verb: UserAction, id: string) =>
    verb === 'delete' ? api(by).delete(`/users/${id}`) : api(by).post(`/users/${id}/${verb}`);

  test.each(['suspend', 'delete'] as const)('can %s themselves', async (verb) => {
    const tenant = await mintTenant();
    const answer = await act(tenant.owner, verb, tenant.owner.id);
    expect(problem(answer)).toMatchObject({ status: 403, code: 'permission-denied' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ outcome: 'denied', resource: { id: tenant.owner.id } });
    expect(await isSignedIn(tenant.owner)).toBe(true);
  });

  test.each(acts)('can %s somebody who may more', async (verb) => {
    const tenant = await mintTenant();
    const [admin, mightier] = [await addUser(tenant, ['user-admin']), await addUser(tenant, ['template-admin'])];
    for (const target of [tenant.owner, mightier]) {
      const answer = await act(admin, verb, target.id);
      expect(problem(answer)).toMatchObject({ status: 403, code: 'permission-denied' });
      expect(await eventOfAnswer(tenant, answer)).toMatchObject({
        outcome: 'denied',
        actor: { id: admin.id },
        resource: { id: target.id },
      });
      expect(await isSignedIn(target)).toBe(true);
    }
    expect(problem(await api(admin).patch(`/users/${tenant.owner.id}`, { name: 'Fool' })).code).toBe('permission-denied');
  });

  test('suspends the last active owner: of two who suspend each other at once, one stays', async () => {
    for (let round = 0; round < 3; round++) {
      const tenant = await mintTenant();
      const second = await addUser(tenant, ['owner']);
      const answers = await Promise.all([
        api(tenant.owner).post(`/users/${second.id}/suspend`),
        api(second).post(`/users/${tenant.owner.id}/suspend`),
      ]);
      const owners = await tenant.db.rows(
        `SELECT u.id FROM users u JOIN role_assignments a ON a.tenant_id = u.tenant_id AND a.subject_id = u.id AND a.role = 'owner'
         WHERE u.tenant_id = ? AND u.state = 'active'`,
        tenant.id,
      );
      expect(owners).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 204)).toHaveLength(1);
    }
  });

  test('takes the last owner who stays for good, though there is one for some hours', async () => {
    const tenant = await mintTenant();
    const forHours = await addUser(tenant, ['owner']);
    await tenant.db.batch([
      statement(
        'UPDATE role_assignments SET expires_at = ? WHERE tenant_id = ? AND subject_id = ?',
        ...[new Date(Date.now() + 3_600_000).toISOString(), tenant.id, forHours.id],
      ),
    ]);
    const answer = await api(forHours).delete(`/users/${tenant.owner.id}`);
    expect(problem(answer)).toMatchObject({ code: 'conflict', detail: expect.stringContaining('last active owner') });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'user.delete', outcome: 'denied', status: 409 });
    expect(await isSignedIn(tenant.owner)).toBe(true);
  });
});

describe('many people at once', () => {
  test('each has its own result and its own event; what can’t be keeps nobody else', async () => {
    const tenant = await mintTenant();
    const admin = await addUser(tenant, ['user-admin']);
    const people = await Promise.all([addUser(tenant), addUser(tenant), addUser(tenant)]);
    await api(tenant.owner).post(`/users/${people[2].id}/suspend`);
    const nobody = services().newId('user');
    const ids = [people[0].id, tenant.owner.id, people[1].id, nobody, admin.id, people[2].id, people[0].id];
    const answer = await api(admin).post('/users/bulk', { action: 'suspend', ids });
    const { items } = read(answer, bulkResult);
    expect(items.map(({ id, code }) => [id, code])).toEqual([
      [people[0].id, null],
      [tenant.owner.id, 'permission-denied'],
      [people[1].id, null],
      [nobody, 'not-found'],
      [admin.id, 'permission-denied'],
      [people[2].id, 'conflict'],
    ]);
    const requestId = answer.headers.get('X-Request-Id');
    const events = (await eventsOf(tenant)).filter((event) => event.requestId === requestId);
    expect(events.map(({ outcome, resource }) => [outcome, resource.id]).sort()).toEqual(
      [
        ['denied', admin.id],
        ['denied', tenant.owner.id],
        ['success', people[0].id],
        ['success', people[1].id],
      ].sort(),
    );
    expect(await isSignedIn(people[0])).toBe(false);
    expect(await isSignedIn(tenant.owner)).toBe(true);
  });

  test('of several owners who leave together, one is kept', async () => {
    const tenant = await mintTenant();
    const forHours = await addUser(tenant, ['owner']);
    const second = await addUser(tenant, ['owner']);
    await tenant.db.batch([
      statement(
        'UPDATE role_assignments SET expires_at = ? WHERE tenant_id = ? AND subject_id = ?',
        ...[new Date(Date.now() + 3_600_000).toISOString(), tenant.id, forHours.id],
      ),
    ]);
    const { items } = read(await api(forHours).post('/users/bulk', { action: 'delete', ids: [tenant.owner.id, second.id] }), bulkResult);
    expect(items.map(({ ok }) => ok)).toEqual([true, false]);
    expect(items[1]?.reason).toContain('last active owner');
  });

  test('of another organisation are nobody', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const theirs = await addUser(other);
    for (const action of ['suspend', 'delete', 'sign-out'] as const) {
      const { items } = read(await api(tenant.owner).post('/users/bulk', { action, ids: [theirs.id] }), bulkResult);
      expect(items).toMatchObject([{ ok: false, code: 'not-found' }]);
    }
    expect(await isSignedIn(theirs)).toBe(true);
  });

  test('are at most 200', async () => {
    const tenant = await mintTenant();
    const ids = Array.from({ length: 201 }, () => services().newId('user'));
    expect(problem(await api(tenant.owner).post('/users/bulk', { action: 'activate', ids })).errors?.[0]?.path).toBe('ids');
    const answer = await api(tenant.owner).post('/users/bulk', { action: 'activate', ids: ids.slice(1) });
    expect(read(answer, bulkResult).items.every(({ code }) => code === 'not-found')).toBe(true);
  });
});
