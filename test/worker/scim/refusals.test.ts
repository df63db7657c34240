import { beforeAll, describe, expect, test } from 'vitest';
import { scimTokenCreated, scimTokenList } from '@gatehouse/core/api/scim.ts';
import { addDirectory, filtered, groupBody, made, scim, userBody, type Directory, type Scim } from '../../support/scim.ts';
import { addToken, api, call, eventsOf, mintTenant, ORIGIN, problem, read, unique, type Tenant } from '../../support/tenants.ts';
import { exports } from 'cloudflare:workers';

let tenant: Tenant;
let directory: Directory;
let client: Scim;
let [userId, groupId] = ['', ''];

beforeAll(async () => {
  tenant = await mintTenant();
  directory = await addDirectory(tenant);
  client = scim(directory);
  userId = await made(client.post('/Users', userBody(unique())));
  groupId = await made(client.post('/Groups', groupBody(unique(), [userId])));
});

/** Every address, and what a directory would send there. */
const routes = (): Array<[string, string, unknown?]> => [
  ...[
    '/ServiceProviderConfig',
    '/Schemas',
    '/ResourceTypes',
    '/Users',
    '/Groups',
    `/Users/${userId}`,
    `/Groups/${groupId}`,
    '/',
    '/Nothing',
    '/Me',
  ].map((path): [string, string] => ['GET', path]),
  ['POST', '/Users', userBody(unique())],
  ['POST', '/Groups', groupBody(unique())],
  ['POST', '/Users/.search', {}],
  ['POST', '/Groups/.search', {}],
  ['POST', '/.search', {}],
  ...(
    [
      ['Users', userId, userBody('x')],
      ['Groups', groupId, groupBody('x')],
    ] as const
  ).flatMap(([kind, id, body]): Array<[string, string, unknown?]> => [
    ['PUT', `/${kind}/${id}`, body],
    ['PATCH', `/${kind}/${id}`, { Operations: [{ op: 'replace', value: { displayName: 'x' } }] }],
    ['DELETE', `/${kind}/${id}`],
  ]),
];

const send = (method: string, path: string, headers: Record<string, string>, body?: unknown) =>
  exports.default.fetch(
    new Request(`${ORIGIN}/scim/v2${path}`, {
      method,
      headers: { 'Content-Type': 'application/scim+json', ...headers },
      body: body === undefined ? null : JSON.stringify(body),
    }),
  );

describe('who gets in', () => {
  test('nobody without a token of a directory that works, at any address', async () => {
    const expired = await addDirectory(tenant, { expiresAt: '2020-01-01T00:00:00.000Z' });
    const revoked = await addDirectory(tenant, { revokedAt: '2020-01-01T00:00:00.000Z' });
    const apiToken = await addToken(tenant, tenant.owner);
    const unknown = `${directory.secret.slice(0, -3)}AAA`;
    const ways = [
      {},
      { Cookie: tenant.owner.cookie },
      apiToken.headers,
      ...[expired.secret, revoked.secret, unknown, 'x'].map((secret) => ({ Authorization: `Bearer ${secret}` })),
    ];
    for (const [method, path, body] of routes())
      for (const headers of ways) {
        const answer = await send(method, path, headers, body);
        expect([method, path, answer.status]).toEqual([method, path, 401]);
        expect(answer.headers.get('WWW-Authenticate')).toContain('Bearer');
        expect(await answer.json()).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: '401' });
      }
    // Told once each, and not once for each of the calls.
    const refused = (await eventsOf(tenant)).filter(({ action }) => action === 'idp.token.use');
    expect(refused.map(({ reason, outcome }) => [reason, outcome]).sort()).toEqual([
      ['expired', 'denied'],
      ['revoked', 'denied'],
    ]);
    expect((await client.get(`/Users/${userId}`)).status).toBe(200);
  });

  test('its token opens nothing but SCIM', async () => {
    expect((await call('GET', '/users', { headers: { Authorization: `Bearer ${directory.secret}` } })).status).toBe(401);
  });

  test('another organisation’s directory, and another directory of the same one, see and change nothing of it', async () => {
    const others = [scim(await addDirectory(await mintTenant())), scim(await addDirectory(tenant))];
    for (const other of others) {
      for (const path of [`/Users/${userId}`, `/Groups/${groupId}`]) {
        expect((await other.get(path)).status).toBe(404);
        expect((await other.patch(path, { op: 'replace', value: { displayName: 'Taken' } })).status).toBe(404);
        expect((await other.put(path, path.startsWith('/Users') ? userBody(unique()) : groupBody(unique()))).status).toBe(404);
        expect((await other.delete(path)).status).toBe(404);
      }
      expect((await other.get('/Users')).body.totalResults).toBe(0);
      expect((await other.get('/Groups')).body.totalResults).toBe(0);
      expect((await other.get(filtered('/Users', `id eq "${userId}"`))).body.totalResults).toBe(0);
      expect((await other.post('/Groups', groupBody(unique(), [userId]))).status).toBe(400);
    }
    expect((await client.get(`/Groups/${groupId}`)).body.members).toHaveLength(1);
  });
});

