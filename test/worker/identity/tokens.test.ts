import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BUILT_IN_ROLES, permissionsOf, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { SCOPES, type Scope } from '@gatehouse/core/access/scopes.ts';
import { bulkResult } from '@gatehouse/core/api/directory.ts';
import { tokenCreated, tokenList, tokenSelf, TOKENS_EACH } from '@gatehouse/core/api/tokens.ts';
import { serviceAccount } from '@gatehouse/core/api/service-accounts.ts';
import { ERRORS } from '@gatehouse/core/errors.ts';
import { sweepSessions } from '../../../worker/identity/sweep.ts';
import { authenticateToken } from '../../../worker/identity/token-auth.ts';
import { parseCredential } from '../../../worker/platform/credential.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import {
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
import { confirmedAgo } from '../../support/factors.ts';
import { BROWSER_KEY } from '../../support/browser-key.ts';
import { insertWorkspace } from '../../support/workspaces.ts';

const bearer = (secret: string, ip?: string) => ({
  Authorization: `Bearer ${secret}`,
  Origin: 'https://ci.test',
  ...(ip === undefined ? {} : { 'CF-Connecting-IP': ip }),
});
const make = async (person: Person, body: Record<string, unknown> = {}) =>
  api(person).post('/me/tokens', { name: 'ci', scopes: ['template:read'], ...body });
const takeRoles = (tenant: Tenant, id: string) =>
  tenant.db.batch([statement('DELETE FROM role_assignments WHERE tenant_id = ? AND subject_id = ?', tenant.id, id)]);
const refusals = async (tenant: Tenant, id: string) =>
  (await eventsOf(tenant)).filter(({ action, resource }) => action === 'token.use' && resource.id === id);

describe('making a token', () => {
  test('needs a proof of the last ten minutes of who sits there, for a service account too', async () => {
    const tenant = await mintTenant();
    const robot = read(await api(tenant.owner).post('/service-accounts', { name: 'siem-puller' }), serviceAccount);
    await confirmedAgo(tenant, tenant.owner.sessionId, 11);
    const body = { name: 'ci', scopes: ['tenant:read'] };
    for (const path of ['/me/tokens', `/service-accounts/${robot.id}/tokens`]) {
      const refused = await api(tenant.owner).post(path, body);
      expect(problem(refused)).toMatchObject({ status: 403, code: 'step-up-required' });
      expect(await eventOfAnswer(tenant, refused)).toMatchObject({ action: 'token.create', outcome: 'denied' });
    }
    await confirmedAgo(tenant, tenant.owner.sessionId, 9);
    for (const path of ['/me/tokens', `/service-accounts/${robot.id}/tokens`])
      expect((await api(tenant.owner).post(path, body)).status).toBe(201);
  });

  test('shows its secret once; only a hash is kept, and the log has neither', async () => {
    const tenant = await mintTenant();
    const answer = await make(tenant.owner, { scopes: ['audit:read', 'audit:read'], networks: ['192.0.2.9/24', '2001:DB8::1'] });
    expect(answer.status).toBe(201);
    const made = read(answer, tokenCreated);
    expect(made).toMatchObject({ name: 'ci', scopes: ['audit:read'], networks: ['192.0.2.0/24', '2001:db8::1/128'], state: 'active' });
    expect(Date.parse(made.expiresAt) - Date.parse(made.createdAt)).toBe(90 * 86_400_000);
    expect(made.secret).toMatch(/^gh_s[0-9]{1,4}\.tnt_[0-7][0-9a-hjkmnp-tv-z]{25}\.[A-Za-z0-9_-]{43}[0-9a-f]{8}$/);
    const listed = await api(tenant.owner).get('/me/tokens');
    expect(read(listed, tokenList).items).toMatchObject([{ id: made.id, createdBy: tenant.owner.name, lastUsedAt: null }]);
    const rows = await tenant.db.rows('SELECT * FROM api_tokens WHERE tenant_id = ?', tenant.id);
    const everything = JSON.stringify([listed.body, rows, await eventsOf(tenant)]);
    expect(everything).not.toContain(made.secret.slice(-51, -8));
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'token.create', resource: { type: 'token', id: made.id, name: 'ci' } },
      details: { owner: tenant.owner.id, scopes: 'audit:read', networks: '192.0.2.0/24 2001:db8::1/128', expiresAt: made.expiresAt },
    });
  });

  test.each([
    ['scopes', { scopes: [] }],
    ['scopes.0', { scopes: ['everything'] }],
    ['expiresInDays', { expiresInDays: 366 }],
    ['expiresInDays', { expiresInDays: 0 }],
    ['networks.0', { networks: ['example.test'] }],
    ['name', { name: '' }],
  ])('is refused with a wrong %s', async (path, body) => {
    const tenant = await mintTenant();
    expect(problem(await make(tenant.owner, body))).toMatchObject({ code: 'invalid', errors: [{ path }] });
  });

  test('can’t name what its owner may not do', async () => {
    const tenant = await mintTenant();
    const member = await addUser(tenant);
    expect(problem(await make(member, { scopes: ['template:read', 'audit:read'] }))).toMatchObject({
      code: 'invalid',
      errors: [{ path: 'scopes.1' }],
    });
    expect((await make(member, { scopes: ['workspace:create', 'workspace:run-own', 'template:manage'] })).status).toBe(201);
  });

  test(`stops at ${TOKENS_EACH} that work`, async () => {
    const tenant = await mintTenant();
    await Promise.all(Array.from({ length: TOKENS_EACH }, () => addToken(tenant, tenant.owner)));
    await addToken(tenant, tenant.owner, { revokedAt: new Date().toISOString() });
    expect(problem(await make(tenant.owner)).code).toBe('quota-exceeded');
  });
});

