import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { me } from '@gatehouse/core/api/identity.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { shardFor } from '../../../worker/directory/places.ts';
import { checkPassword, hashPassword } from '../../../worker/identity/password.ts';
import { signIn } from '../../../worker/identity/sign-in.ts';
import { signUp } from '../../../worker/identity/sign-up.ts';
import { nextAttempt } from '../../../worker/identity/throttle.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { networkOf } from '@gatehouse/core/access/networks.ts';
import type { Services } from '../../../worker/platform/context.ts';
import {
  addUser,
  api,
  call,
  cookieOf,
  eventOfAnswer,
  eventsOf,
  mailTo,
  mintTenant,
  PASSWORD,
  problem,
  read,
  requestFrom,
  services,
  systemLog,
  unique,
} from '../../support/tenants.ts';

const login = (tenant: string, email: string, password: string) => call('POST', '/login', { body: { tenant, email, password } });
const signUpBody = (slug: string, region?: string) => ({
  tenant: { name: 'New', slug, ...(region ? { region } : {}) },
  user: { name: 'Olga', email: `Owner@${slug}.TEST`, password: PASSWORD },
});

/** Services whose password hashes are counted, not computed: every hash is 32 zero bytes. */
function counted(): { services: Services; hashes: () => number } {
  let hashes = 0;
  const derive = async () => {
    hashes++;
    return new Uint8Array(32);
  };
  return { services: { ...services(), hashing: { derive } }, hashes: () => hashes };
}
const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'nothing',
    (error: unknown) => (error instanceof AppError ? error.code : String(error)),
  );

