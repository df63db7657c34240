import { describe, expect, test, vi } from 'vitest';
import { factors, recoveryCodes, secondFactor, steppedUp, totpStarted } from '@gatehouse/core/api/factors.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { enterByTotp } from '../../../worker/identity/second-factor.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { addApp, addPasskey, codeOf, confirmedAgo, logIn } from '../../support/factors.ts';
import {
  addSession,
  addUser,
  api,
  call,
  cookieOf,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  PASSWORD,
  problem,
  read,
  requestFrom,
  services,
  type Answer,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';

/** Each password that is checked or set costs a quarter of a second, and more where others work. */
vi.setConfig({ testTimeout: 30_000 });

const owed = async (tenant: Tenant, person: Person) => read(await logIn(tenant, person), secondFactor);
const byTotp = (challenge: string, code: string) => call('POST', '/login/totp', { body: { challenge, code } });
const byRecovery = (challenge: string, code: string) => call('POST', '/login/recovery-code', { body: { challenge, code } });
const refused = (answer: Answer) => {
  expect(problem(answer)).toMatchObject({ status: 401, code: 'code-refused', errors: [{ path: 'code' }] });
  expect(answer.headers.get('Set-Cookie')).toBeNull();
};

describe('an authenticator app', () => {
  test('counts for nothing until its first code, is sealed where it lies, and is an event', async () => {
    const tenant = await mintTenant();
    const started = await api(tenant.owner).post('/me/totp');
    const { secret, uri } = read(started, totpStarted);
    expect(started.status).toBe(201);
    expect(uri).toMatch(/^otpauth:\/\/totp\/.*secret=/);
    expect((await logIn(tenant, tenant.owner)).status).toBe(200);
    const stored = await tenant.db.first<{ secret: string }>('SELECT secret FROM totp_secrets WHERE tenant_id = ?', tenant.id);
    expect(stored?.secret).not.toContain(secret);
    expect(
      await services().secrets.open(tenant.db, { table: 'totp_secrets', column: 'secret', row: tenant.owner.id }, stored?.secret ?? ''),
    ).toBe(secret);
    const wrong = await api(tenant.owner).post('/me/totp/confirm', { code: codeOf(secret, -40) });
    expect(problem(wrong)).toMatchObject({ status: 422, code: 'invalid', errors: [{ path: 'code' }] });
    const confirmed = await api(tenant.owner).post('/me/totp/confirm', { code: codeOf(secret) });
    expect(confirmed.status).toBe(200);
    expect(await eventOfAnswer(tenant, confirmed)).toMatchObject({ action: 'totp.enable', outcome: 'success' });
    expect(problem(await api(tenant.owner).post('/me/totp')).code).toBe('conflict');
    expect(problem(await api(tenant.owner).post('/me/totp/confirm', { code: codeOf(secret, 1) })).code).toBe('not-ready');
  });

  test('is asked for after the right password only, and no session begins before it is passed', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor']);
    const { secret } = await addApp(person);
    expect((await logIn(tenant, { ...person, password: 'not the password' })).status).toBe(401);
    const sessions = () => tenant.db.rows('SELECT id FROM sessions WHERE tenant_id = ? AND user_id = ?', tenant.id, person.id);
    const answer = await logIn(tenant, person);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('Set-Cookie')).toBeNull();
    const { challenge, methods } = read(answer, secondFactor);
    expect(methods).toEqual(['totp', 'recovery-code']);
    expect(await sessions()).toHaveLength(1);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'user.owe_second_factor', resource: { id: person.id } });
    expect((await call('GET', '/me', { cookie: `__Host-gatehouse=${challenge}` })).status).toBe(401);

    const entered = await byTotp(challenge, codeOf(secret));
    expect(read(entered, me)).toMatchObject({ user: { id: person.id }, session: { method: 'password+totp' } });
    expect((await api({ cookie: cookieOf(entered) }).get('/me')).status).toBe(200);
    expect(await eventOfAnswer(tenant, entered)).toMatchObject({ action: 'user.sign_in', details: { method: 'password+totp' } });
    expect(await sessions()).toHaveLength(2);
    expect(problem(await byTotp(challenge, codeOf(secret, 1)))).toMatchObject({ status: 410, code: 'gone' });
  });

  test('takes each code once, and the one before and after, but none older', async () => {
    const tenant = await mintTenant();
    const { secret } = await addApp(tenant.owner);
    const [before, present, after, far] = [-1, 0, 1, 3].map((shift) => codeOf(secret, shift)) as [string, string, string, string];
    const { challenge: first } = await owed(tenant, tenant.owner);
    expect((await byTotp(first, present)).status).toBe(200);
    const { challenge } = await owed(tenant, tenant.owner);
    for (const code of [present, before, far]) refused(await byTotp(challenge, code));
    expect((await byTotp(challenge, ` ${after.slice(0, 3)} ${after.slice(3)} `)).status).toBe(200);
  });

  test('takes one code once, also of two who send it at the same time', async () => {
    const tenant = await mintTenant();
    const { secret } = await addApp(tenant.owner);
    const [one, two] = [await owed(tenant, tenant.owner), await owed(tenant, tenant.owner)];
    const code = codeOf(secret);
    const answers = await Promise.all([byTotp(one.challenge, code), byTotp(two.challenge, code)]);
    expect(answers.map(({ status }) => status).sort()).not.toEqual([200, 200]);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('five wrong codes close the account’s second step for a while, whatever the challenge; the right password does not forget them', async () => {
    const tenant = await mintTenant();
    const { secret } = await addApp(tenant.owner);
    for (let times = 0; times < 5; times++) refused(await byTotp((await owed(tenant, tenant.owner)).challenge, codeOf(secret, -40)));
    const { challenge } = await owed(tenant, tenant.owner);
    expect(problem(await byTotp(challenge, codeOf(secret)))).toMatchObject({ status: 429, code: 'rate-limited' });
    expect(problem(await byRecovery(challenge, '0000-1111-2222-3333-4444-5555'))).toMatchObject({ status: 429 });
    const told = (await eventsOf(tenant)).filter(({ status }) => status === 429);
    expect(told).toMatchObject([{ action: 'user.sign_in', outcome: 'denied', resource: { id: tenant.owner.id } }]);
  });

  test('a challenge ends after five minutes, with the password, and with the person’s suspension', async () => {
    const tenant = await mintTenant();
    const { secret } = await addApp(tenant.owner);
    const { challenge } = await owed(tenant, tenant.owner);
    const later = { ...services(), now: () => new Date(Date.now() + 301_000) };
    await expect(enterByTotp(later, requestFrom(), { challenge, code: codeOf(secret) })).rejects.toMatchObject({ code: 'gone' });
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ?", tenant.id)]);
    refused(await byTotp(challenge, codeOf(secret)));
    await tenant.db.batch([statement("UPDATE users SET state = 'active' WHERE tenant_id = ?", tenant.id)]);
    const change = { current: PASSWORD, password: 'seven quiet lanterns', endOthers: false };
    expect((await api(tenant.owner).post('/me/password', change)).status).toBe(204);
    expect(problem(await byTotp(challenge, codeOf(secret))).code).toBe('gone');
  });

  test('opens no other organisation, and not another person’s', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const mine = await addApp(tenant.owner);
    const theirs = await addApp(other.owner);
    const { challenge } = await owed(tenant, tenant.owner);
    expect(problem(await byTotp(challenge.replace(tenant.id, other.id), codeOf(theirs.secret))).code).toBe('gone');
    refused(await byTotp(challenge, codeOf(theirs.secret)));
    refused(await byRecovery(challenge, theirs.recoveryCodes[0] ?? ''));
    expect((await byTotp(challenge, codeOf(mine.secret))).status).toBe(200);
  });

  test('can be removed, with the recovery codes, and then a password is enough again', async () => {
    const tenant = await mintTenant();
    await addApp(tenant.owner);
    const removed = await api(tenant.owner).delete('/me/totp');
    expect(removed.status).toBe(204);
    expect(await eventOfAnswer(tenant, removed)).toMatchObject({ action: 'totp.disable', outcome: 'success' });
    expect(read(await api(tenant.owner).get('/me/factors'), factors)).toEqual({ passkeys: [], totp: null, recoveryCodes: { left: 0 } });
    expect((await logIn(tenant, tenant.owner)).status).toBe(200);
    expect((await api(tenant.owner).delete('/me/totp')).status).toBe(404);
  });
});