describe('a secret', () => {
  test('that was cut or mistyped is known as such without asking the database', async () => {
    const tenant = await mintTenant();
    const { secret } = await addToken(tenant, tenant.owner);
    expect(await parseCredential('token', secret)).toMatchObject({ tenantId: tenant.id });
    for (let at = 0; at < secret.length; at++) {
      const typo = secret.slice(0, at) + (secret[at] === 'x' ? 'y' : 'x') + secret.slice(at + 1);
      expect(await parseCredential('token', typo), `letter ${at}`).toBeNull();
      expect(await parseCredential('token', secret.slice(0, at)), `cut at ${at}`).toBeNull();
    }
  });
});

describe('a token', () => {
  test('acts for its owner, from any origin, and the log says by which token', async () => {
    const tenant = await mintTenant();
    const { id, headers } = await addToken(tenant, tenant.owner, { scopes: ['tenant:read', 'tenant:update'] });
    const answer = await call('PATCH', '/tenant', { headers, body: { name: 'By a program' } });
    expect(answer.status).toBe(200);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ actor: { type: 'user', id: tenant.owner.id, via: 'token' }, sessionId: null },
      details: { token: id, tokenName: 'ci' },
    });
    expect(read(await call('GET', '/token', { headers }), tokenSelf)).toMatchObject({
      ...{ id, owner: { type: 'user', id: tenant.owner.id }, tenant: { id: tenant.id } },
      permissions: ['tenant:read', 'tenant:update'],
    });
  });

  test('may do what both its scopes and its owner’s roles hold at that moment', async () => {
    const tenant = await mintTenant();
    const roles = Object.keys(BUILT_IN_ROLES).filter((role) => role !== 'member') as Array<Exclude<BuiltInRole, 'member'>>;
    const draw = fc.tuple(fc.subarray(Object.keys(SCOPES) as Scope[]), fc.subarray(roles));
    await fc.assert(
      fc.asyncProperty(draw, async ([scopes, held]) => {
        const person = await addUser(tenant, held);
        const { headers } = await addToken(tenant, person, { scopes });
        const asked = async () => read(await call('GET', '/token', { headers }), tokenSelf).permissions.sort();
        expect(await asked()).toEqual([...permissionsOf(held)].filter((permission) => scopes.includes(permission)).sort());
        await takeRoles(tenant, person.id);
        expect(await asked()).toEqual([...permissionsOf([])].filter((permission) => scopes.includes(permission)).sort());
      }),
      { numRuns: 20 },
    );
  });

  test('is powerless at once when the role is taken away', async () => {
    const tenant = await mintTenant();
    const auditor = await addUser(tenant, ['auditor']);
    const { headers } = await addToken(tenant, auditor, { scopes: ['audit:read'] });
    expect((await call('GET', '/audit/events', { headers })).status).toBe(200);
    await takeRoles(tenant, auditor.id);
    expect(problem(await call('GET', '/audit/events', { headers })).code).toBe('permission-denied');
  });

  test('with a scope to read templates does not change them, though its owner may', async () => {
    const tenant = await mintTenant();
    const made = await api(tenant.owner).post('/templates', { name: 'payments' });
    const { id } = made.body as { id: string };
    const reading = await addToken(tenant, tenant.owner, { scopes: ['template:read'] });
    expect((await call('GET', '/templates', { headers: reading.headers })).status).toBe(200);
    const managing = await addToken(tenant, tenant.owner, { scopes: ['template:admin'] });
    const spec = { spec: { startupScript: 'true' } };
    expect((await call('POST', `/templates/${id}/versions`, { headers: reading.headers, body: spec })).status).toBe(403);
    expect((await call('POST', `/templates/${id}/versions`, { headers: managing.headers, body: spec })).status).toBe(201);
  });

  test('never opens a workspace, whatever its scopes, and the attempt is in the log', async () => {
    const tenant = await mintTenant();
    const workspace = await insertWorkspace(tenant);
    const { id, headers } = await addToken(tenant, tenant.owner);
    expect((await call('GET', `/workspaces/${workspace}`, { headers })).status).toBe(200);
    const answer = await call('POST', `/workspaces/${workspace}/attach`, {
      headers: { ...headers, 'Sec-Fetch-Site': 'same-origin' },
      body: { key: BROWSER_KEY },
    });
    expect(problem(answer)).toMatchObject({ status: ERRORS['browser-only'].status, code: 'browser-only' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'connection.open', outcome: 'denied', workspaceId: workspace, actor: { via: 'token' }, details: { token: id } },
    });
    expect(await tenant.db.rows('SELECT 1 FROM tickets WHERE tenant_id = ?', tenant.id)).toEqual([]);
  });

  test('makes no token, mightier or not', async () => {
    const tenant = await mintTenant();
    const { headers } = await addToken(tenant, tenant.owner);
    const answer = await call('POST', '/me/tokens', { headers, body: { name: 'more', scopes: ['audit:read'], expiresInDays: 365 } });
    expect(problem(answer).code).toBe('browser-only');
  });

  test('is refused together with a cookie', async () => {
    const tenant = await mintTenant();
    const { headers } = await addToken(tenant, tenant.owner);
    expect((await call('GET', '/tenant', { headers, cookie: tenant.owner.cookie })).status).toBe(401);
    expect((await call('GET', '/tenant', { headers, cookie: 'theme=dark' })).status).toBe(200);
  });

  test('marks its use at most every five minutes', async () => {
    const tenant = await mintTenant();
    const { id, secret } = await addToken(tenant, tenant.owner);
    const begin = Date.now();
    const usedAt = async (minutes: number) => {
      const work: Array<Promise<unknown>> = [];
      const at = { ...services(), now: () => new Date(begin + minutes * 60_000), defer: (each: Promise<unknown>) => void work.push(each) };
      await authenticateToken(at, requestFrom('192.0.2.7'), secret);
      await Promise.all(work);
      const [row] = await tenant.db.rows<{ last_used_at: string; last_used_from: string }>(
        'SELECT last_used_at, last_used_from FROM api_tokens WHERE tenant_id = ? AND id = ?',
        ...[tenant.id, id],
      );
      expect(row?.last_used_from).toBe('192.0.2.7');
      return (Date.parse(row?.last_used_at ?? '') - begin) / 60_000;
    };
    expect([await usedAt(0), await usedAt(4.9), await usedAt(5), await usedAt(9)]).toEqual([0, 0, 5, 5]);
  });
});

