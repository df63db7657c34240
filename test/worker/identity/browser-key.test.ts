import { SignJWT } from 'jose';
import { describe, expect, test, vi } from 'vitest';
import { assertionOptions, secondFactor } from '@gatehouse/core/api/factors.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { sweepSessions } from '../../../worker/identity/sweep.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { BROWSER_KEY, BROWSER_THUMBPRINT, otherBrowser, proofHeader, testBrowser } from '../../support/browser-key.ts';
import { addApp, addPasskey, codeOf } from '../../support/factors.ts';
import { attachTo, makeRunning, makeSite } from '../../support/site.ts';
import {
  addSession,
  addUser,
  api,
  call,
  cookieOf,
  eventOfAnswer,
  eventsOf,
  fragmentOf,
  mintTenant,
  ORIGIN,
  problem,
  read,
  services,
  unique,
  type Tenant,
} from '../../support/tenants.ts';

// Sign-ins hash, one after another.
vi.setConfig({ testTimeout: 20_000 });

const keyOf = async (tenant: Tenant, userId: string): Promise<Array<string | null>> => {
  const rows = await tenant.db.rows<{ key_thumbprint: string | null }>(
    'SELECT key_thumbprint FROM sessions WHERE tenant_id = ? AND user_id = ? ORDER BY id',
    tenant.id,
    userId,
  );
  return rows.map(({ key_thumbprint: key }) => key);
};
const signIn = async (tenant: Tenant, headers: Record<string, string>) =>
  call('POST', '/login', { body: { tenant: tenant.slug, email: tenant.owner.email, password: tenant.owner.password }, headers });