describe('sign-up', () => {
  test('founds an organisation, signs its owner in and mails the link that verifies', async () => {
    const slug = `t-${unique()}`;
    const answer = await call('POST', '/signup', { body: signUpBody(slug) });
    expect(answer.status).toBe(201);
    const shown = read(answer, me);
    expect(shown.user).toMatchObject({ email: `owner@${slug}.test`, emailVerified: false, roles: ['owner'] });
    expect(shown.tenant).toMatchObject({ slug, region: 'auto' });
    expect(answer.headers.get('Set-Cookie')).toMatch(
      /^__Host-gatehouse=ghc_s0\.tnt_\w+\.[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    const again = await api({ cookie: cookieOf(answer) }).get('/me');
    expect(again.body).toEqual(answer.body);
    expect((await mailTo(shown.user.email))?.text).toMatch(/https:\/\/gatehouse\.test\/verify#ghv_s0\.\S+\n/);

    const tenant = { db: services().tenantDb('s0', shown.tenant.id) };
    const event = await eventOfAnswer(tenant, answer);
    expect(event).toMatchObject({ action: 'tenant.create', outcome: 'success', actor: { id: shown.user.id }, details: { slug } });
    expect(JSON.stringify(event)).not.toContain(PASSWORD);
    const place = await env.DIRECTORY.prepare('SELECT state, shard FROM tenants WHERE slug = ?').bind(slug).first();
    expect(place).toEqual({ state: 'active', shard: 's0' });
  });

  test('a slug that is taken is refused by name, and leaves nothing behind', async () => {
    const { slug } = await mintTenant();
    const users = () => env.SHARD_0.prepare('SELECT count(*) AS n FROM users').first('n');
    const before = await users();
    const answer = await call('POST', '/signup', { body: signUpBody(slug) });
    expect(problem(answer)).toMatchObject({ status: 409, code: 'conflict', errors: [{ path: 'tenant.slug' }] });
    expect(answer.headers.get('Set-Cookie')).toBeNull();
    expect(await users()).toBe(before);
  });

  test('a region without a shard is refused by name', async () => {
    const answer = await call('POST', '/signup', { body: signUpBody(`t-${unique()}`, 'eu') });
    expect(problem(answer)).toMatchObject({ status: 422, code: 'invalid', errors: [{ path: 'tenant.region' }] });
  });

  test('several shards of a region fill evenly, and one of another region stays empty', async () => {
    const shards = new Map([...['s0', 's1', 's2'].map((name) => [name, env.SHARD_0] as const)]);
    const base = counted().services;
    const several: Services = { ...base, shards, settings: { ...base.settings, SHARD_REGIONS: 's0=auto,s1=eu,s2=auto' } };
    const counts: Record<string, number> = {};
    for (let i = 0; i < 200; i++) {
      const shard = shardFor(several, 'auto', several.newId('tenant'));
      counts[shard] = (counts[shard] ?? 0) + 1;
    }
    expect(Object.keys(counts).sort()).toEqual(['s0', 's2']);
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(50);
    expect(shardFor(several, 'eu', several.newId('tenant'))).toBe('s1');
  });

  test('beyond the limit of its network it waits, and the log hears of it once', async () => {
    const { services: base } = counted();
    const limited = { ...base, settings: { ...base.settings, SIGN_UPS_PER_HOUR: 2 } };
    const name = `Flood ${unique()}`;
    const from = (ip: string) => {
      const body = signUpBody(`t-${unique()}`);
      return codeOf(signUp(limited, requestFrom(ip), { tenant: { ...body.tenant, name, region: 'auto' }, user: body.user }));
    };
    const net = `10.${Math.floor(Math.random() * 256)}.${Math.floor(Math.random() * 256)}`;
    expect([await from(`${net}.1`), await from(`${net}.2`)]).toEqual(['nothing', 'nothing']);
    expect([await from(`${net}.3`), await from(`${net}.4`)]).toEqual(['rate-limited', 'rate-limited']);
    expect(await from('2001:db8::1')).toBe('nothing');
    const told = (await eventsOf(systemLog())).filter((event) => event.resource.name === name);
    expect(told).toMatchObject([{ action: 'tenant.create', outcome: 'denied', status: 429 }]);
  });

  test('the refusal says when to come back', async () => {
    const { services: base } = counted();
    const closed = { ...base, settings: { ...base.settings, SIGN_UPS_PER_HOUR: 0 } };
    const body = signUpBody(`t-${unique()}`);
    const refused = signUp(closed, requestFrom('198.51.100.7'), { tenant: { ...body.tenant, region: 'auto' }, user: body.user });
    await expect(refused).rejects.toMatchObject({ code: 'rate-limited', retryAfter: 3600 });
  });
});

describe('sign-in', () => {
  test('begins a session of its own, with an event', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor']);
    const answer = await login(tenant.slug, person.email.toUpperCase(), PASSWORD);
    expect(answer.status).toBe(200);
    expect(read(answer, me)).toMatchObject({ user: { id: person.id, roles: ['auditor'] } });
    expect(read(answer, me).session.id).not.toBe(person.sessionId);
    expect((await api({ cookie: cookieOf(answer) }).get('/me')).status).toBe(200);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.sign_in', outcome: 'success', status: 200, actor: { type: 'user', id: person.id } },
      sessionId: read(answer, me).session.id,
    });
  });

  test('unknown organisation, unknown person, wrong password and suspended person get the same answer; the log knows better', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const suspended = await addUser(tenant);
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, suspended.id)]);
    const nobody = `t-${unique()}`;
    const answers = [
      await login(nobody, person.email, PASSWORD),
      await login(tenant.slug, 'nobody@nowhere.test', PASSWORD),
      await login(tenant.slug, person.email, 'not the password'),
      await login(tenant.slug, suspended.email, PASSWORD),
    ];
    const shown = answers.map(({ status, body, headers }) => ({
      ...{ status, body: { ...(body as object), requestId: '' } },
      headers: [...headers].filter(([name]) => name !== 'x-request-id'),
    }));
    expect(shown[0]).toMatchObject({ status: 401, body: { code: 'sign-in-failed' } });
    for (const other of shown.slice(1)) expect(other).toEqual(shown[0]);

    const [unknownTenant, unknownUser, wrong, stopped] = answers as [never, never, never, never];
    expect(await eventOfAnswer(systemLog(), unknownTenant)).toMatchObject({
      reason: 'no such organisation',
      details: { organisation: nobody },
    });
    expect(await eventOfAnswer(tenant, unknownUser)).toMatchObject({
      ...{ action: 'user.sign_in', outcome: 'failure', status: 401, reason: 'no such user' },
      actor: { type: 'anonymous', id: null, name: 'nobody@nowhere.test' },
    });
    expect(await eventOfAnswer(tenant, wrong)).toMatchObject({ reason: 'wrong password', resource: { id: person.id } });
    expect(await eventOfAnswer(tenant, stopped)).toMatchObject({ reason: 'suspended', outcome: 'denied', resource: { id: suspended.id } });
    expect(JSON.stringify([...(await eventsOf(tenant)), ...(await eventsOf(systemLog()))])).not.toMatch(/not the password|correct horse/);
  });

  test.each(['no organisation', 'no person', 'wrong password', 'suspended'])('costs exactly one hash: %s', async (why) => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    if (why === 'suspended')
      await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, person.id)]);
    const { services: base, hashes } = counted();
    const input = {
      tenant: why === 'no organisation' ? `t-${unique()}` : tenant.slug,
      email: why === 'no person' ? `${unique()}@nowhere.test` : person.email,
      password: 'anything',
    };
    expect(await codeOf(signIn(base, requestFrom(), input))).toBe('sign-in-failed');
    expect(hashes()).toBe(1);
  });

  test('that the organisation is suspended learns only who knows the password', async () => {
    const tenant = await mintTenant();
    await tenant.db.batch([statement("UPDATE tenants SET state = 'suspended' WHERE tenant_id = ?", tenant.id)]);
    expect(problem(await login(tenant.slug, tenant.owner.email, 'not the password')).code).toBe('sign-in-failed');
    const answer = await login(tenant.slug, tenant.owner.email, PASSWORD);
    expect(problem(answer)).toMatchObject({ status: 403, code: 'tenant-suspended' });
    expect(answer.headers.get('Set-Cookie')).toBeNull();
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ outcome: 'denied', reason: 'organisation suspended' });
  });

  test('ten wrong guesses close an account for a while, known or not, and the log hears of it once', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const { services: base, hashes } = counted();
    for (const email of [person.email, `${unique()}@nowhere.test`]) {
      const guess = () => codeOf(signIn(base, requestFrom(), { tenant: tenant.slug, email, password: 'guess' }));
      const before = hashes();
      for (let i = 0; i < 10; i++) expect(await guess()).toBe('sign-in-failed');
      for (let i = 0; i < 3; i++) expect(await guess()).toBe('rate-limited');
      expect(hashes() - before).toBe(10);
    }
    const refused = await login(tenant.slug, person.email, PASSWORD);
    expect(problem(refused)).toMatchObject({ status: 429, code: 'rate-limited' });
    expect(Number(refused.headers.get('Retry-After'))).toBeGreaterThan(0);
    const told = (await eventsOf(tenant)).filter((event) => event.status === 429);
    expect(told).toHaveLength(2);
  });

  test('a right password forgets the wrong ones before it', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const { services: base } = counted();
    const guess = () => codeOf(signIn(base, requestFrom(), { tenant: tenant.slug, email: person.email, password: 'guess' }));
    for (let i = 0; i < 9; i++) await guess();
    expect((await login(tenant.slug, person.email, PASSWORD)).status).toBe(200);
    for (let i = 0; i < 9; i++) expect(await guess()).toBe('sign-in-failed');
  });

  test('suspended while the password was being checked: no session begins', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const base = services();
    const derive: typeof base.hashing.derive = async (shard, request) => {
      await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, person.id)]);
      return base.hashing.derive(shard, request);
    };
    const input = { tenant: tenant.slug, email: person.email, password: PASSWORD };
    expect(await codeOf(signIn({ ...base, hashing: { derive } }, requestFrom(), input))).toBe('sign-in-failed');
    const sessions = await tenant.db.rows<{ id: string }>(
      'SELECT id FROM sessions WHERE tenant_id = ? AND user_id = ?',
      tenant.id,
      person.id,
    );
    expect(sessions).toEqual([{ id: person.sessionId }]);
  });

  test('one network has a limit over all accounts', async () => {
    const { services: base } = counted();
    const request = requestFrom('203.0.113.9');
    const key = 'sign-in from 203.0.113.0/24';
    for (let i = 0; i < 299; i++) await base.throttle.begin(key, { limit: 300, windowSeconds: 900 });
    const guess = () => codeOf(signIn(base, request, { tenant: `t-${unique()}`, email: `${unique()}@nowhere.test`, password: 'guess' }));
    expect([await guess(), await guess()]).toEqual(['sign-in-failed', 'rate-limited']);
  });

  test('a hash with old parameters is renewed by the sign-in that it lets in', async () => {
    const tenant = await mintTenant();
    const salt = new Uint8Array(16);
    const key = await services().hashing.derive('s0', { password: PASSWORD, salt, ln: 10, r: 8, p: 1 });
    const old = `$scrypt$ln=10,r=8,p=1$${'A'.repeat(22)}$${Buffer.from(key).toString('base64url')}`;
    const stored = () => tenant.db.first<{ password_hash: string }>('SELECT password_hash FROM users WHERE tenant_id = ?', tenant.id);
    await tenant.db.batch([statement('UPDATE users SET password_hash = ? WHERE tenant_id = ?', old, tenant.id)]);
    expect((await login(tenant.slug, tenant.owner.email, 'not the password')).status).toBe(401);
    expect((await stored())?.password_hash).toBe(old);
    expect((await login(tenant.slug, tenant.owner.email, PASSWORD)).status).toBe(200);
    expect((await stored())?.password_hash).toMatch(/^\$scrypt\$ln=8,r=8,p=3\$/);
    expect((await login(tenant.slug, tenant.owner.email, PASSWORD)).status).toBe(200);
  });
});

