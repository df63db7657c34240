import { describe, expect, test } from 'vitest';
import { domain as domainShape, domainChecked, realm, requirement, ssoFinished, ssoStarted } from '@gatehouse/core/api/sso.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { KNOWN_CHALLENGE, enteredBySso, makeDomain } from '../../support/route-calls/sso.ts';
import { connect, finishOf, mintClient, TestBrowser } from '../../support/oidc/sign-in.ts';
import { addApp, logIn } from '../../support/factors.ts';
import { addToken, addUser, api, call, eventsOf, mintTenant, problem, read, unique, type Tenant } from '../../support/tenants.ts';

describe('confirming at the provider that it is you', () => {
  const confirm = async (browser: TestBrowser) => {
    const { url } = read(await browser.ask('/me/step-up/sso', { returnTo: '/policy' }), ssoStarted);
    return { url, answer: await browser.ask('/login/sso', finishOf(await browser.visit(url))) };
  };

  test('asks it anew, and as strongly as is wanted; the session goes on under a new secret', async () => {
    const tenant = await mintTenant();
    const acr = 'urn:gatehouse:two-factors';
    const { browser, there, sub, person, sessionId } = await enteredBySso(tenant, {}, { stepUpAcr: [acr] });
    const before = browser.ours.get('__Host-gatehouse');
    await tenant.db.batch([
      statement("UPDATE sessions SET authenticated_at = '2026-01-01T00:00:00.000Z' WHERE tenant_id = ? AND id = ?", tenant.id, sessionId),
    ]);
    const weak = await confirm(browser);
    expect([...new URL(weak.url).searchParams]).toEqual(
      expect.arrayContaining([
        ['prompt', 'login'],
        ['max_age', '0'],
        ['acr_values', acr],
      ]),
    );
    expect(problem(weak.answer)).toMatchObject({ status: 401, code: 'sso-failed', detail: expect.stringContaining('strongly') });
    await there.somebody({ sub, email: person.email }, acr);
    const strong = await confirm(browser);
    expect(read(strong.answer, ssoFinished)).toMatchObject({ purpose: 'step-up', returnTo: '/policy' });
    expect(browser.ours.get('__Host-gatehouse')).not.toBe(before);
    expect((await api(browser).get('/me')).status).toBe(200);
  });

  test('with another account is refused', async () => {
    const tenant = await mintTenant();
    const { browser, there, person } = await enteredBySso(tenant);
    browser.theirs.clear();
    await there.somebody({ sub: `sub-${unique()}`, email: person.email });
    expect(problem((await confirm(browser)).answer)).toMatchObject({
      code: 'sso-failed',
      detail: expect.stringContaining('another account'),
    });
  });

  test('is not there for who came in otherwise', async () => {
    const tenant = await mintTenant();
    expect(problem(await api(tenant.owner).post('/me/step-up/sso', {}))).toMatchObject({ code: 'not-ready' });
  });
});

test('a test shows the claims and what they would do, and changes nothing', async () => {
  const tenant = await mintTenant();
  const email = `${unique()}@people.test`;
  const client = await mintClient({ email, roles: ['ops'] });
  const claims = { roles: 'roles', groups: 'groups' };
  const config = { scopes: ['openid', 'profile', 'email', 'groups'], claims, roles: [{ value: 'ops', role: 'auditor' }] };
  const { id } = await connect(tenant, { ...client.config, ...config, admission: { rule: 'anybody' } });
  const browser = new TestBrowser();
  browser.ours.set('__Host-gatehouse', tenant.owner.cookie.split('=')[1] ?? '');
  const { url } = read(await browser.ask(`/identity-providers/${id}/oidc/test`, undefined), ssoStarted);
  const finished = read(await browser.ask('/login/sso', finishOf(await browser.visit(url))), ssoFinished);
  expect(finished).toMatchObject({ purpose: 'test', report: { outcome: 'create', email, roles: ['auditor'], groups: [], warnings: [] } });
  expect(finished.purpose === 'test' ? finished.report.claims : '').toContain(client.sub);
  expect(await tenant.db.rows('SELECT 1 FROM users WHERE tenant_id = ? AND email = ?', tenant.id, email)).toEqual([]);
  expect((await api(browser).get('/me')).body).toMatchObject({ user: { id: tenant.owner.id } });
});

test('a session ends with the provider’s token where that is wanted', async () => {
  const tenant = await mintTenant();
  const { browser } = await enteredBySso(tenant, {}, { followsToken: true });
  const { session } = (await api(browser).get('/me')).body as { session: { expiresAt: string } };
  expect(Date.parse(session.expiresAt) - Date.now()).toBeLessThan(11 * 60_000);
});

