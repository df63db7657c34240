import { describe, expect, test, vi } from 'vitest';
import { assertionOptions, factors, secondFactor } from '@gatehouse/core/api/factors.ts';
import { me, sessionList } from '@gatehouse/core/api/identity.ts';
import { enterByRecoveryCode, enterByTotp } from '../../../worker/identity/second-factor.ts';
import { enterByPasskey } from '../../../worker/identity/passkey-sign-in.ts';
import { newFor } from '../../../worker/identity/devices.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addApp, addPasskey, codeOf, confirmedAgo, logIn, mailSaying, requireTwoFactors } from '../../support/factors.ts';
import {
  addSession,
  addUser,
  api,
  call,
  cookieOf,
  eventsOf,
  fragmentOf,
  mailTo,
  mintTenant,
  PASSWORD,
  problem,
  read,
  requestFrom,
  services,
  systemLog,
  type Answer,
  type Tenant,
} from '../../support/tenants.ts';

/** Each password that is checked or set costs a quarter of a second, and more where others work. */
vi.setConfig({ testTimeout: 30_000 });

/** OWASP ASVS 5.0.0, by requirement: what of it is about signing in and sessions. */

const signInByPasskey = async (tenant: Tenant) => {
  const { authenticator } = await addPasskey(tenant.owner);
  const asked = read(await call('POST', '/login/passkey/options'), assertionOptions);
  return call('POST', '/login/passkey', { body: { credential: await authenticator.sign(asked) } });
};
const secretOf = (answer: Answer) => cookieOf(answer).split('.').at(-1) ?? '';

describe('ASVS 3.3 cookies', () => {
  test('3.3.1, 3.3.3, 3.3.4, 7.2.1: every way in sets one cookie, Secure, __Host- and HttpOnly, and its secret is in no body', async () => {
    const tenant = await mintTenant();
    const other = await addUser(tenant);
    const { secret } = await addApp(other);
    const { challenge } = read(await logIn(tenant, other), secondFactor);
    const ways = [
      await logIn(tenant, tenant.owner),
      await call('POST', '/login/totp', { body: { challenge, code: codeOf(secret) } }),
      await signInByPasskey(tenant),
      await api(await addUser(tenant)).post('/me/step-up/password', { password: PASSWORD }),
    ];
    for (const answer of ways) {
      expect(answer.headers.get('Set-Cookie')).toMatch(/^__Host-gatehouse=[^;]+; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/);
      expect(JSON.stringify(answer.body)).not.toContain(secretOf(answer));
    }
  });
});

