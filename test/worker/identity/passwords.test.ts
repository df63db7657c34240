import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { invitationCreated } from '@gatehouse/core/api/directory.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { requireGoodPassword } from '../../../worker/identity/password-rules.ts';
import { redeemPasswordReset, requestPasswordReset } from '../../../worker/identity/password-reset.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { addApp, logIn, mailSaying } from '../../support/factors.ts';
import {
  addSession,
  addUser,
  api,
  call,
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

/** Each password that is checked or set costs a quarter of a second, and more where others work. */
vi.setConfig({ testTimeout: 30_000 });

const NEW = 'seven quiet lanterns';
const NAMES = ['Olga Owner', 'olga@meridian-rail.test', 'Meridian Rail', 'meridian-rail'];

/** Asks for a link, with the work behind the answer done. @returns the newest link's token */
async function linkFor(tenant: Tenant, person: Pick<Person, 'email'>, with_: Partial<Services> = {}): Promise<string> {
  const work: Array<Promise<unknown>> = [];
  const base = { ...services(), ...with_, defer: (promise: Promise<unknown>) => void work.push(promise) };
  await requestPasswordReset(base, requestFrom(), { tenant: tenant.slug, email: person.email });
  await Promise.all(work);
  return fragmentOf((await mailTo(person.email))?.text ?? '');
}
const redeem = (token: string, password = NEW) => call('POST', '/password-resets/redeem', { body: { token, password } });

describe('the rules of a password', () => {
  const refusal = (password: string): string => {
    try {
      requireGoodPassword(password, NAMES, 'password');
      return 'good';
    } catch (error) {
      return error instanceof AppError ? (error.errors?.[0]?.message ?? '') : String(error);
    }
  };

  test.each([
    '123456789012',
    'qwerty123456',
    '1q2w3e4r5t6y',
    'Password1234',
    'P@ssw0rd1234',
    'passwordpassword',
    'iloveyou1234',
    'unbelievable',
  ])('%s: of a known breach, or close to one', (password) => expect(refusal(password)).toMatch(/known breaches|repetition/));
  test('the 3,000 most used of known breaches that are long enough are all refused (ASVS 6.2.4)', () => {
    const breached = env.TEST_BREACHED_PASSWORDS.split('\n');
    expect(breached).toHaveLength(3_000);
    expect(breached.filter((password) => !/known breaches/.test(refusal(password)))).toEqual([]);
    expect(refusal((breached[0] ?? '').toUpperCase())).toMatch(/known breaches/);
  });

  test.each(['Olga Owner 2026', 'meridian-rail', 'MeridianRail!', 'olgaowner1234'])('%s: one’s own names', (password) =>
    expect(refusal(password)).toMatch(/your name, your address or your organisation/),
  );
  test.each(['aaaaaaaaaaaaaaaa', 'abcabcabcabcabc', '12121212121212'])('%s: a pattern', (password) =>
    expect(refusal(password)).not.toBe('good'),
  );
  test.each([
    PASSWORD,
    NEW,
    'a long enough password',
    'gate-3kZ9xQpW7vLm',
    'Straße über Äcker 7',
    `${'x7!pQ'.repeat(3)}${'é'.repeat(200)}`,
  ])('%s is good', (password) => expect(refusal(password)).toBe('good'));

  test('hold at sign-up, at joining, at changing and at resetting, each naming its field', async () => {
    const tenant = await mintTenant();
    const weak = 'Password1234';
    const signUp = { tenant: { name: 'New', slug: `t-${unique()}` }, user: { name: 'Nina', email: 'nina@new.test', password: weak } };
    expect(problem(await call('POST', '/signup', { body: signUp }))).toMatchObject({ status: 422, errors: [{ path: 'user.password' }] });
    const { link } = read(await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` }), invitationCreated);
    const join = { token: fragmentOf(link), name: 'Nina', password: weak };
    expect(problem(await call('POST', '/invitations/accept', { body: join }))).toMatchObject({
      status: 422,
      errors: [{ path: 'password' }],
    });
    const change = await api(tenant.owner).post('/me/password', { current: PASSWORD, password: weak });
    expect(problem(change)).toMatchObject({ status: 422, errors: [{ path: 'password' }] });
    const token = await linkFor(tenant, tenant.owner);
    expect(problem(await redeem(token, weak))).toMatchObject({ status: 422, errors: [{ path: 'password' }] });
    expect((await redeem(token)).status).toBe(200);
  });

  test.each([
    ['eleven characters', 'x7!pQw9#zKt', 422],
    ['twelve', 'x7!pQw9#zKt2', 204],
    ['256', `x7!pQw9#zKt2${'y'.repeat(244)}`, 204],
    ['257', `x7!pQw9#zKt2${'y'.repeat(245)}`, 422],
  ])('length: %s', async (_name, password, status) => {
    const tenant = await mintTenant();
    expect((await api(tenant.owner).post('/me/password', { current: PASSWORD, password })).status).toBe(status);
  });
});

describe('changing one’s password', () => {
  test('needs the current one, ends the other sessions, and is told by mail and in the trail', async () => {
    const tenant = await mintTenant();
    const other = await addSession(tenant, tenant.owner.id);
    const wrong = await api(tenant.owner).post('/me/password', { current: 'not the password', password: NEW });
    expect(problem(wrong)).toMatchObject({ status: 422, errors: [{ path: 'current' }] });
    expect(await eventOfAnswer(tenant, wrong)).toMatchObject({ action: 'user.change_password', outcome: 'failure' });
    const answer = await api(tenant.owner).post('/me/password', { current: PASSWORD, password: NEW });
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'user.change_password', details: { sessionsEnded: 1 } });
    expect([(await api(tenant.owner).get('/me')).status, (await api(other).get('/me')).status]).toEqual([200, 401]);
    expect((await logIn(tenant, tenant.owner)).status).toBe(401);
    expect((await logIn(tenant, { ...tenant.owner, password: NEW })).status).toBe(200);
    await mailSaying(tenant.owner.email, /The password of your account was changed/);
  });

  test('leaves the other sessions where that is wished, and takes no password twice', async () => {
    const tenant = await mintTenant();
    const other = await addSession(tenant, tenant.owner.id);
    expect(problem(await api(tenant.owner).post('/me/password', { current: PASSWORD, password: PASSWORD }))).toMatchObject({
      errors: [{ path: 'password' }],
    });
    await api(tenant.owner).post('/me/password', { current: PASSWORD, password: NEW, endOthers: false });
    expect((await api(other).get('/me')).status).toBe(200);
  });

  test('voids a link that was mailed before', async () => {
    const tenant = await mintTenant();
    const token = await linkFor(tenant, tenant.owner);
    await api(tenant.owner).post('/me/password', { current: PASSWORD, password: NEW });
    expect(problem(await redeem(token, 'eight loud lanterns'))).toMatchObject({ status: 410, code: 'gone' });
  });
});

