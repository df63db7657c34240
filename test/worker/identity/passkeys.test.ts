import { describe, expect, test, vi } from 'vitest';
import { assertionOptions, factors, passkey, registrationOptions, steppedUp } from '@gatehouse/core/api/factors.ts';
import { me, sessionList } from '@gatehouse/core/api/identity.ts';
import { enterByPasskey } from '../../../worker/identity/passkey-sign-in.ts';
import { sweepSessions } from '../../../worker/identity/sweep.ts';
import { parseUserHandle } from '../../../worker/identity/webauthn.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { Authenticator, type Forgery } from '../../support/authenticator.ts';
import { addPasskey, confirmedAgo, logIn } from '../../support/factors.ts';
import {
  addSession,
  addUser,
  api,
  call,
  cookieOf,
  eventOfAnswer,
  mintTenant,
  problem,
  read,
  requestFrom,
  services,
  systemLog,
  type Person,
} from '../../support/tenants.ts';

/** Each password that is checked or set costs a quarter of a second, and more where others work. */
vi.setConfig({ testTimeout: 30_000 });

const options = async () => read(await call('POST', '/login/passkey/options'), assertionOptions);
const signIn = (credential: unknown) => call('POST', '/login/passkey', { body: { credential } });

describe('a passkey', () => {
  test('is added with its name, told in the trail without its secrets, and signs in without an organisation', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor']);
    const { authenticator, id, recoveryCodes } = await addPasskey(person, { name: 'Work laptop' });
    expect(recoveryCodes).toHaveLength(10);
    const answer = await signIn(await authenticator.sign(await options()));
    expect(answer.status).toBe(200);
    expect(read(answer, me)).toMatchObject({
      ...{ user: { id: person.id, roles: ['auditor'] }, tenant: { slug: tenant.slug } },
      ...{ session: { method: 'passkey' }, secondFactor: { set: true, missing: false } },
    });
    expect((await api({ cookie: cookieOf(answer) }).get('/me')).status).toBe(200);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.sign_in', outcome: 'success', actor: { id: person.id }, details: { method: 'passkey' } },
      sessionId: read(answer, me).session.id,
    });
    const { passkeys } = read(await api(person).get('/me/factors'), factors);
    expect(passkeys).toMatchObject([{ id, name: 'Work laptop', synced: false, backedUp: false, lastUsedAt: expect.any(String) }]);
  });

  test('that its maker copies counts no uses, and says that it is backed up', async () => {
    const tenant = await mintTenant();
    const { authenticator } = await addPasskey(tenant.owner, { synced: true });
    for (let times = 0; times < 2; times++) expect((await signIn(await authenticator.sign(await options()))).status).toBe(200);
    expect(read(await api(tenant.owner).get('/me/factors'), factors).passkeys).toMatchObject([{ synced: true, backedUp: true }]);
  });

  test('is asked for with the person verified, for our host, and not twice on one device', async () => {
    const tenant = await mintTenant();
    const { authenticator } = await addPasskey(tenant.owner);
    const asked = read(await api(tenant.owner).post('/me/passkeys/options'), registrationOptions);
    expect(asked).toMatchObject({
      ...{ rp: { id: 'gatehouse.test' }, authenticatorSelection: { userVerification: 'required', residentKey: 'required' } },
      excludeCredentials: [{ id: authenticator.id }],
    });
    const handle = parseUserHandle(asked.user.id);
    expect(handle).toEqual({ shard: 's0', tenantId: tenant.id, userId: tenant.owner.id });
    expect(Buffer.from(asked.user.id, 'base64url').length).toBeLessThanOrEqual(64);
    const again = await api(tenant.owner).post('/me/passkeys', { name: 'Again', credential: await authenticator.register(asked) });
    expect(problem(again)).toMatchObject({ status: 409, code: 'conflict' });
  });

  test('can be renamed and removed; then it opens nothing', async () => {
    const tenant = await mintTenant();
    const { authenticator, id } = await addPasskey(tenant.owner);
    const renamed = await api(tenant.owner).patch(`/me/passkeys/${id}`, { name: 'Key ring' });
    expect(read(renamed, passkey).name).toBe('Key ring');
    expect(await eventOfAnswer(tenant, renamed)).toMatchObject({
      action: 'passkey.rename',
      diff: [{ path: 'name', old: 'Laptop', new: 'Key ring' }],
    });
    const removed = await api(tenant.owner).delete(`/me/passkeys/${id}`);
    expect(removed.status).toBe(204);
    expect(await eventOfAnswer(tenant, removed)).toMatchObject({ action: 'passkey.remove', details: { passkey: id, name: 'Key ring' } });
    const refused = await signIn(await authenticator.sign(await options()));
    expect(problem(refused)).toMatchObject({ status: 401, code: 'passkey-refused' });
    expect(read(await api(tenant.owner).get('/me/factors'), factors)).toEqual({ passkeys: [], totp: null, recoveryCodes: { left: 0 } });
  });

  test.each<[string, Forgery]>([
    ['made for another page', { origin: 'https://evil.test' }],
    ['made for another host', { rpId: 'evil.test' }],
    ['without the person verified', { userVerified: false }],
    ['of the other ceremony', { type: 'webauthn.get' }],
  ])('%s is not added', async (_name, forged) => {
    const tenant = await mintTenant();
    const asked = read(await api(tenant.owner).post('/me/passkeys/options'), registrationOptions);
    const credential = await (await Authenticator.make()).register(asked, forged);
    const answer = await api(tenant.owner).post('/me/passkeys', { name: 'Laptop', credential });
    expect(problem(answer)).toMatchObject({ status: 422, code: 'invalid', errors: [{ path: 'credential' }] });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'passkey.add', outcome: 'failure' });
  });
});