describe('a session and the key of its browser (RFC 9449)', () => {
  test('sign-in with a proof binds the new session to that key', async () => {
    const tenant = await mintTenant();
    const answer = await signIn(tenant, await proofHeader('POST', '/login'));
    expect(read(answer, me).session.hasKey).toBe(true);
    expect((await keyOf(tenant, tenant.owner.id)).at(-1)).toBe(BROWSER_THUMBPRINT);
  });

  test('so do sign-up and accepting an invitation', async () => {
    const slug = `s-${unique()}`;
    const body = { tenant: { name: 'New', slug }, user: { name: 'Olga', email: `o@${slug}.test`, password: 'correct horse battery' } };
    const founded = await call('POST', '/signup', {
      body,
      headers: { 'CF-Connecting-IP': '192.0.2.77', ...(await proofHeader('POST', '/signup')) },
    });
    expect(read(founded, me).session.hasKey).toBe(true);
    const tenant = await mintTenant();
    const invited = await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` });
    const accepted = await call('POST', '/invitations/accept', {
      body: { token: fragmentOf(JSON.stringify(invited.body).replace(/"/g, ' ')), name: 'Nina', password: 'correct horse battery' },
      headers: await proofHeader('POST', '/invitations/accept'),
    });
    expect(read(accepted, me).session.hasKey).toBe(true);
  });

  test('so do the second step, by app or recovery code, and a passkey', async () => {
    const tenant = await mintTenant();
    const { secret, recoveryCodes } = await addApp(tenant.owner);
    const { authenticator } = await addPasskey(tenant.owner);
    const challenge = async () => read(await signIn(tenant, {}), secondFactor).challenge;
    const proved = async (path: string, body: unknown) =>
      read(await call('POST', path, { body, headers: await proofHeader('POST', path) }), me).session;
    const byApp = await proved('/login/totp', { challenge: await challenge(), code: codeOf(secret) });
    const byCode = await proved('/login/recovery-code', { challenge: await challenge(), code: recoveryCodes[0] });
    const options = read(await call('POST', '/login/passkey/options'), assertionOptions);
    const byPasskey = await proved('/login/passkey', { credential: await authenticator.sign(options) });
    expect([byApp, byCode, byPasskey].map(({ hasKey, method }) => [method, hasKey])).toEqual([
      ['password+totp', true],
      ['password+recovery-code', true],
      ['passkey', true],
    ]);
  });

  test('a confirmation renews the session’s secret and keeps its key', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await api(site.dev).post('/me/step-up/password', { password: site.dev.password });
    const renewed = { cookie: cookieOf(answer) };
    expect(read(await api(renewed).get('/me'), me).session).toMatchObject({ id: site.dev.sessionId, hasKey: true });
    expect((await attachTo(renewed, id)).status).toBe(200);
    expect(problem(await attachTo(renewed, id, { key: await otherBrowser() })).code).toBe('browser-only');
  });

  test('sign-in without one makes a session without a key, which may bind one, once', async () => {
    const tenant = await mintTenant();
    const answer = await signIn(tenant, {});
    expect(read(answer, me).session.hasKey).toBe(false);
    const cookie = cookieOf(answer);
    const path = '/me/session/key';
    const bound = await call('POST', path, { cookie, headers: await proofHeader('POST', path) });
    expect(bound.status).toBe(204);
    expect(await eventOfAnswer(tenant, bound)).toMatchObject({
      action: 'session.bind_key',
      details: { keyThumbprint: BROWSER_THUMBPRINT },
    });
    expect(read(await call('GET', '/me', { cookie }), me).session.hasKey).toBe(true);
    const again = await call('POST', path, { cookie, headers: await proofHeader('POST', path, { key: await otherBrowser() }) });
    expect(problem(again).code).toBe('browser-only');
    expect(await eventOfAnswer(tenant, again)).toMatchObject({ action: 'session.bind_key', outcome: 'denied' });
  });

  test('only within five minutes of its start', async () => {
    const tenant = await mintTenant();
    const path = '/me/session/key';
    const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
    const young = await addSession(tenant, tenant.owner.id, minutesAgo(4.9), null);
    const old = await addSession(tenant, tenant.owner.id, minutesAgo(5.1), null);
    const statuses = [];
    for (const { cookie } of [young, old])
      statuses.push((await call('POST', path, { cookie, headers: await proofHeader('POST', path) })).status);
    expect(statuses).toEqual([204, 403]);
  });
});

describe('a proof', () => {
  const path = '/login';
  const signed = async (claims: Record<string, unknown>, header: Record<string, unknown> = {}): Promise<Record<string, string>> => ({
    DPoP: await new SignJWT({
      htm: 'POST',
      htu: `${ORIGIN}/api/v1${path}`,
      jti: crypto.randomUUID(),
      iat: Math.floor(Date.now() / 1000),
      ...claims,
    })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: { ...BROWSER_KEY }, ...header })
      .sign((await testBrowser()).privateKey),
  });
  const seconds = Math.floor(Date.now() / 1000);

  test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    ['for another method', { htm: 'GET' }, {}],
    ['for another address', { htu: `${ORIGIN}/api/v1/signup` }, {}],
    ['for another origin', { htu: `https://evil.test/api/v1${path}` }, {}],
    ['older than a minute', { iat: seconds - 90 }, {}],
    ['of the future', { iat: seconds + 90 }, {}],
    ['without its own id', { jti: 'short' }, {}],
    ['of another type', {}, { typ: 'JWT' }],
    ['by a key that it does not name', {}, { jwk: { ...BROWSER_KEY, x: BROWSER_KEY.y } }],
  ])('%s is refused, and named', async (_name, claims, header) => {
    const tenant = await mintTenant();
    const answer = await signIn(tenant, await signed(claims, header));
    expect([answer.status, problem(answer).errors?.[0]?.path]).toEqual([422, 'DPoP']);
  });

  test('works once: a second time it begins no session, and that is an event', async () => {
    const tenant = await mintTenant();
    const proof = await signed({});
    expect((await signIn(tenant, proof)).status).toBe(200);
    const again = await signIn(tenant, proof);
    expect(problem(again).errors).toEqual([{ path: 'DPoP', message: 'it was used before' }]);
    expect(await eventOfAnswer(tenant, again)).toMatchObject({ action: 'session.bind_key', outcome: 'denied' });
  });

  test('is worth nothing to a script that only has the text of the header', async () => {
    const tenant = await mintTenant();
    for (const text of ['', 'x', 'a.b.c', 'x'.repeat(4000)]) expect((await signIn(tenant, { DPoP: text })).status).not.toBe(500);
  });
});