describe('a token that was true is refused, and the log says why, once', () => {
  const after = async (
    tenant: Tenant,
    person: Person,
    facts: Parameters<typeof addToken>[2],
    change: () => Promise<unknown>,
    ip?: string,
  ) => {
    const { id, secret } = await addToken(tenant, person, facts);
    await change();
    const answers = [];
    for (let i = 0; i < 3; i++) answers.push(await call('GET', '/tenant', { headers: bearer(secret, ip) }));
    return { statuses: answers.map(({ status }) => status), events: await refusals(tenant, id) };
  };
  const nothing = () => Promise.resolve();

  test('when it is revoked or has expired', async () => {
    const tenant = await mintTenant();
    const now = new Date().toISOString();
    const revoked = await after(tenant, tenant.owner, { revokedAt: now }, nothing);
    expect(revoked).toMatchObject({ statuses: [401, 401, 401], events: [{ reason: 'revoked', outcome: 'denied', status: 401 }] });
    const expired = await after(tenant, tenant.owner, { expiresAt: now }, nothing);
    expect(expired).toMatchObject({ statuses: [401, 401, 401], events: [{ reason: 'expired', actor: { id: tenant.owner.id } }] });
  });

  test('when its owner is suspended', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const refused = await after(tenant, person, {}, () => api(tenant.owner).post(`/users/${person.id}/suspend`));
    expect(refused).toMatchObject({ statuses: [401, 401, 401], events: [{ reason: 'owner is not active' }] });
  });

  test('from a network that it is not for', async () => {
    const tenant = await mintTenant();
    const networks = { networks: ['192.0.2.0/24', '2001:db8::/32'] };
    const outside = await after(tenant, tenant.owner, networks, nothing, '198.51.100.1');
    expect(outside).toMatchObject({
      statuses: [403, 403, 403],
      events: [{ reason: 'wrong network', status: 403, origin: { ip: '198.51.100.1' } }],
    });
    for (const ip of ['192.0.2.200', '2001:db8:5::1'])
      expect(await after(tenant, tenant.owner, networks, nothing, ip)).toMatchObject({ statuses: [200, 200, 200], events: [] });
  });

  test('and one that never was leaves nothing', async () => {
    const tenant = await mintTenant();
    const before = (await eventsOf(tenant)).length;
    const { secret, id } = await addToken(tenant, tenant.owner);
    await tenant.db.batch([statement('DELETE FROM api_tokens WHERE tenant_id = ? AND id = ?', tenant.id, id)]);
    expect((await call('GET', '/tenant', { headers: bearer(secret) })).status).toBe(401);
    for (const wrong of ['', 'gh_', 'gh_s0', secret.slice(0, -1), secret.replace('gh_', 'ghc_')])
      expect((await call('GET', '/tenant', { headers: bearer(wrong) })).status).toBe(401);
    expect(await eventsOf(tenant)).toHaveLength(before);
  });
});