describe('passwords', () => {
  test('each hash has its own salt, and only the password opens it', async () => {
    const [one, two] = [await hashPassword(services(), 's0', PASSWORD), await hashPassword(services(), 's0', PASSWORD)];
    expect(one).not.toBe(two);
    expect(await checkPassword(services(), 's0', PASSWORD, one)).toEqual({ matches: true, outdated: false });
    expect(await checkPassword(services(), 's0', `${PASSWORD} `, one)).toEqual({ matches: false, outdated: false });
  });

  test('nobody matches nobody, not even where the derived key is that of the stand-in', async () => {
    expect(await checkPassword(counted().services, 's0', PASSWORD, null)).toEqual({ matches: false, outdated: false });
    expect(await checkPassword(counted().services, 's0', PASSWORD, 'rubbish')).toEqual({ matches: false, outdated: false });
  });

  test('the same password typed on another system matches (NFKC)', async () => {
    const composed = 'pässwörd of twelve';
    const stored = await hashPassword(services(), 's0', composed.normalize('NFC'));
    expect((await checkPassword(services(), 's0', composed.normalize('NFD'), stored)).matches).toBe(true);
  });

  test('a lane takes sixteen at once; the rest is refused, not queued', async () => {
    const lane = env.HASHER.getByName(`lane-${unique()}`);
    const request = { password: 'x', salt: new Uint8Array(16), ln: 10, r: 8, p: 1 };
    const answers = await runInDurableObject(lane, (object) => Promise.all(Array.from({ length: 20 }, () => object.derive(request))));
    expect(answers.filter((answer) => answer !== null)).toHaveLength(16);
    expect(await lane.derive(request)).toHaveLength(32);
  });
});