describe('signing in by passkey is refused', () => {
  test.each<[string, Forgery]>([
    ['on another page', { origin: 'https://evil.test' }],
    ['for another host', { rpId: 'evil.test' }],
    ['without the person verified', { userVerified: false }],
    ['by an answer of the other ceremony', { type: 'webauthn.create' }],
    ['by a copy that has counted fewer uses', { counter: 1 }],
  ])('%s, and in the log', async (_name, forged) => {
    const tenant = await mintTenant();
    const { authenticator } = await addPasskey(tenant.owner);
    for (let times = 0; times < 2; times++) expect((await signIn(await authenticator.sign(await options()))).status).toBe(200);
    const answer = await signIn(await authenticator.sign(await options(), forged));
    expect(problem(answer)).toMatchObject({ status: 401, code: 'passkey-refused' });
    expect(answer.headers.get('Set-Cookie')).toBeNull();
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.sign_in', outcome: 'failure', resource: { id: tenant.owner.id }, details: { method: 'passkey' } },
    });
  });

  test('with a challenge that was used, that is old, that was given for something else, or that is none', async () => {
    const tenant = await mintTenant();
    const { authenticator } = await addPasskey(tenant.owner);
    const asked = await options();
    const signed = await authenticator.sign(asked);
    expect((await signIn(signed)).status).toBe(200);
    expect((await signIn(signed)).status).toBe(401);
    expect((await signIn(await authenticator.sign(asked))).status).toBe(401);

    const stepUp = read(await api(tenant.owner).post('/me/step-up/passkey/options'), assertionOptions);
    expect((await signIn(await authenticator.sign(stepUp))).status).toBe(401);
    expect((await signIn(await authenticator.sign({ challenge: 'AAAA' }))).status).toBe(401);

    const later = { ...services(), now: () => new Date(Date.now() + 301_000) };
    const old = await authenticator.sign(await options());
    await expect(enterByPasskey(later, requestFrom(), old)).rejects.toMatchObject({ code: 'passkey-refused' });
  });

  test('with another one’s key, another person’s or organisation’s handle, and a handle that is none', async () => {
    const [tenant, other] = [await mintTenant(), await mintTenant()];
    const person = await addUser(tenant);
    const { authenticator } = await addPasskey(tenant.owner);
    await addPasskey(other.owner);
    const handleOf = (text: string) => Buffer.from(text).toString('base64url');
    const handles = [
      handleOf(`s0.${tenant.id.slice(4)}.${person.id.slice(4)}`),
      handleOf(`s0.${other.id.slice(4)}.${other.owner.id.slice(4)}`),
      handleOf(`s99.${tenant.id.slice(4)}.${tenant.owner.id.slice(4)}`),
      handleOf('rubbish'),
    ];
    for (const userHandle of handles) expect((await signIn(await authenticator.sign(await options(), { userHandle }))).status).toBe(401);

    const thief = await Authenticator.make();
    const stolen = { ...(await thief.sign(await options(), { userHandle: authenticator.userHandle })), id: authenticator.id };
    expect((await signIn({ ...stolen, rawId: authenticator.id })).status).toBe(401);
    const nobody = await signIn(await thief.sign(await options(), { userHandle: handleOf('rubbish') }));
    expect(await eventOfAnswer(systemLog(), nobody)).toMatchObject({ action: 'user.sign_in', reason: 'no passkey of ours' });
  });

  test('to a suspended person, and to a suspended organisation, which only its people learn', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    const { authenticator } = await addPasskey(person);
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, person.id)]);
    const answer = await signIn(await authenticator.sign(await options()));
    expect(problem(answer).code).toBe('passkey-refused');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ outcome: 'denied', reason: 'suspended' });
    await tenant.db.batch([
      statement("UPDATE users SET state = 'active' WHERE tenant_id = ? AND id = ?", tenant.id, person.id),
      statement("UPDATE tenants SET state = 'suspended' WHERE tenant_id = ?", tenant.id),
    ]);
    expect(problem(await signIn(await authenticator.sign(await options())))).toMatchObject({ status: 403, code: 'tenant-suspended' });
  });
});

