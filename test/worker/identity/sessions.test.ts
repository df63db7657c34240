import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { me, sessionList } from '@gatehouse/core/api/identity.ts';
import { invitationCreated, QUOTAS } from '@gatehouse/core/api/directory.ts';
import type { BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { authenticate } from '../../../worker/identity/authenticate.ts';
import { signOutEverywhere } from '../../../worker/identity/sessions.ts';
import { sweepSessions } from '../../../worker/identity/sweep.ts';
import { resendVerification } from '../../../worker/identity/verification.ts';
import type { Services, UserContext } from '../../../worker/platform/context.ts';
import { statement, TenantDb } from '../../../worker/platform/tenant-db.ts';
import {
  addSession,
  addUser,
  api,
  call,
  cookieOf,
  eventOfAnswer,
  eventsOf,
  fragmentOf,
  mailTo,
  mintTenant,
  PASSWORD,
  problem,
  read,
  requestFrom,
  services,
  unique,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';

const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000);
const as = (person: Person, with_: Partial<Services> = {}): Promise<UserContext> =>
  authenticate({ ...services(), ...with_ }, requestFrom(), person.cookie);

async function addGroup(tenant: Tenant, members: Array<{ type: 'user' | 'group'; id: string }>, id = services().newId('group')) {
  await tenant.db.batch(
    members.map((member) =>
      statement(
        'INSERT INTO group_members (tenant_id, group_id, member_type, member_id) VALUES (?, ?, ?, ?)',
        ...[tenant.id, id, member.type, member.id],
      ),
    ),
  );
  return id;
}
const giveRole = (tenant: Tenant, role: BuiltInRole, subject: { type: 'user' | 'group'; id: string }, expiresAt: string | null = null) =>
  tenant.db.batch([
    statement(
      'INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, expires_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      ...[tenant.id, services().newId('roleAssignment'), role, subject.type, subject.id, expiresAt, '2026-01-01T00:00:00.000Z'],
    ),
  ]);

describe('who asks', () => {
  test('is found in one trip to D1: session, policy, person, organisation and roles', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor']);
    await giveRole(tenant, 'template-admin', { type: 'group', id: await addGroup(tenant, [{ type: 'user', id: person.id }]) });
    const trips: number[] = [];
    let prepared = 0;
    const counted = new Proxy(env.SHARD_0, {
      get(d1, key) {
        if (key === 'prepare') return (sql: string) => (prepared++, d1.prepare(sql));
        if (key === 'batch') return (statements: D1PreparedStatement[]) => (trips.push(statements.length), d1.batch(statements));
        throw new Error(`A trip that is not counted: ${String(key)}`);
      },
    });
    const { actor } = await as(person, { tenantDb: (shard, tenantId) => new TenantDb(counted, shard, tenantId) });
    expect(actor).toMatchObject({ id: person.id, roles: ['template-admin', 'auditor'], sessionId: person.sessionId });
    expect(trips).toEqual([4]);
    expect(prepared).toBe(4);
  });

  test('has the roles of all groups above, but no expired ones, and groups that contain each other end', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const other = await addUser(tenant, ['owner']);
    const inner = await addGroup(tenant, [{ type: 'user', id: person.id }]);
    const middle = await addGroup(tenant, [{ type: 'group', id: inner }]);
    const outer = await addGroup(tenant, [{ type: 'group', id: middle }]);
    await addGroup(tenant, [{ type: 'group', id: outer }], inner);
    const elsewhere = await addGroup(tenant, [{ type: 'user', id: other.id }]);
    await giveRole(tenant, 'auditor', { type: 'group', id: outer });
    await giveRole(tenant, 'user-admin', { type: 'group', id: middle }, hoursAgo(-1).toISOString());
    await giveRole(tenant, 'template-admin', { type: 'group', id: middle }, hoursAgo(1).toISOString());
    await giveRole(tenant, 'owner', { type: 'user', id: person.id }, hoursAgo(1).toISOString());
    await giveRole(tenant, 'owner', { type: 'group', id: elsewhere });
    const { actor } = await as(person);
    expect(actor.roles).toEqual(['user-admin', 'auditor']);
    expect([actor.permissions.has('audit:read'), actor.permissions.has('user:invite'), actor.permissions.has('role:assign')]).toEqual([
      ...[true, true, false],
    ]);
  });

  test.each([
    ['twelve hours after sign-in', 12.01, 0.1, false],
    ['two hours without a request', 3, 2.01, false],
    ['a long day of work', 11.9, 1.9, true],
  ])('%s', async (_name, began, seen, valid) => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const session = await addSession(tenant, person.id, hoursAgo(began));
    await tenant.db.batch([
      statement(
        'UPDATE sessions SET last_seen_at = ? WHERE tenant_id = ? AND id = ?',
        hoursAgo(seen).toISOString(),
        tenant.id,
        session.sessionId,
      ),
    ]);
    const answer = await api(session).get('/me');
    expect(answer.status).toBe(valid ? 200 : 401);
    const { items } = read(await api(person).get('/me/sessions'), sessionList);
    expect(items.some(({ id }) => id === session.sessionId)).toBe(valid);
  });

  test('being seen is written once in five minutes, and keeps a session from going idle', async () => {
    const tenant = await mintTenant();
    const work: Array<Promise<unknown>> = [];
    const at = async (minutes: number) => {
      await as(tenant.owner, { now: () => new Date(Date.now() + minutes * 60_000), defer: (promise) => work.push(promise) });
      return work.length;
    };
    expect([await at(0), await at(4), await at(100)]).toEqual([0, 0, 1]);
    await Promise.all(work);
    expect([await at(102), await at(215)]).toEqual([1, 2]);
    const row = await tenant.db.first<{ last_seen_at: string }>('SELECT last_seen_at FROM users WHERE tenant_id = ?', tenant.id);
    expect(Date.parse(row?.last_seen_at ?? '')).toBeGreaterThan(Date.now() + 90 * 60_000);
  });

  test.each([
    ['nothing', undefined],
    ['rubbish', '__Host-gatehouse=rubbish'],
    ['a shard that is none', `__Host-gatehouse=ghc_s99.tnt_01m856tm29e6frrs5mmr9m5rhs.${'a'.repeat(43)}`],
    ['a secret nobody has', `__Host-gatehouse=ghc_s0.tnt_01m856tm29e6frrs5mmr9m5rhs.${'a'.repeat(43)}`],
  ])('%s is nobody', async (_name, cookie) => {
    expect(problem(await call('GET', '/me', cookie === undefined ? {} : { cookie }))).toMatchObject({ status: 401, code: 'not-signed-in' });
  });

  test('a session opens no other organisation, and another kind of credential opens none', async () => {
    const [one, two] = [await mintTenant(), await mintTenant()];
    const moved = { cookie: one.owner.cookie.replace(one.id, two.id) };
    expect((await api(moved).get('/me')).status).toBe(401);
    expect((await api({ cookie: one.owner.cookie.replace('ghc_', 'ghi_') }).get('/me')).status).toBe(401);
  });

  test.each([
    ['person', "UPDATE users SET state = 'suspended' WHERE tenant_id = ?"],
    ['organisation', "UPDATE tenants SET state = 'suspended' WHERE tenant_id = ?"],
  ])('a suspended %s is out with the next request', async (_name, sql) => {
    const tenant = await mintTenant();
    expect((await api(tenant.owner).get('/me')).status).toBe(200);
    await tenant.db.batch([statement(sql, tenant.id)]);
    expect((await api(tenant.owner).get('/me')).status).toBe(401);
  });
});