describe('mail domains', () => {
  const ask = async (body: object) => read(await call('POST', '/login/realm', { body }), realm);

  test('one that its DNS proves leads its people to their provider, and says nothing of people', async () => {
    const tenant = await mintTenant();
    const client = await mintClient();
    const { id } = await connect(tenant, client.config);
    await makeDomain(tenant, 'provable.example');
    await api(tenant.owner).patch('/identity-providers/domains/provable.example', { provider: id });
    expect(await ask({ email: 'anybody@provable.example' })).toEqual({ tenant: null, first: null, required: false, providers: [] });
    const checked = read(await api(tenant.owner).post('/identity-providers/domains/provable.example/verify'), domainChecked);
    expect(checked).toMatchObject({ domain: { verifiedAt: expect.any(String) }, found: [`gatehouse-verification=${KNOWN_CHALLENGE}`] });
    expect(await ask({ email: 'Anybody@Provable.EXAMPLE' })).toMatchObject({ tenant: tenant.slug, first: id });
    expect(await ask({ tenant: tenant.slug, email: `${tenant.owner.email}` })).toMatchObject({
      tenant: null,
      first: null,
      providers: [{ id }],
    });
    expect(await ask({ tenant: `t-${unique()}` })).toEqual({ tenant: null, first: null, required: false, providers: [] });

    const other = await mintTenant();
    await makeDomain(other, 'provable.example');
    expect(problem(await api(other.owner).post('/identity-providers/domains/provable.example/verify'))).toMatchObject({ status: 409 });
    await api(tenant.owner).delete('/identity-providers/domains/provable.example');
    expect(await ask({ email: 'anybody@provable.example' })).toMatchObject({ tenant: null });
  });

  test('one is claimed once, says by which record it is proved, and may be assigned to one’s own providers only', async () => {
    const tenant = await mintTenant();
    const claim = (body: object) => api(tenant.owner).post('/identity-providers/domains', body);
    const name = `${unique()}.example`;
    expect(read(await claim({ domain: name.toUpperCase() }), domainShape)).toMatchObject({
      domain: name,
      record: { name: `_gatehouse.${name}` },
      verifiedAt: null,
    });
    expect(problem(await claim({ domain: name }))).toMatchObject({ status: 409 });
    expect(problem(await claim({ domain: 'localhost' }))).toMatchObject({ status: 422 });
    expect(problem(await claim({ domain: `${unique()}.example`, provider: 'idp_01m856tm29e6frrs5mmr9m5rhs' }))).toMatchObject({
      status: 422,
    });
  });
});

describe('single sign-on is required', () => {
  const require = (tenant: Tenant, body: object) => api(tenant.owner).post('/identity-providers/requirement', body);

  test('needs a provider that is on, and an owner with a second factor who comes in without', async () => {
    const tenant = await mintTenant();
    const people = [tenant.owner.id];
    expect(problem(await require(tenant, { required: true, people }))).toMatchObject({ code: 'not-ready' });
    await connect(tenant, (await mintClient()).config);
    expect(problem(await require(tenant, { required: true, people }))).toMatchObject({ status: 422, errors: [{ path: 'people' }] });
    const other = await addUser(await mintTenant());
    expect(problem(await require(tenant, { required: false, people: [other.id] }))).toMatchObject({ status: 422 });
    await addApp(tenant.owner);
    expect(read(await require(tenant, { required: true, people }), requirement)).toMatchObject({
      required: true,
      people: [{ owner: true, secondFactor: true }],
    });
  });

  test('keeps passwords, invitations and resets out; tokens, and who may break the glass, come in', async () => {
    const tenant = await mintTenant();
    await connect(tenant, (await mintClient()).config);
    const person = await addUser(tenant, ['auditor']);
    const glass = await addUser(tenant);
    await addApp(tenant.owner);
    const token = await addToken(tenant, person);
    await require(tenant, { required: true, people: [tenant.owner.id, glass.id] });
    expect(problem(await logIn(tenant, person))).toMatchObject({ status: 403, code: 'sso-required' });
    expect(
      problem(await call('POST', '/login', { body: { tenant: tenant.slug, email: person.email, password: 'not it at all' } })),
    ).toMatchObject({ code: 'sign-in-failed' });
    expect((await call('GET', '/token', { headers: token.headers })).status).toBe(200);
    expect((await logIn(tenant, glass)).status).toBe(200);
    const told = (await eventsOf(tenant)).filter(({ action }) => action === 'user.sign_in');
    expect(told).toContainEqual(expect.objectContaining({ outcome: 'denied', reason: 'The organisation requires single sign-on' }));
    expect(told).toContainEqual(expect.objectContaining({ outcome: 'success', details: expect.objectContaining({ breakGlass: true }) }));
    const { required, providers } = read(await call('POST', '/login/realm', { body: { tenant: tenant.slug } }), realm);
    expect([required, providers.length]).toEqual([true, 1]);
  });
});