describe('ASVS 6 authentication', () => {
  test('6.2.1, 6.2.4: twelve characters at least, and none of a known breach (see passwords.test.ts)', async () => {
    const tenant = await mintTenant();
    for (const password of ['short', 'qwerty123456']) {
      const answer = await api(tenant.owner).post('/me/password', { current: PASSWORD, password });
      expect(problem(answer)).toMatchObject({ status: 422, errors: [{ path: 'password' }] });
    }
  });

  test('6.2.2, 6.2.3: a password can be changed, with the current and the new one', async () => {
    const tenant = await mintTenant();
    expect((await api(tenant.owner).post('/me/password', { password: 'seven quiet lanterns' })).status).toBe(422);
    const change = { current: PASSWORD, password: 'seven quiet lanterns' };
    expect((await api(tenant.owner).post('/me/password', change)).status).toBe(204);
  });

  test('6.3.1: each way in has a limit for its network, and each secret that people can guess one for its account', async () => {
    const base = services();
    const request = requestFrom('203.0.114.9');
    const begin = () => base.throttle.begin('sign-in from 203.0.114.0/24', { limit: 300, windowSeconds: 900 });
    await Promise.all(Array.from({ length: 300 }, begin));
    const { authenticator } = await addPasskey((await mintTenant()).owner);
    const credential = await authenticator.sign({ challenge: 'AAAA' });
    await expect(enterByPasskey(base, request, credential)).rejects.toMatchObject({ code: 'rate-limited' });
    const tenant = await mintTenant();
    await addApp(tenant.owner);
    const { challenge } = read(await logIn(tenant, tenant.owner), secondFactor);
    for (let times = 0; times < 5; times++)
      await expect(enterByTotp(base, request, { challenge, code: '000000' })).rejects.toMatchObject({ code: 'code-refused' });
    const code = '0'.repeat(24);
    await expect(enterByRecoveryCode(base, request, { challenge, code })).rejects.toMatchObject({ code: 'rate-limited' });
  });

  test('6.3.4: no way in is weaker than another: whoever has a second factor comes in by none with a password alone', async () => {
    for (const add of [addApp, addPasskey]) {
      const tenant = await mintTenant();
      await add(tenant.owner);
      const answer = await logIn(tenant, tenant.owner);
      expect([answer.status, answer.headers.get('Set-Cookie')]).toEqual([202, null]);
      const stepUp = await api(tenant.owner).post('/me/step-up/password', { password: PASSWORD });
      expect(stepUp.headers.get('Set-Cookie')).toBeNull();
    }
  });

  test('6.3.5, 6.3.7: a sign-in from a new device, and a change of factors, are told by mail', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const from = (agent: string) => ({ 'User-Agent': agent, 'CF-Connecting-IP': '192.0.2.9' });
    const firefox = (version: number) => `Mozilla/5.0 (X11; Linux x86_64; rv:${version}.0) Gecko/20100101 Firefox/${version}.0`;
    await logIn(tenant, person, from(firefox(140)));
    await logIn(tenant, person, from(firefox(141)));
    expect(await mailTo(person.email)).toBeNull();
    const safari = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15';
    await logIn(tenant, person, from(safari));
    await mailSaying(person.email, /Safari 18 on macOS.*\n.*192\.0\.2\.9/);
    const origin = { ...requestFrom().origin, browser: 'Safari 19', os: 'macOS Catalina', country: 'FR' };
    expect(await newFor(tenant.db, person.id, origin)).toEqual({ device: false, place: true });
    expect(await newFor(tenant.db, person.id, { ...origin, browser: 'Chrome 142' })).toEqual({ device: true, place: true });
    await addApp(person);
    await mailSaying(person.email, /An authenticator app was set up/);
  });

  test('6.4.3: a reset by mail leaves the second factor as it was (see passwords.test.ts)', async () => {
    const tenant = await mintTenant();
    await addApp(tenant.owner);
    await call('POST', '/password-resets', { body: { tenant: tenant.slug, email: tenant.owner.email } });
    const link = await mailSaying(tenant.owner.email, /\/reset\/new#/);
    const password = 'seven quiet lanterns';
    await call('POST', '/password-resets/redeem', { body: { token: fragmentOf(link), password } });
    expect((await logIn(tenant, { ...tenant.owner, password })).status).toBe(202);
  });

  test('6.5.1, 6.5.2, 6.5.3, 6.5.5: codes work once, have 120 random bits or live for a minute and a half, and are kept hashed or sealed', async () => {
    const tenant = await mintTenant();
    const { secret, recoveryCodes } = await addApp(tenant.owner);
    const owed = async () => read(await logIn(tenant, tenant.owner), secondFactor).challenge;
    for (const code of [codeOf(secret, -3), codeOf(secret, 3)])
      expect((await call('POST', '/login/totp', { body: { challenge: await owed(), code } })).status).toBe(401);
    const code = codeOf(secret);
    const enter = async () => (await call('POST', '/login/totp', { body: { challenge: await owed(), code } })).status;
    expect([await enter(), await enter()]).toEqual([200, 401]);
    for (const code of recoveryCodes) expect(code.replaceAll('-', '')).toHaveLength(24);
  });
});