describe('revoking', () => {
  test('one’s own works at once, and is in the log', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const { id, headers } = await addToken(tenant, person, { scopes: ['tenant:read'] });
    const answer = await api(person).delete(`/tokens/${id}`);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'token.revoke', resource: { id }, details: { owner: person.id } });
    expect((await call('GET', '/tenant', { headers })).status).toBe(401);
    expect(problem(await api(person).delete(`/tokens/${id}`)).code).toBe('conflict');
  });

  test('by a token: itself, and no other of its owner’s', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const [one, other] = [await addToken(tenant, person, { scopes: [] }), await addToken(tenant, person)];
    expect(problem(await call('DELETE', `/tokens/${other.id}`, { headers: one.headers })).code).toBe('browser-only');
    expect((await call('DELETE', `/tokens/${one.id}`, { headers: one.headers })).status).toBe(204);
    expect((await call('GET', '/token', { headers: one.headers })).status).toBe(401);
  });

  test('somebody else’s needs the permission; many at once have a result each', async () => {
    const tenant = await mintTenant();
    const [person, admin] = [await addUser(tenant), await addUser(tenant, ['user-admin'])];
    const [one, two, over] = [
      await addToken(tenant, tenant.owner),
      await addToken(tenant, tenant.owner),
      await addToken(tenant, tenant.owner, { revokedAt: new Date().toISOString() }),
    ];
    expect(problem(await api(person).delete(`/tokens/${one.id}`)).code).toBe('permission-denied');
    const nobody = services().newId('token');
    const answer = await api(admin).post('/tokens/revoke', { ids: [one.id, nobody, over.id, two.id] });
    expect(read(answer, bulkResult).items.map(({ code }) => code)).toEqual([null, 'not-found', 'conflict', null]);
    const requestId = answer.headers.get('X-Request-Id');
    const events = (await eventsOf(tenant)).filter((event) => event.requestId === requestId);
    expect(events.map(({ resource }) => resource.id).sort()).toEqual([one.id, two.id].sort());
    for (const { headers } of [one, two]) expect((await call('GET', '/token', { headers })).status).toBe(401);
  });
});