describe('signing out', () => {
  test('ends this session only', async () => {
    const tenant = await mintTenant();
    const other = await addSession(tenant, tenant.owner.id);
    const answer = await api(tenant.owner).post('/logout');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('Set-Cookie')).toMatch(/^__Host-gatehouse=; Max-Age=0;/);
    expect((await api(tenant.owner).get('/me')).status).toBe(401);
    expect((await api(other).get('/me')).status).toBe(200);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'user.sign_out',
      outcome: 'success',
      sessionId: tenant.owner.sessionId,
    });
  });

  test('shows one’s sessions with their device, and ends one of them', async () => {
    const tenant = await mintTenant();
    const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
    const body = { tenant: tenant.slug, email: tenant.owner.email, password: PASSWORD };
    const answer = await call('POST', '/login', { body, headers: { 'User-Agent': firefox, 'CF-Connecting-IP': '192.0.2.9' } });
    const second = read(answer, me).session.id;
    const { items } = read(await api(tenant.owner).get('/me/sessions'), sessionList);
    expect(items.map(({ id, current }) => ({ id, current }))).toEqual([
      { id: second, current: false },
      { id: tenant.owner.sessionId, current: true },
    ]);
    expect(items[0]).toMatchObject({ browser: 'Firefox 140', os: 'Linux', device: 'desktop', ip: '192.0.2.9' });

    const ended = await api(tenant.owner).delete(`/me/sessions/${second}`);
    expect(ended.status).toBe(204);
    expect((await api({ cookie: cookieOf(answer) }).get('/me')).status).toBe(401);
    expect(await eventOfAnswer(tenant, ended)).toMatchObject({ action: 'session.end', resource: { type: 'session', id: second } });
    expect((await api(tenant.owner).delete(`/me/sessions/${second}`)).status).toBe(404);
  });

  test('pages through sessions without losing or repeating one', async () => {
    const tenant = await mintTenant();
    for (let i = 0; i < 4; i++) await addSession(tenant, tenant.owner.id);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: { items: Array<{ id: string }>; nextCursor: string | null } = read(
        await api(tenant.owner).get(`/me/sessions?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`),
        sessionList,
      );
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    expect(seen).toHaveLength(5);
    expect(seen).toEqual([...new Set(seen)].sort().reverse());
    expect(problem(await api(tenant.owner).get('/me/sessions?cursor=rubbish'))).toMatchObject({
      status: 422,
      errors: [{ path: 'cursor' }],
    });
  });

  test('nobody ends somebody else’s session', async () => {
    const tenant = await mintTenant();
    const other = await addUser(tenant);
    expect((await api(tenant.owner).delete(`/me/sessions/${other.sessionId}`)).status).toBe(404);
    expect((await api(other).get('/me')).status).toBe(200);
  });

  test('everywhere ends all of one’s sessions, and nobody else’s', async () => {
    const tenant = await mintTenant();
    const other = await addUser(tenant);
    const second = await addSession(tenant, tenant.owner.id);
    await signOutEverywhere(await as(tenant.owner));
    expect((await api(tenant.owner).get('/me')).status).toBe(401);
    expect((await api(second).get('/me')).status).toBe(401);
    expect((await api(other).get('/me')).status).toBe(200);
    const events = (await eventsOf(tenant)).filter(({ action }) => action === 'user.sign_out_everywhere');
    expect(events).toMatchObject([{ outcome: 'success', resource: { id: tenant.owner.id } }]);
  });

  test('everywhere clears the cookie, too', async () => {
    const tenant = await mintTenant();
    const answer = await api(tenant.owner).delete('/me/sessions');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('Set-Cookie')).toMatch(/^__Host-gatehouse=; Max-Age=0;/);
  });

  test('what has expired is swept, what lives stays', async () => {
    const tenant = await mintTenant();
    await addSession(tenant, tenant.owner.id, hoursAgo(13));
    await sweepSessions(services());
    const left = await tenant.db.rows<{ id: string }>('SELECT id FROM sessions WHERE tenant_id = ?', tenant.id);
    expect(left).toEqual([{ id: tenant.owner.sessionId }]);
  });
});