describe('confirming by passkey', () => {
  test('makes the session fresh under a new secret, and only an own passkey with this session’s challenge does', async () => {
    const tenant = await mintTenant();
    const { authenticator } = await addPasskey(tenant.owner);
    const person: Person = { ...tenant.owner, ...(await addSession(tenant, tenant.owner.id)) };
    await confirmedAgo(tenant, person.sessionId, 11);
    const asked = async (who: Pick<Person, 'cookie'>) => read(await api(who).post('/me/step-up/passkey/options'), assertionOptions);
    const foreign = await authenticator.sign(await asked(tenant.owner));
    expect(problem(await api(person).post('/me/step-up/passkey', { credential: foreign }))).toMatchObject({ status: 422, code: 'invalid' });

    const other = await addUser(tenant);
    const { authenticator: theirs } = await addPasskey(other);
    const wrong = await api(person).post('/me/step-up/passkey', { credential: await theirs.sign(await asked(person)) });
    expect(wrong.status).toBe(422);
    expect(await eventOfAnswer(tenant, wrong)).toMatchObject({ action: 'user.step_up', outcome: 'failure' });

    const answer = await api(person).post('/me/step-up/passkey', { credential: await authenticator.sign(await asked(person)) });
    expect(Date.now() - Date.parse(read(answer, steppedUp).authenticatedAt)).toBeLessThan(60_000);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'user.step_up',
      outcome: 'success',
      details: { method: 'passkey' },
    });
    expect((await api(person).get('/me')).status).toBe(401);
    const renewed = { cookie: cookieOf(answer) };
    expect((await api(renewed).post('/me/passkeys/options')).status).toBe(200);
    const { items } = read(await api(renewed).get('/me/sessions'), sessionList);
    expect(items.find(({ current }) => current)?.id).toBe(person.sessionId);
  });

  test('is what somebody with passkeys only does: their password alone is not enough for it', async () => {
    const tenant = await mintTenant();
    await addPasskey(tenant.owner);
    const answer = await api(tenant.owner).post('/me/step-up/password', { password: tenant.owner.password });
    expect(problem(answer)).toMatchObject({ status: 409, code: 'not-ready' });
    expect((await logIn(tenant, tenant.owner)).status).toBe(202);
  });
});

test('challenges that nobody answered go with the sweep', async () => {
  const asked = await options();
  const count = () => services().shards.get('s0')?.prepare('SELECT count(*) AS n FROM passkey_challenges').first('n');
  expect(asked.challenge).toHaveLength(43);
  expect(await count()).toBeGreaterThan(0);
  await sweepSessions({ ...services(), now: () => new Date(Date.now() + 86_400_000) });
  expect(await count()).toBe(0);
});