describe('ASVS 7 sessions', () => {
  test('7.2.2, 7.2.3: a session is 256 random bits that the server looks up', async () => {
    const tenant = await mintTenant();
    const secrets = await Promise.all([1, 2, 3].map(async () => secretOf(await logIn(tenant, tenant.owner))));
    expect(new Set(secrets).size).toBe(3);
    for (const secret of secrets) expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    const rows = await tenant.db.rows('SELECT * FROM sessions WHERE tenant_id = ?', tenant.id);
    for (const secret of secrets) expect(JSON.stringify(rows)).not.toContain(secret);
  });

  test('7.2.4: signing in ends the session that the browser had and never takes over its secret; confirming renews it', async () => {
    const tenant = await mintTenant();
    const answer = await logIn(tenant, tenant.owner, { Cookie: tenant.owner.cookie });
    expect(cookieOf(answer)).not.toBe(tenant.owner.cookie);
    expect((await api(tenant.owner).get('/me')).status).toBe(401);
    const planted = `__Host-gatehouse=ghc_s0.${tenant.id}.${'a'.repeat(43)}`;
    const entered = await logIn(tenant, tenant.owner, { Cookie: planted });
    expect(cookieOf(entered)).not.toBe(planted);
    expect((await api({ cookie: planted }).get('/me')).status).toBe(401);

    const session = { cookie: cookieOf(entered) };
    const confirmed = await api(session).post('/me/step-up/password', { password: PASSWORD });
    expect((await api(session).get('/me')).status).toBe(401);
    const after = await api({ cookie: cookieOf(confirmed) }).get('/me');
    expect(read(after, me).session.id).toBe(read(entered, me).session.id);
  });

  test('7.3.1, 7.3.2: confirming keeps no session beyond its twelve hours', async () => {
    const tenant = await mintTenant();
    const began = new Date(Date.now() - 11.99 * 3_600_000);
    const old = await addSession(tenant, tenant.owner.id, began);
    await tenant.db.batch([
      statement('UPDATE sessions SET last_seen_at = ? WHERE tenant_id = ? AND id = ?', new Date().toISOString(), tenant.id, old.sessionId),
    ]);
    const confirmed = await api(old).post('/me/step-up/password', { password: PASSWORD });
    const { session } = read(await api({ cookie: cookieOf(confirmed) }).get('/me'), me);
    expect(Date.parse(session.expiresAt) - began.getTime()).toBe(12 * 3_600_000);
  });

  test('7.4.1: signing out kills the session on the server', async () => {
    const tenant = await mintTenant();
    await api(tenant.owner).post('/logout');
    expect((await api(tenant.owner).get('/me')).status).toBe(401);
  });

  test('7.4.2: a person who is suspended is out at once, and no way in opens', async () => {
    const tenant = await mintTenant();
    const { secret } = await addApp(tenant.owner);
    const { challenge } = read(await logIn(tenant, tenant.owner), secondFactor);
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ?", tenant.id)]);
    expect((await api(tenant.owner).get('/me')).status).toBe(401);
    expect((await call('POST', '/login/totp', { body: { challenge, code: codeOf(secret) } })).status).toBe(401);
    expect((await logIn(tenant, tenant.owner)).status).toBe(401);
  });

  test('7.4.3: after a change of factors all other sessions can be ended at once', async () => {
    const tenant = await mintTenant();
    const others = [await addSession(tenant, tenant.owner.id), await addSession(tenant, tenant.owner.id)];
    await addApp(tenant.owner);
    const answer = await api(tenant.owner).delete('/me/sessions?keep=current');
    expect([answer.status, answer.headers.get('Set-Cookie')]).toEqual([204, null]);
    for (const other of others) expect((await api(other).get('/me')).status).toBe(401);
    expect((await api(tenant.owner).get('/me')).status).toBe(200);
    expect((await api(tenant.owner).delete('/me/sessions?keep=current')).status).toBe(204);
    expect((await eventsOf(tenant)).filter(({ action }) => action === 'user.sign_out_others')).toHaveLength(1);
  });

  test('7.5.1: what changes the ways in needs a proof of the last ten minutes', async () => {
    const tenant = await mintTenant();
    await confirmedAgo(tenant, tenant.owner.sessionId, 11);
    for (const path of ['/me/totp', '/me/passkeys/options', '/me/recovery-codes'])
      expect(problem(await api(tenant.owner).post(path))).toMatchObject({ status: 403, code: 'step-up-required' });
  });

  test('7.5.2: people see their sessions with device, place and way in, and end them', async () => {
    const tenant = await mintTenant();
    await tenant.db.batch([
      statement("UPDATE sessions SET country = 'GB', city = 'Leeds' WHERE tenant_id = ? AND id = ?", tenant.id, tenant.owner.sessionId),
    ]);
    const entered = await signInByPasskey(tenant);
    const { items } = read(await api(tenant.owner).get('/me/sessions'), sessionList);
    expect(items.map(({ method, country, city, current }) => ({ method, country, city, current }))).toEqual([
      { method: 'passkey', country: null, city: null, current: false },
      { method: 'password', country: 'GB', city: 'Leeds', current: true },
    ]);
    expect((await api(tenant.owner).delete(`/me/sessions/${items[0]?.id ?? ''}`)).status).toBe(204);
    expect((await api({ cookie: cookieOf(entered) }).get('/me')).status).toBe(401);
  });
});