describe('verifying an address', () => {
  test('works once, by the mailed link, without a session', async () => {
    const tenant = await mintTenant({ verified: false });
    const token = fragmentOf((await mailTo(tenant.owner.email))?.text ?? '');
    const answer = await call('POST', '/verify-email', { body: { token } });
    expect(answer).toMatchObject({ status: 200, body: { ok: true } });
    expect(read(await api(tenant.owner).get('/me'), me).user.emailVerified).toBe(true);
    const event = await eventOfAnswer(tenant, answer);
    expect(event).toMatchObject({ action: 'user.verify_email', resource: { id: tenant.owner.id }, actor: { type: 'anonymous' } });
    expect(JSON.stringify(event)).not.toContain(token);
    expect(problem(await call('POST', '/verify-email', { body: { token } }))).toMatchObject({ status: 410, code: 'gone' });
  });

  test('a link ends after a day, and with its organisation’s suspension', async () => {
    const tenant = await mintTenant({ verified: false });
    const token = fragmentOf((await mailTo(tenant.owner.email))?.text ?? '');
    await tenant.db.batch([statement("UPDATE tenants SET state = 'suspended' WHERE tenant_id = ?", tenant.id)]);
    expect((await call('POST', '/verify-email', { body: { token } })).status).toBe(410);
    await tenant.db.batch([
      statement("UPDATE tenants SET state = 'active' WHERE tenant_id = ?", tenant.id),
      statement('UPDATE email_verifications SET expires_at = ? WHERE tenant_id = ?', new Date().toISOString(), tenant.id),
    ]);
    expect((await call('POST', '/verify-email', { body: { token } })).status).toBe(410);
    expect(read(await api(tenant.owner).get('/me'), me).user.emailVerified).toBe(false);
  });

  test('a new link can be asked for, five times an hour', async () => {
    const tenant = await mintTenant({ verified: false });
    const before = (await mailTo(tenant.owner.email))?.text;
    expect((await api(tenant.owner).post('/me/verification')).status).toBe(204);
    const again = (await mailTo(tenant.owner.email))?.text ?? '';
    expect(again).not.toBe(before);
    for (let i = 0; i < 4; i++) await resendVerification(await as(tenant.owner));
    const refused = await api(tenant.owner).post('/me/verification');
    expect(problem(refused)).toMatchObject({ status: 429, code: 'rate-limited' });
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'user.request_verification', outcome: 'denied' });
    expect((await call('POST', '/verify-email', { body: { token: fragmentOf(again) } })).status).toBe(200);
    expect(problem(await api(tenant.owner).post('/me/verification')).code).toBe('conflict');
  });
});