describe('resetting a password', () => {
  test('answers the same for everybody, and mails only people who may come in', async () => {
    const tenant = await mintTenant();
    const suspended = await addUser(tenant);
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, suspended.id)]);
    const ask = (slug: string, email: string) => call('POST', '/password-resets', { body: { tenant: slug, email } });
    const nobody = `${unique()}@nowhere.test`;
    const answers = [
      await ask(tenant.slug, tenant.owner.email),
      await ask(tenant.slug, nobody),
      await ask(`t-${unique()}`, nobody),
      await ask(tenant.slug, suspended.email),
    ];
    for (const { status, body } of answers) expect([status, body]).toEqual([202, { ok: true }]);
    await mailSaying(tenant.owner.email, /\/reset\/new#ghw_s0\./);
    expect([await mailTo(nobody), await mailTo(suspended.email)]).toEqual([null, null]);
  });

  test('by the link: once, within an hour, ending every session, verifying the address and keeping the second factor', async () => {
    const tenant = await mintTenant({ verified: false });
    const { secret } = await addApp(tenant.owner);
    const [first, second] = [await linkFor(tenant, tenant.owner), await linkFor(tenant, tenant.owner)];
    const answer = await redeem(first);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('Set-Cookie')).toBeNull();
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.reset_password', resource: { id: tenant.owner.id }, details: { sessionsEnded: 1 } },
      actor: { type: 'anonymous', name: tenant.owner.email },
    });
    for (const used of [first, second]) expect(problem(await redeem(used, 'eight loud lanterns'))).toMatchObject({ status: 410 });
    expect((await api(tenant.owner).get('/me')).status).toBe(401);
    expect((await logIn(tenant, tenant.owner)).status).toBe(401);
    expect((await logIn(tenant, { ...tenant.owner, password: NEW })).status).toBe(202);
    const user = await tenant.db.first<{ email_verified_at: string }>('SELECT email_verified_at FROM users WHERE tenant_id = ?', tenant.id);
    expect(user?.email_verified_at).not.toBeNull();
    expect(JSON.stringify(await eventsOf(tenant))).not.toContain(secret);
  });

  test('an hour later the link is dead, and a suspended person’s at once', async () => {
    const tenant = await mintTenant();
    const token = await linkFor(tenant, tenant.owner);
    const later = { ...services(), now: () => new Date(Date.now() + 3_601_000) };
    await expect(redeemPasswordReset(later, requestFrom(), { token, password: NEW })).rejects.toMatchObject({ code: 'gone' });
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ?", tenant.id)]);
    expect((await redeem(token)).status).toBe(410);
  });

  test('is throttled for each address, known or not, and the secret lies nowhere but in the mail', async () => {
    const tenant = await mintTenant();
    const token = await linkFor(tenant, tenant.owner);
    for (const email of [tenant.owner.email, `${unique()}@nowhere.test`]) {
      const codes: number[] = [];
      for (let times = 0; times < 4; times++) {
        const from = `198.51.${Math.floor(Math.random() * 256)}.1`;
        const body = { tenant: tenant.slug, email };
        codes.push((await call('POST', '/password-resets', { body, headers: { 'CF-Connecting-IP': from } })).status);
      }
      expect(codes.at(-1)).toBe(429);
    }
    const rows = await tenant.db.rows('SELECT * FROM password_resets WHERE tenant_id = ?', tenant.id);
    expect(rows.length).toBeGreaterThan(0);
    expect(JSON.stringify([rows, await eventsOf(tenant)])).not.toContain(token.split('.')[2]);
  });
});