describe('ASVS 8 authorisation', () => {
  test('8.2.2, 8.4.1: another person’s passkey is not there, in the same organisation or in another', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const person = await addUser(tenant);
    for (const owner of [person, other.owner]) {
      const { id } = await addPasskey(owner);
      expect((await api(tenant.owner).delete(`/me/passkeys/${id}`)).status).toBe(404);
      expect((await api(tenant.owner).patch(`/me/passkeys/${id}`, { name: 'Mine' })).status).toBe(404);
      expect(read(await api(owner).get('/me/factors'), factors).passkeys).toHaveLength(1);
    }
  });

  test('8.3.1, 8.3.2: the rule of two factors is kept by the server, from the next request', async () => {
    const tenant = await mintTenant();
    expect((await api(tenant.owner).get('/users')).status).toBe(200);
    await requireTwoFactors(tenant);
    expect(problem(await api(tenant.owner).get('/users')).code).toBe('second-factor-required');
  });
});

describe('ASVS 14.2.1, 16.2.5: secrets', () => {
  test('none of those that go to and fro in a person’s life with factors is in an event, in the outbox or in a log line', async () => {
    const lines: string[] = [];
    for (const level of ['info', 'warn', 'error', 'log'] as const)
      vi.spyOn(console, level).mockImplementation((...words: unknown[]) => void lines.push(words.map(String).join(' ')));
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const planted = 'planted secret of lanterns';
    const { secret, recoveryCodes } = await addApp(person);
    const { authenticator } = await addPasskey(person);
    const asked = read(await call('POST', '/login/passkey/options'), assertionOptions);
    const credential = await authenticator.sign(asked);
    const byPasskey = await call('POST', '/login/passkey', { body: { credential } });
    const { challenge } = read(await logIn(tenant, person), secondFactor);
    await call('POST', '/login/totp', { body: { challenge, code: '000000' } });
    const byApp = await call('POST', '/login/totp', { body: { challenge, code: codeOf(secret) } });
    const { challenge: second } = read(await logIn(tenant, person), secondFactor);
    await call('POST', '/login/recovery-code', { body: { challenge: second, code: recoveryCodes[0] } });
    await api(person).post('/me/step-up/password', { password: planted, code: '000000' });
    await api(person).post('/me/password', { current: planted, password: planted });
    await api(person).post('/me/password', { current: PASSWORD, password: planted });
    await call('POST', '/login', { body: { tenant: tenant.slug, email: person.email, password: `${planted} wrong` } });
    await call('POST', '/password-resets', { body: { tenant: tenant.slug, email: person.email } });
    const link = fragmentOf(await mailSaying(person.email, /\/reset\/new#/));
    await call('POST', '/password-resets/redeem', { body: { token: link, password: `${planted} again` } });
    vi.restoreAllMocks();

    const told = JSON.stringify([await eventsOf(tenant), await eventsOf(systemLog()), lines]);
    const { response } = credential;
    const tokens = [challenge, second, link].map((token) => token.split('.')[2] ?? token);
    const secrets = [
      ...[planted, PASSWORD, secret, asked.challenge, response.signature, response.clientDataJSON],
      ...[...recoveryCodes, ...recoveryCodes.map((code) => code.replaceAll('-', '')), ...tokens],
      ...[secretOf(byPasskey), secretOf(byApp), person.cookie.split('.').at(-1) ?? ''],
    ];
    for (const each of secrets) expect(told).not.toContain(each);
    const acts = [
      'totp.enable',
      'passkey.add',
      'recovery_code.use',
      'user.owe_second_factor',
      'user.change_password',
      'user.reset_password',
    ];
    for (const act of acts) expect(told).toContain(`"${act}"`);
  });
});