describe('the throttle', () => {
  const rule = { limit: 2, windowSeconds: 60 };

  test('counts in a fixed window, and a refusal does not prolong it', () => {
    const first = nextAttempt(undefined, rule, 1000);
    const second = nextAttempt(first.attempts, rule, 2000);
    expect([first.waitSeconds, second.waitSeconds]).toEqual([0, 0]);
    const third = nextAttempt(second.attempts, rule, 31_000);
    expect(third).toEqual({ attempts: second.attempts, waitSeconds: 30 });
    expect(nextAttempt(third.attempts, rule, 61_000).waitSeconds).toBe(0);
  });

  test('of many attempts at once exactly the limit gets through', async () => {
    const object = env.THROTTLE.getByName(unique());
    const waits = await Promise.all(Array.from({ length: 8 }, () => object.begin(rule)));
    expect(waits.filter((wait) => wait === 0)).toHaveLength(2);
  });

  test('remembers through eviction, and its alarm leaves nothing', async () => {
    const object = env.THROTTLE.getByName(unique());
    await object.begin(rule);
    await object.begin(rule);
    await evictDurableObject(object);
    expect(await object.begin(rule)).toBeGreaterThan(0);
    expect(await runDurableObjectAlarm(object)).toBe(true);
    await runInDurableObject(object, (_instance, { storage }) => expect([...storage.kv.list()]).toEqual([]));
    expect(await object.begin(rule)).toBe(0);
  });

  test.each([
    ['203.0.113.77', '203.0.113.0/24'],
    ['::ffff:203.0.113.77', '203.0.113.0/24'],
    ['2001:db8:0:1:aaaa::1', '2001:db8:0:1::/64'],
    ['2001:0DB8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    [null, 'unknown'],
  ])('%s is counted for %s', (ip, network) => {
    expect(networkOf(ip)).toBe(network);
  });
});