describe('recovery codes', () => {
  test('ten come with the first factor, each lets in once, and only their hashes are kept', async () => {
    const tenant = await mintTenant();
    const { recoveryCodes: codes } = await addApp(tenant.owner);
    expect(new Set(codes).size).toBe(10);
    for (const code of codes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){5}[0-9a-hjkmnp-tv-z]{4}$/);
    const rows = await tenant.db.rows('SELECT * FROM recovery_codes WHERE tenant_id = ?', tenant.id);
    for (const code of codes) expect(JSON.stringify(rows)).not.toContain(code.replaceAll('-', ''));

    const [first = ''] = codes;
    const entered = await byRecovery((await owed(tenant, tenant.owner)).challenge, first.toUpperCase().replaceAll('-', ' '));
    expect(read(entered, me).session.method).toBe('password+recovery-code');
    const requestId = entered.headers.get('X-Request-Id');
    const events = (await eventsOf(tenant)).filter((event) => event.requestId === requestId);
    expect(events.map(({ action }) => action).sort()).toEqual(['recovery_code.use', 'user.sign_in']);
    refused(await byRecovery((await owed(tenant, tenant.owner)).challenge, first));
    expect(read(await api(tenant.owner).get('/me/factors'), factors).recoveryCodes).toEqual({ left: 9 });
  });

  test('new ones make the older void', async () => {
    const tenant = await mintTenant();
    const { recoveryCodes: before } = await addApp(tenant.owner);
    const made = await api(tenant.owner).post('/me/recovery-codes');
    const { recoveryCodes: after } = read(made, recoveryCodes);
    expect(after).toHaveLength(10);
    expect(await eventOfAnswer(tenant, made)).toMatchObject({ action: 'recovery_codes.create', status: 201 });
    refused(await byRecovery((await owed(tenant, tenant.owner)).challenge, before[1] ?? ''));
    expect((await byRecovery((await owed(tenant, tenant.owner)).challenge, after[1] ?? '')).status).toBe(200);
  });

  test('there are none without a second factor, and the second factor brings no second set', async () => {
    const tenant = await mintTenant();
    expect(problem(await api(tenant.owner).post('/me/recovery-codes'))).toMatchObject({ status: 409, code: 'not-ready' });
    await addApp(tenant.owner);
    expect((await addPasskey(tenant.owner)).recoveryCodes).toBeNull();
    await api(tenant.owner).delete('/me/totp');
    expect(read(await api(tenant.owner).get('/me/factors'), factors).recoveryCodes).toEqual({ left: 10 });
  });
});

