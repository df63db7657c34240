import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { describe, expect, inject, test } from 'vitest';
import { ssoFinished } from '@gatehouse/core/api/sso.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { connect, finishOf, mintClient, start, TestBrowser } from '../../support/oidc/sign-in.ts';
import { addUser, api, eventsOf, mintTenant, problem, read, unique, type Tenant } from '../../support/tenants.ts';

const ours = await generateKeyPair('RS256', { extractable: true });
const theirs = await generateKeyPair('RS256', { extractable: true });
const jwk = { ...(await exportJWK(ours.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
const now = () => Math.floor(Date.now() / 1000);
const anybody = { rule: 'anybody' } as const;

/** A provider that answers what the test says, connected to the tenant. */
async function hostile(
  tenant: Tenant,
  { preset = 'other', config = {}, described = {} }: { preset?: string; config?: object; described?: object } = {},
) {
  const name = unique();
  const issuer = `${inject('hostileUrl')}/${name}`;
  const control = async (answers: Record<string, unknown>) =>
    void (await fetch(`${inject('hostileUrl')}/control/${name}`, { method: 'PUT', body: JSON.stringify(answers) }));
  const server = {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
    jwks_uri: `${issuer}/jwks`,
    ...described,
  };
  await control({ '/.well-known/openid-configuration': server, '/jwks': { keys: [jwk] } });
  const { id } = await connect(tenant, { issuer, clientId: 'gatehouse', secret: 'hush', admission: anybody, ...config }, preset);
  const claims = (url: string): JWTPayload => ({
    ...{ iss: issuer, aud: 'gatehouse', sub: `sub-${unique()}`, iat: now(), exp: now() + 300 },
    ...{ nonce: new URL(url).searchParams.get('nonce'), email: `${unique()}@people.test`, name: 'Mallory' },
  });
  const answer = (idToken: string) => control({ '/token': { access_token: 'x', token_type: 'Bearer', id_token: idToken } });
  const finish = (browser: TestBrowser, url: string, other: Record<string, string> = {}) =>
    browser.ask('/login/sso', { state: new URL(url).searchParams.get('state'), code: 'code', ...other });
  return { id, issuer, control, claims, answer, finish };
}
const signed = (claims: JWTPayload, key: CryptoKey | Uint8Array = ours.privateKey, alg = 'RS256') =>
  new SignJWT(claims).setProtectedHeader({ alg, kid: 'k' }).sign(key);
const part = (value: unknown) => btoa(JSON.stringify(value)).replaceAll('=', '').replaceAll('+', '-').replaceAll('/', '_');

describe('a token', () => {
  test('that is good lets in: what follows is refused for what it says alone', async () => {
    const tenant = await mintTenant();
    const there = await hostile(tenant);
    const browser = new TestBrowser();
    const url = await start(browser, tenant, there.id);
    await there.answer(await signed(there.claims(url)));
    expect(read(await there.finish(browser, url), ssoFinished).purpose).toBe('sign-in');
  });

  test.each<[string, (claims: JWTPayload) => Promise<string> | string]>([
    ['for another client', (claims) => signed({ ...claims, aud: 'another' })],
    ['for several clients, made for another', (claims) => signed({ ...claims, aud: ['gatehouse', 'another'], azp: 'another' })],
    ['of another issuer', (claims) => signed({ ...claims, iss: 'https://else.example' })],
    ['of another key', (claims) => signed(claims, theirs.privateKey)],
    ['without a signature', (claims) => `${part({ alg: 'none' })}.${part(claims)}.`],
    ['signed by the public key as if it were a secret', (claims) => signed(claims, new TextEncoder().encode(JSON.stringify(jwk)), 'HS256')],
    ['signed by the client secret', (claims) => signed(claims, new TextEncoder().encode('hush'), 'HS256')],
    ['of another sign-in', (claims) => signed({ ...claims, nonce: 'of-another-sign-in' })],
    ['without a nonce', (claims) => signed({ ...claims, nonce: undefined })],
    ['that has expired', (claims) => signed({ ...claims, exp: now() - 60 })],
    ['of nobody', (claims) => signed({ ...claims, sub: undefined as never })],
  ])('%s is refused, and the log says why', async (_name, forge) => {
    const tenant = await mintTenant();
    const there = await hostile(tenant, { described: { id_token_signing_alg_values_supported: ['none', 'HS256', 'RS256'] } });
    const browser = new TestBrowser();
    const url = await start(browser, tenant, there.id);
    await there.answer(await forge(there.claims(url)));
    const answer = await there.finish(browser, url);
    expect(problem(answer)).toMatchObject({ status: 401, code: 'sso-failed' });
    expect(browser.ours.has('__Host-gatehouse')).toBe(false);
    expect(await eventsOf(tenant)).toContainEqual(
      expect.objectContaining({ action: 'user.sign_in', outcome: 'failure', reason: expect.stringMatching(/./) }),
    );
    // A second try with the same state finds nothing.
    await there.answer(await signed(there.claims(url)));
    expect(problem(await there.finish(browser, url))).toMatchObject({ code: 'sso-failed' });
  });

  test('of one provider opens nothing at another of the organisation', async () => {
    const tenant = await mintTenant();
    const [one, two] = [await hostile(tenant), await hostile(tenant)];
    const browser = new TestBrowser();
    const url = await start(browser, tenant, one.id);
    await one.answer(await signed({ ...two.claims(url), nonce: new URL(url).searchParams.get('nonce') }));
    expect(problem(await one.finish(browser, url))).toMatchObject({ code: 'sso-failed' });
  });
});

describe('an answer', () => {
  test('of another provider is told apart (mix-up, RFC 9207)', async () => {
    const tenant = await mintTenant();
    const there = await hostile(tenant, { described: { authorization_response_iss_parameter_supported: true } });
    for (const other of [{ iss: 'https://honest.example' }, {}]) {
      const browser = new TestBrowser();
      const url = await start(browser, tenant, there.id);
      await there.answer(await signed(there.claims(url)));
      expect(problem(await there.finish(browser, url, other as Record<string, string>))).toMatchObject({ code: 'sso-failed' });
    }
    const browser = new TestBrowser();
    const url = await start(browser, tenant, there.id);
    await there.answer(await signed(there.claims(url)));
    expect((await there.finish(browser, url, { iss: there.issuer })).status).toBe(200);
  });

  test('in another browser opens nothing there, and is still good in its own', async () => {
    const tenant = await mintTenant();
    const client = await mintClient({ email: `${unique()}@people.test` });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    const [victim, attacker] = [new TestBrowser(), new TestBrowser()];
    await start(victim, tenant, id);
    const back = finishOf(await attacker.visit(await start(attacker, tenant, id)));
    expect(problem(await victim.ask('/login/sso', back))).toMatchObject({ code: 'sso-failed' });
    expect(problem(await new TestBrowser().ask('/login/sso', back))).toMatchObject({ code: 'sso-failed' });
    expect((await attacker.ask('/login/sso', back)).status).toBe(200);
    expect(problem(await attacker.ask('/login/sso', back))).toMatchObject({ code: 'sso-failed' });
  });

  test('with a code of another sign-in is refused by its verifier', async () => {
    const tenant = await mintTenant();
    const client = await mintClient({ email: `${unique()}@people.test` });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    const [victim, attacker] = [new TestBrowser(), new TestBrowser()];
    const theirBack = finishOf(await victim.visit(await start(victim, tenant, id)));
    const own = finishOf(await attacker.visit(await start(attacker, tenant, id)));
    expect(problem(await attacker.ask('/login/sso', { ...own, code: theirBack['code'] }))).toMatchObject({ code: 'sso-failed' });
  });

  test('for one organisation opens nothing in another', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const client = await mintClient({ email: `${unique()}@people.test` });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    await connect(other, { ...client.config, admission: anybody });
    const browser = new TestBrowser();
    const back = finishOf(await browser.visit(await start(browser, tenant, id)));
    const moved = { ...back, state: String(back['state']).replace(tenant.id, other.id) };
    expect(problem(await browser.ask('/login/sso', moved))).toMatchObject({ code: 'sso-failed' });
    const entered = read(await browser.ask('/login/sso', back), ssoFinished);
    expect(entered).toMatchObject({ purpose: 'sign-in', me: { tenant: { id: tenant.id } } });
  });

  test('leads nowhere but within Gatehouse', async () => {
    const tenant = await mintTenant();
    const client = await mintClient({ email: `${unique()}@people.test` });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    for (const returnTo of ['https://evil.example/', '//evil.example', '/\\evil.example', '/.//evil.example']) {
      const browser = new TestBrowser();
      const back = finishOf(await browser.visit(await start(browser, tenant, id, returnTo)));
      expect(read(await browser.ask('/login/sso', back), ssoFinished)).toMatchObject({ returnTo: '/' });
    }
  });
});

describe('an account', () => {
  test('of another provider does not take over who has the address', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['owner']);
    const trusted = await mintClient({ email: person.email });
    const { id } = await connect(tenant, trusted.config);
    await tenant.db.batch([
      statement(
        'INSERT INTO mail_domains (tenant_id, domain, challenge, verified_at, provider_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        ...[tenant.id, `${tenant.slug}.test`, 'x', '2026-01-01T00:00:00Z', id, '2026-01-01T00:00:00Z'],
      ),
    ]);
    const there = await hostile(tenant);
    for (const email of [person.email, person.email.toUpperCase(), `new-one@${tenant.slug}.test`]) {
      const browser = new TestBrowser();
      const url = await start(browser, tenant, there.id);
      await there.answer(await signed({ ...there.claims(url), email, email_verified: true }));
      expect(problem(await there.finish(browser, url))).toMatchObject({ status: 403, code: 'sso-refused' });
    }
  });

  test('does not inherit a person because the provider gave their address to somebody else', async () => {
    const tenant = await mintTenant();
    const email = `${unique()}@people.test`;
    const client = await mintClient({ email });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    await tenant.db.batch([
      statement(
        'INSERT INTO mail_domains (tenant_id, domain, challenge, verified_at, provider_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
        ...[tenant.id, 'people.test', 'x', '2026-01-01T00:00:00Z', id, '2026-01-01T00:00:00Z'],
      ),
    ]);
    const enter = async () => {
      const browser = new TestBrowser();
      return browser.ask('/login/sso', finishOf(await browser.visit(await start(browser, tenant, id))));
    };
    expect((await enter()).status).toBe(200);
    await client.somebody({ sub: `sub-${unique()}`, email });
    expect(problem(await enter())).toMatchObject({ code: 'sso-refused', detail: expect.stringContaining('another account') });
  });

  test('whose groups the provider left out keeps those it has, and the provider’s page says so', async () => {
    const tenant = await mintTenant();
    const there = await hostile(tenant, { preset: 'entra', config: { claims: { groups: 'groups' } } });
    const sub = unique();
    const email = `${unique()}@people.test`;
    const enter = async (claims: object) => {
      const browser = new TestBrowser();
      const url = await start(browser, tenant, there.id);
      await there.answer(await signed({ ...there.claims(url), sub, email, ...claims }));
      expect((await there.finish(browser, url)).status).toBe(200);
    };
    const groups = () =>
      tenant.db.rows(
        'SELECT m.group_id FROM group_members m JOIN identities i ON i.tenant_id = ?1 AND i.user_id = m.member_id WHERE m.tenant_id = ?1 AND i.subject = ?2',
        tenant.id,
        sub,
      );
    await enter({ groups: ['a', 'b'] });
    expect(await groups()).toHaveLength(2);
    await enter({ _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://graph.example' } } });
    expect(await groups()).toHaveLength(2);
    const { body } = await api(tenant.owner).get(`/identity-providers/${there.id}/oidc`);
    expect(body).toMatchObject({ warning: { message: expect.stringContaining('too many') } });
    await enter({});
    expect(await groups()).toHaveLength(0);
  });
});

describe('a provider', () => {
  test('that describes itself as another is refused', async () => {
    const tenant = await mintTenant();
    const there = await hostile(tenant);
    await there.control({ '/.well-known/openid-configuration': { issuer: 'https://honest.example', authorization_endpoint: 'x' } });
    const { body } = await api(tenant.owner).post(`/identity-providers/${there.id}/oidc/discover`);
    expect(body).toMatchObject({ discovered: null, checks: [{ name: 'Discovery', result: 'bad' }] });
  });

  test('that leads into somebody’s network, or answers without end, is not followed', async () => {
    const tenant = await mintTenant();
    const there = await hostile(tenant);
    for (const answer of [
      { raw: { status: 302, headers: { Location: 'http://169.254.169.254/' }, text: '' } },
      { raw: { text: 'x'.repeat(600 * 1024) } },
    ]) {
      await there.control({ '/.well-known/openid-configuration': answer });
      const { body } = await api(tenant.owner).post(`/identity-providers/${there.id}/oidc/discover`);
      expect(body).toMatchObject({ discovered: null });
    }
    for (const issuer of [
      'http://169.254.169.254',
      'https://10.0.0.1',
      'https://gatehouse.test',
      'http://idp.example',
      'https://user:pw@idp.example',
    ]) {
      const made = await api(tenant.owner).post('/identity-providers', { name: unique(), preset: 'other' });
      const set = { issuer, clientId: 'x', authentication: 'secret', secret: 'hush' };
      const answer = await api(tenant.owner).put(`/identity-providers/${(made.body as { id: string }).id}/oidc`, set, {
        'If-Match': '"1"',
      });
      expect(problem(answer)).toMatchObject({ status: 422, errors: [{ path: 'issuer' }] });
    }
  });

  test('with new keys is believed, and is asked for them once in a while only', async () => {
    const tenant = await mintTenant();
    const there = await hostile(tenant);
    const next = { ...(await exportJWK(theirs.publicKey)), kid: 'next', alg: 'RS256', use: 'sig' };
    const enter = async () => {
      const browser = new TestBrowser();
      const url = await start(browser, tenant, there.id);
      await there.answer(await new SignJWT(there.claims(url)).setProtectedHeader({ alg: 'RS256', kid: 'next' }).sign(theirs.privateKey));
      return (await there.finish(browser, url)).status;
    };
    await there.control({ '/jwks': { keys: [jwk, next] } });
    // The copy is of this moment: a key that nobody knows is not asked for with each request.
    expect(await enter()).toBe(401);
    await tenant.db.batch([
      statement(
        "UPDATE identity_providers SET oidc_metadata = json_set(oidc_metadata, '$.keysAt', '2026-01-01T00:00:00.000Z') WHERE tenant_id = ? AND id = ?",
        ...[tenant.id, there.id],
      ),
    ]);
    expect(await enter()).toBe(200);
  });

  test('gets the secret only where it was set up for: another issuer needs it anew', async () => {
    const tenant = await mintTenant();
    const there = await hostile(tenant);
    const path = `/identity-providers/${there.id}/oidc`;
    const before = await api(tenant.owner).get(path);
    expect(JSON.stringify(before.body)).not.toContain('hush');
    const etag = { 'If-Match': before.headers.get('ETag') ?? '' };
    const moved = { issuer: `${inject('hostileUrl')}/elsewhere`, clientId: 'gatehouse', authentication: 'secret' };
    expect(problem(await api(tenant.owner).put(path, moved, etag))).toMatchObject({ status: 422, errors: [{ path: 'secret' }] });
    const stored = await tenant.db.first<{ oidc_secret: string }>(
      'SELECT oidc_secret FROM identity_providers WHERE tenant_id = ? AND id = ?',
      tenant.id,
      there.id,
    );
    expect(stored?.oidc_secret).not.toContain('hush');
  });
});