test('another organisation’s token is none, to read and to revoke', async () => {
  const [tenant, other] = [await mintTenant(), await mintTenant()];
  const theirs = await addToken(other, other.owner);
  const answer = await api(tenant.owner).post('/tokens/revoke', { ids: [theirs.id] });
  expect(read(answer, bulkResult).items).toMatchObject([{ ok: false, code: 'not-found' }]);
  expect(read(await api(tenant.owner).get(`/tokens?ownerId=${other.owner.id}`), tokenList).items).toEqual([]);
  expect((await call('GET', '/token', { headers: theirs.headers })).status).toBe(200);
});

test('what has expired long ago is removed; what has expired lately stays, so that its use is known', async () => {
  const tenant = await mintTenant();
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString();
  const [long, lately] = [
    await addToken(tenant, tenant.owner, { expiresAt: daysAgo(91) }),
    await addToken(tenant, tenant.owner, { expiresAt: daysAgo(89) }),
  ];
  await sweepSessions(services());
  const left = await tenant.db.rows<{ id: string }>('SELECT id FROM api_tokens WHERE tenant_id = ?', tenant.id);
  expect(left.map(({ id }) => id)).toEqual([lately.id]);
  expect(left.map(({ id }) => id)).not.toContain(long.id);
});

describe('everybody’s tokens', () => {
  test('are searched by their name or their owner’s, filtered, and paged, for those who may', async () => {
    const tenant = await mintTenant();
    const [person, auditor] = [await addUser(tenant, [], 'Nina Berg'), await addUser(tenant, ['auditor'])];
    const [hers, ours, old] = [
      await addToken(tenant, person),
      await addToken(tenant, tenant.owner),
      await addToken(tenant, tenant.owner, { expiresAt: new Date().toISOString() }),
    ];
    const list = async (query: string) => read(await api(auditor).get(`/tokens?${query}`), tokenList);
    const ids = async (query: string) => (await list(query)).items.map(({ id }) => id);
    expect(await ids('')).toEqual([old.id, ours.id, hers.id]);
    expect(await ids('q=nina')).toEqual([hers.id]);
    expect(await ids('q=CI&state=active')).toEqual([ours.id, hers.id]);
    expect(await ids('state=expired')).toEqual([old.id]);
    expect(await ids(`ownerId=${person.id}`)).toEqual([hers.id]);
    const first = await list('limit=2');
    expect((await list(`limit=2&cursor=${first.nextCursor}`)).items.map(({ id }) => id)).toEqual([hers.id]);
    expect(problem(await api(person).get('/tokens')).code).toBe('permission-denied');
  });
});