describe('tokens', () => {
  test('are shown once, two at most work, and one that is revoked opens nothing from then on', async () => {
    const { id } = await addDirectory(tenant);
    const path = `/identity-providers/${id}/scim-tokens`;
    const { secret, id: tokenId } = read(await api(tenant.owner).post(path, { expiresInDays: 30 }), scimTokenCreated);
    expect(secret).toMatch(/^ghp_/);
    expect((await scim({ secret }).get('/Users')).status).toBe(200);
    expect(problem(await api(tenant.owner).post(path, {})).code).toBe('quota-exceeded');
    expect((await api(tenant.owner).delete(`${path}/${tokenId}`)).status).toBe(204);
    expect((await scim({ secret }).get('/Users')).status).toBe(401);
    expect(problem(await api(tenant.owner).delete(`${path}/${tokenId}`)).code).toBe('conflict');
    const listed = await api(tenant.owner).get(path);
    expect(read(listed, scimTokenList)).toMatchObject({
      baseUrl: `${ORIGIN}/scim/v2`,
      items: [{ id: tokenId, state: 'revoked' }, { state: 'active' }],
    });
    expect(JSON.stringify(listed.body)).not.toContain(secret);
  });
});

describe('what is not understood', () => {
  test.each([
    ['no JSON', () => client.post('/Users', '{'), 400, 'invalidSyntax'],
    [
      'another kind of content',
      () => client.post('/Users', 'a=b', { 'Content-Type': 'application/x-www-form-urlencoded' }),
      415,
      undefined,
    ],
    ['too large', () => client.post('/Users', `"${'a'.repeat(4 * 1024 * 1024)}"`), 413, undefined],
    ['nested too deep', () => client.post('/Users', `${'['.repeat(30)}${']'.repeat(30)}`), 400, 'invalidSyntax'],
    ['a list', () => client.post('/Users', '[]'), 400, 'invalidSyntax'],
    ['no operations', () => client.raw(`/Users/${userId}`, {}), 400, 'invalidSyntax'],
    ['an unknown operation', () => client.patch(`/Users/${userId}`, { op: 'move' }), 400, 'invalidSyntax'],
    ['an unknown attribute', () => client.patch(`/Users/${userId}`, { op: 'add', path: 'shoeSize', value: 1 }), 400, 'invalidPath'],
    ['what only Gatehouse sets', () => client.patch(`/Users/${userId}`, { op: 'replace', path: 'id', value: 'x' }), 400, 'mutability'],
    ['remove of nothing', () => client.patch(`/Users/${userId}`, { op: 'remove' }), 400, 'noTarget'],
    ['no boolean', () => client.patch(`/Users/${userId}`, { op: 'replace', path: 'active', value: 'maybe' }), 400, 'invalidValue'],
    ['a faulty filter', () => client.get(filtered('/Users', 'userName eq')), 400, 'invalidFilter'],
    ['a deep filter', () => client.get(filtered('/Users', `${'('.repeat(200)}title pr${')'.repeat(200)}`)), 400, 'invalidFilter'],
    ['a long filter', () => client.get(filtered('/Users', Array(100).fill('title pr').join(' or '))), 400, 'invalidFilter'],
    ['an order of nothing', () => client.get('/Users?sortBy=shoeSize'), 400, 'invalidPath'],
    ['bulk', () => client.post('/Bulk', {}), 501, undefined],
    ['oneself', () => client.get('/Me'), 501, undefined],
    ['another verb', () => client.put('/Users', {}), 405, undefined],
    ['a filter over schemas', () => client.get(filtered('/Schemas', 'name eq "User"')), 403, undefined],
  ] as const)('%s is told in SCIM’s own form', async (_what, ask, status, scimType) => {
    const answer = await ask();
    expect(answer).toMatchObject({ status, body: { schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], status: String(status) } });
    expect(answer.body.scimType).toBe(scimType);
  });

  test('the widest filter that is allowed runs', async () => {
    const wide = Array(40).fill('emails[type eq "work"]').join(' and ');
    expect((await client.get(filtered('/Users', wide))).body.totalResults).toBe(1);
    const deep = `${'not ('.repeat(8)}userName pr${')'.repeat(8)}`;
    expect((await client.get(filtered('/Users', deep))).body.totalResults).toBe(1);
  });

  test('a fault stands in the log of the directory, without what is secret', async () => {
    await client.raw(`/Users/${userId}`, { Operations: [{ op: 'add', path: 'shoeSize', value: 1 }], password: 'hunter2' });
    await expect
      .poll(async () => (await api(tenant.owner).get(`/identity-providers/${directory.id}/provisioning?outcome=failed&q=shoeSize`)).body)
      .toMatchObject({
        items: expect.arrayContaining([
          expect.objectContaining({
            method: 'PATCH',
            status: 400,
            error: { scimType: 'invalidPath', detail: 'There is no attribute shoeSize' },
          }),
        ]),
      });
    const log = await api(tenant.owner).get(`/identity-providers/${directory.id}/provisioning?limit=100`);
    expect(JSON.stringify(log.body)).not.toContain('hunter2');
    expect((await api(tenant.owner).get(`/identity-providers/${directory.id}`)).body).toMatchObject({
      provisioning: { error: { message: expect.any(String) } },
    });
  });
});