describe('accepting an invitation', () => {
  const invite = async (tenant: Tenant, roles: BuiltInRole[] = []) => {
    const email = `${unique()}@joins.test`;
    const answer = await api(tenant.owner).post('/invitations', { email, roles });
    return { email, token: fragmentOf(read(answer, invitationCreated).link), id: read(answer, invitationCreated).id };
  };
  const accept = (token: string) => call('POST', '/invitations/accept', { body: { token, name: 'Nina New', password: PASSWORD } });

  test('makes the person, with the roles and a verified address, and signs them in', async () => {
    const tenant = await mintTenant();
    const { email, token, id } = await invite(tenant, ['auditor', 'user-admin']);
    const answer = await accept(token);
    expect(answer.status).toBe(201);
    const shown = read(answer, me);
    expect(shown.user).toMatchObject({ email, name: 'Nina New', emailVerified: true, roles: ['user-admin', 'auditor'] });
    expect((await api({ cookie: cookieOf(answer) }).get('/me')).body).toEqual(answer.body);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.join', outcome: 'success', actor: { id: shown.user.id, email } },
      details: { invitation: id, roles: 'auditor user-admin' },
    });
    expect((await call('POST', '/login', { body: { tenant: tenant.slug, email, password: PASSWORD } })).status).toBe(200);
    expect(problem(await accept(token))).toMatchObject({ status: 410, code: 'gone' });
  });

  test('of two at once one joins', async () => {
    const tenant = await mintTenant();
    const { token } = await invite(tenant);
    const answers = await Promise.all([accept(token), accept(token)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 410]);
    const people = await tenant.db.rows('SELECT id FROM users WHERE tenant_id = ?', tenant.id);
    expect(people).toHaveLength(2);
  });

  test('the limit of people holds, says its number, and is in the log', async () => {
    const tenant = await mintTenant();
    const { token } = await invite(tenant);
    const now = new Date().toISOString();
    const filler = Array.from({ length: QUOTAS.users - 1 }, (_, i) => [services().newId('user'), `${i}@filler.test`]);
    await tenant.db.batch([
      statement(
        `INSERT INTO users (tenant_id, id, email, name, state, created_at)
         SELECT ?1, value ->> 0, value ->> 1, 'Filler', 'active', ?2 FROM json_each(?3)`,
        ...[tenant.id, now, JSON.stringify(filler)],
      ),
    ]);
    const refused = await accept(token);
    expect(problem(refused)).toMatchObject({ status: 403, code: 'quota-exceeded', detail: 'An organisation has at most 10,000 users' });
    expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'user.join', outcome: 'denied' });
    await tenant.db.batch([statement("UPDATE users SET state = 'deactivated' WHERE tenant_id = ? AND email = '7@filler.test'", tenant.id)]);
    expect((await accept(token)).status).toBe(201);
  });

  test('a short password is refused by name', async () => {
    const tenant = await mintTenant();
    const { token } = await invite(tenant);
    const answer = await call('POST', '/invitations/accept', { body: { token, name: 'Nina', password: 'short' } });
    expect(problem(answer)).toMatchObject({ status: 422, errors: [{ path: 'password', message: 'must have at least 12 characters' }] });
  });
});