describe('what changes how somebody signs in needs a proof of the last ten minutes', () => {
  const sensitive: Array<[string, string, unknown?]> = [
    ['POST', '/me/passkeys/options'],
    ['POST', '/me/totp'],
    ['DELETE', '/me/totp'],
    ['POST', '/me/recovery-codes'],
    ['POST', '/me/password', { current: PASSWORD, password: 'seven quiet lanterns' }],
    ['PATCH', '/tenant', { twoFactorsRequired: true }],
    ['PATCH', '/tenant', { auditRetentionDays: 90 }],
  ];
  test.each(sensitive)('%s %s', async (method, path, body) => {
    const tenant = await mintTenant();
    await confirmedAgo(tenant, tenant.owner.sessionId, 10.1);
    const answer = await call(method, path, { cookie: tenant.owner.cookie, body });
    expect(problem(answer)).toMatchObject({ status: 403, code: 'step-up-required' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ outcome: 'denied', status: 403 });
    await confirmedAgo(tenant, tenant.owner.sessionId, 9.5);
    const again = await call(method, path, { cookie: tenant.owner.cookie, body });
    expect(problem(again)?.code).not.toBe('step-up-required');
  });

  test('by password, with the app’s code where there is one, which is then used up', async () => {
    const tenant = await mintTenant();
    const { secret } = await addApp(tenant.owner);
    const person: Person = { ...tenant.owner, ...(await addSession(tenant, tenant.owner.id)) };
    await confirmedAgo(tenant, person.sessionId, 30);
    const code = codeOf(secret);
    const confirm = (body: unknown, who: Pick<Person, 'cookie'> = person) => api(who).post('/me/step-up/password', body);
    expect(problem(await confirm({ password: PASSWORD }))).toMatchObject({ status: 422, errors: [{ path: 'code' }] });
    expect(problem(await confirm({ password: 'wrong', code }))).toMatchObject({
      status: 422,
      errors: [{ path: 'password' }],
    });
    const answer = await confirm({ password: PASSWORD, code });
    expect(Date.now() - Date.parse(read(answer, steppedUp).authenticatedAt)).toBeLessThan(60_000);
    const renewed = { cookie: cookieOf(answer) };
    expect(problem(await confirm({ password: PASSWORD, code }, renewed))).toMatchObject({ errors: [{ path: 'code' }] });
    expect((await api(renewed).delete('/me/totp')).status).toBe(204);
  });

  test('guessing at it is throttled', async () => {
    const tenant = await mintTenant();
    for (let times = 0; times < 10; times++) await api(tenant.owner).post('/me/step-up/password', { password: 'a guess' });
    expect((await api(tenant.owner).post('/me/step-up/password', { password: PASSWORD })).status).toBe(429);
  });
});