describe('browser-only', () => {
  const refusedWith = async (how: Parameters<typeof attachTo>[2], cookie?: string) => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await attachTo(cookie === undefined ? site.dev : { cookie }, id, how ?? {});
    return { site, id, answer };
  };

  test('lets in the browser that the session began in', async () => {
    const { answer } = await refusedWith({});
    expect(read(answer, attachment).policy.browserOnly).toBe('on');
  });

  test('a copied cookie in another browser opens nothing: its key is not the session’s', async () => {
    const { site, id, answer } = await refusedWith({ key: await otherBrowser() });
    expect(problem(answer)).toMatchObject({ status: 403, code: 'browser-only' });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      action: 'connection.open',
      outcome: 'denied',
      workspaceId: id,
      details: { policy: 'browserOnly' },
    });
  });

  test('a cookie without any proof opens nothing', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await api(site.dev).post(`/workspaces/${id}/attach`, { key: BROWSER_KEY }, { 'Sec-Fetch-Site': 'same-origin' });
    expect(problem(answer).code).toBe('browser-only');
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ outcome: 'denied', reason: expect.stringContaining('missing') });
  });

  test('a proof that was used before opens nothing', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const proof = await proofHeader('POST', `/workspaces/${id}/attach`);
    expect((await attachTo(site.dev, id, { headers: proof })).status).toBe(200);
    const again = await attachTo(site.dev, id, { headers: proof });
    expect(problem(again).code).toBe('browser-only');
    expect(await eventOfAnswer(site.tenant, again)).toMatchObject({ outcome: 'denied', details: { policy: 'browserOnly' } });
    const opened = await site.tenant.db.rows('SELECT id FROM connections WHERE tenant_id = ? AND workspace_id = ?', site.tenant.id, id);
    expect(opened).toHaveLength(1);
  });

  test('the ticket is for the session’s key and no other', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { publicKey } = await otherBrowser();
    const headers = { 'Sec-Fetch-Site': 'same-origin', ...(await proofHeader('POST', `/workspaces/${id}/attach`)) };
    expect(problem(await api(site.dev).post(`/workspaces/${id}/attach`, { key: publicKey }, headers)).code).toBe('browser-only');
  });

  test('a session without a key opens nothing, and is told to sign in again', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await attachTo(await addSession(site.tenant, site.dev.id, new Date(), null), id);
    expect(problem(answer)).toMatchObject({ code: 'browser-only', detail: expect.stringContaining('sign in again') });
  });

  test('an imitated browser: a program with a key of its own that signs in as the person gets what a page gets', async () => {
    // Documented in docs/security-model.md: it holds the password and forges what a browser would send. Nothing here tells it apart.
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const key = await otherBrowser();
    const pat = await addUser(site.tenant, ['template-admin']);
    const body = { tenant: site.tenant.slug, email: pat.email, password: pat.password };
    const signedIn = await call('POST', '/login', { body, headers: await proofHeader('POST', '/login', { key }) });
    const answer = await attachTo({ cookie: cookieOf(signedIn) }, id, { key });
    expect(answer.status).toBe(200);
    // It can't use a session that somebody's real browser began, and it stands in the log like everybody.
    expect((await attachTo(pat, id, { key })).status).toBe(403);
    const opened = (await eventsOf(site.tenant)).filter(({ action, outcome }) => action === 'connection.open' && outcome === 'success');
    expect(opened.at(-1)).toMatchObject({ actor: { id: pat.id } });
  });

  test('counts what it refuses, for the security page', async () => {
    const { site } = await refusedWith({ key: await otherBrowser() });
    const rows = await site.tenant.db.rows<{ count: number }>(
      "SELECT count FROM policy_refusals WHERE tenant_id = ? AND field = 'browserOnly'",
      site.tenant.id,
    );
    expect(rows).toEqual([{ count: 1 }]);
  });
});

test('proofs that are over are swept', async () => {
  const tenant = await mintTenant();
  const put = (id: string, expiresAt: string) =>
    statement('INSERT INTO used_proofs (tenant_id, id, expires_at) VALUES (?, ?, ?)', tenant.id, id, expiresAt);
  await tenant.db.batch([put('old', '2020-01-01T00:00:00.000Z'), put('new', '2099-01-01T00:00:00.000Z')]);
  await sweepSessions(services());
  const left = await tenant.db.rows<{ id: string }>("SELECT id FROM used_proofs WHERE tenant_id = ? AND id IN ('old', 'new')", tenant.id);
  expect(left).toEqual([{ id: 'new' }]);
});
