import { generateKeyPair, exportJWK, SignJWT, type JWTPayload } from 'jose';
import { inject } from 'vitest';
import { describe, expect, test } from 'vitest';
import { ssoSignedOut } from '@gatehouse/core/api/sso.ts';
import { placeOf } from '../../../worker/sso/addresses.ts';
import { makeConnection } from '../../support/oidc/sign-in.ts';
import { enteredBySso } from '../../support/route-calls/sso.ts';
import { api, call, eventsOf, mintTenant, problem, read, unique, type Tenant } from '../../support/tenants.ts';

const LOGOUT = { backchannel_logout_uri: 'https://gatehouse.test/logout' };
const send = (tenant: Tenant, provider: string, token: string) =>
  call('POST', `/sso/backchannel-logout/${placeOf(tenant.db, provider)}`, {
    body: new URLSearchParams({ logout_token: token }).toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  });
const statusOf = async (cookie: string) => (await api({ cookie }).get('/me')).status;

describe('a provider that says that somebody has left', () => {
  test('ends their sessions, once, and tells the log', async () => {
    const tenant = await mintTenant();
    const { id, sub, there, browser, sessionId } = await enteredBySso(tenant, LOGOUT);
    const token = await there.logoutToken({ sub });
    expect((await send(tenant, id, token)).status).toBe(200);
    expect(await statusOf(browser.cookie)).toBe(401);
    const ended = (await eventsOf(tenant)).filter(({ action }) => action === 'session.end');
    expect(ended).toMatchObject([{ resource: { id: sessionId }, details: { by: 'back-channel logout', provider: id } }]);
    expect(problem(await send(tenant, id, token))).toMatchObject({ status: 422, errors: [{ message: 'it was used before' }] });
  });

  test('ends one session by its name, and leaves that of another browser', async () => {
    const tenant = await mintTenant();
    const first = await enteredBySso(tenant, { ...LOGOUT, backchannel_logout_session_required: true });
    const row = await tenant.db.first<{ sid: string }>(
      'SELECT provider_sid AS sid FROM sessions WHERE tenant_id = ? AND id = ?',
      ...[tenant.id, first.sessionId],
    );
    expect(row?.sid).toMatch(/./);
    expect((await send(tenant, first.id, await first.there.logoutToken({ sub: first.sub, sid: 'another-session' }))).status).toBe(200);
    expect(await statusOf(first.browser.cookie)).toBe(200);
    expect((await send(tenant, first.id, await first.there.logoutToken({ sub: first.sub, sid: row?.sid }))).status).toBe(200);
    expect(await statusOf(first.browser.cookie)).toBe(401);
  });

  test('ends nothing of another organisation, at another provider, or where it is switched off', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const { id, sub, there, browser } = await enteredBySso(tenant, LOGOUT);
    const theirs = await makeConnection(other, { ...there.config, clientId: 'their own' });
    const off = await makeConnection(tenant, { ...there.config, backChannelLogout: false });
    const token = await there.logoutToken({ sub });
    expect((await send(other, theirs.id, token)).status).toBe(422);
    expect((await send(other, id, token)).status).toBe(404);
    expect((await send(tenant, off.id, token)).status).toBe(404);
    expect(await statusOf(browser.cookie)).toBe(200);
  });
});

describe('a forged logout token', async () => {
  const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const ours = await generateKeyPair('RS256', { extractable: true });
  const wrong = await generateKeyPair('RS256', { extractable: true });
  const jwk = { ...(await exportJWK(ours.publicKey)), kid: 'k', alg: 'RS256', use: 'sig' };
  const pem = new TextEncoder().encode(JSON.stringify(jwk));

  async function hostile() {
    const tenant = await mintTenant();
    const name = unique();
    const issuer = `${inject('hostileUrl')}/${name}`;
    const described = { issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/jwks` };
    const answers = { '/.well-known/openid-configuration': described, '/jwks': { keys: [jwk] } };
    await fetch(`${inject('hostileUrl')}/control/${name}`, { method: 'PUT', body: JSON.stringify(answers) });
    const { id } = await makeConnection(tenant, { issuer, clientId: 'gatehouse' });
    await api(tenant.owner).post(`/identity-providers/${id}/oidc/discover`);
    return { tenant, id, issuer };
  }
  const now = () => Math.floor(Date.now() / 1000);
  const good = (issuer: string): JWTPayload => ({ iss: issuer, aud: 'gatehouse', iat: now(), jti: unique(), sub: 'nadia', events: EVENTS });
  const signed = (claims: JWTPayload, key: CryptoKey | Uint8Array = ours.privateKey, alg = 'RS256') =>
    new SignJWT(claims).setProtectedHeader({ alg, kid: 'k', typ: 'logout+jwt' }).sign(key);
  const unsigned = (claims: JWTPayload) => `${btoa('{"alg":"none"}')}.${btoa(JSON.stringify(claims))}.`.replaceAll('=', '');

  test('a good one is taken', async () => {
    const { tenant, id, issuer } = await hostile();
    expect((await send(tenant, id, await signed(good(issuer)))).status).toBe(200);
  });

  test.each<[string, (claims: JWTPayload) => Promise<string> | string]>([
    ['of another key', (claims) => signed(claims, wrong.privateKey)],
    ['without a signature', unsigned],
    ['signed by the public key as if it were a secret', (claims) => signed(claims, pem, 'HS256')],
    ['of another issuer', (claims) => signed({ ...claims, iss: 'https://else.example' })],
    ['for another client', (claims) => signed({ ...claims, aud: 'another' })],
    ['of long ago', (claims) => signed({ ...claims, iat: now() - 600 })],
    ['of the future', (claims) => signed({ ...claims, iat: now() + 600 })],
    ['that has expired', (claims) => signed({ ...claims, exp: now() - 60 })],
    ['without its own id', (claims) => signed({ ...claims, jti: undefined as never })],
    ['with a nonce, as an ID token has', (claims) => signed({ ...claims, nonce: 'n' })],
    ['without the event', (claims) => signed({ ...claims, events: {} })],
    ['of nobody', (claims) => signed({ ...claims, sub: undefined as never })],
    ['that is no token', () => 'rubbish'],
  ])('%s is refused, and says why', async (_name, forge) => {
    const { tenant, id, issuer } = await hostile();
    const answer = await send(tenant, id, await forge(good(issuer)));
    expect(problem(answer)).toMatchObject({ status: 422, code: 'invalid', errors: [{ path: 'logout_token' }] });
    expect(await eventsOf(tenant)).toContainEqual(expect.objectContaining({ action: 'session.end', outcome: 'denied' }));
  });
});

test('signing out names the provider’s own sign-out where that is wanted', async () => {
  const tenant = await mintTenant();
  const there = await enteredBySso(tenant, {}, { signsOutThere: true });
  const { url } = read(await there.browser.ask('/logout/sso', undefined), ssoSignedOut);
  const asked = new URL(url ?? '').searchParams;
  expect(url).toMatch(new RegExp(`^${there.there.issuer}/session/end\\?`));
  expect(asked.get('post_logout_redirect_uri')).toBe('https://gatehouse.test/signin');
  expect(asked.get('id_token_hint')?.split('.')).toHaveLength(3);
  expect(await statusOf(there.browser.cookie)).toBe(401);
  const here = await enteredBySso(tenant);
  expect(read(await here.browser.ask('/logout/sso', undefined), ssoSignedOut)).toEqual({ url: null });
});
