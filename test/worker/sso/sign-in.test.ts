import { describe, expect, test } from 'vitest';
import { ssoFinish, ssoFinished } from '@gatehouse/core/api/sso.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import type { Begun } from '../../../worker/sso/begin.ts';
import { finish } from '../../../worker/sso/finish.ts';
import { beginSignIn } from '../../../worker/sso/sign-in.ts';
import { countedServices } from '../../support/counted-services.ts';
import { give, makeRole } from '../../support/groups.ts';
import { connect, finishOf, mintClient, signInBy, TestBrowser } from '../../support/oidc/sign-in.ts';
import {
  addUser,
  api,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  problem,
  read,
  requestFrom,
  unique,
  type Answer,
  type Tenant,
} from '../../support/tenants.ts';

const entered = (answer: Answer) => {
  const finished = read(answer, ssoFinished);
  if (finished.purpose !== 'sign-in') throw new Error('Nobody signed in');
  return finished;
};
const trustDomain = (tenant: Tenant, domain: string, provider: string) =>
  tenant.db.batch([
    statement(
      'INSERT INTO mail_domains (tenant_id, domain, challenge, verified_at, provider_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      ...[tenant.id, domain, 'x', '2026-01-01T00:00:00Z', provider, '2026-01-01T00:00:00Z'],
    ),
  ]);
const anybody = { rule: 'anybody' } as const;

describe('signing in through a provider', () => {
  test('adds a person by the rule, begins a session bound to the browser’s key, and knows them again', async () => {
    const tenant = await mintTenant();
    const email = `${unique()}@people.test`;
    const client = await mintClient({ email, email_verified: true });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    const browser = new TestBrowser();
    const first = await signInBy(browser, tenant, id, '/templates?q=x#a');
    const { me, returnTo } = entered(first);
    expect(me).toMatchObject({
      user: { name: 'Nadia New', email, emailVerified: true, roles: [] },
      session: { method: 'sso', hasKey: true },
    });
    expect(returnTo).toBe('/templates?q=x#a');
    const told = (await eventsOf(tenant)).filter(({ requestId }) => requestId === first.headers.get('X-Request-Id'));
    expect(told).toMatchObject([
      { action: 'user.provision', actor: { type: 'system' }, resource: { id: me.user.id } },
      { action: 'user.sign_in', actor: { type: 'user' }, details: { method: 'sso', provider: id } },
    ]);
    expect((await api(browser).get('/me')).status).toBe(200);

    await client.somebody({ name: 'Other Name', email: 'other@else.test' });
    const again = entered(await signInBy(new TestBrowser(), tenant, id));
    expect(again.me.user.id).toBe(me.user.id);
  });

  test('takes four trips to the database there, and seven back', async () => {
    const tenant = await mintTenant();
    const client = await mintClient({ email: `${unique()}@people.test` });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    entered(await signInBy(new TestBrowser(), tenant, id));
    const [going, coming] = [countedServices(), countedServices()];
    let begun: Begun = { url: '', browser: '' };
    const asked = { tenant: tenant.slug, provider: id, returnTo: '/' };
    const there = await going.count(async () => (begun = await beginSignIn(going.services, requestFrom(), asked, undefined)));
    const answer = ssoFinish.parse(finishOf(await new TestBrowser().visit(begun.url)));
    const nobody = () => Promise.reject(new Error('Nobody is signed in'));
    const back = await coming.count(() => finish(coming.services, requestFrom(), answer, begun.browser, nobody));
    expect([there.trips, back.trips]).toEqual([4, 7]);
  });

  test('a private key of ours authenticates instead of a secret', async () => {
    const tenant = await mintTenant();
    const client = await mintClient({ email: `${unique()}@people.test` });
    const { id, connection } = await connect(tenant, { ...client.config, authentication: 'key', admission: anybody });
    const jwks = { keys: [connection.publicKey] };
    await client.change({
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'RS256',
      jwks,
      client_secret: undefined,
    });
    expect(entered(await signInBy(new TestBrowser(), tenant, id)).me.user.name).toBe('Nadia New');
  });

  test('nobody is added where the rule says so, and the log says why', async () => {
    const tenant = await mintTenant();
    const client = await mintClient({ email: `${unique()}@people.test` });
    const { id } = await connect(tenant, client.config);
    const answer = await signInBy(new TestBrowser(), tenant, id);
    expect(problem(answer)).toMatchObject({ status: 403, code: 'sso-refused' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'user.sign_in',
      outcome: 'denied',
      details: { subject: client.sub },
    });
  });

  test('a person who is here is tied to the account only where the organisation trusts the provider with the domain', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor']);
    const client = await mintClient({ email: person.email });
    const { id } = await connect(tenant, { ...client.config, admission: anybody });
    expect(problem(await signInBy(new TestBrowser(), tenant, id))).toMatchObject({
      code: 'sso-refused',
      detail: expect.stringContaining('not trusted'),
    });
    await trustDomain(tenant, `${tenant.slug}.test`, id);
    await client.somebody({ email: person.email, email_verified: false });
    expect(problem(await signInBy(new TestBrowser(), tenant, id))).toMatchObject({
      code: 'sso-refused',
      detail: expect.stringContaining('not verified'),
    });
    await client.somebody({ email: person.email.toUpperCase() });
    expect(entered(await signInBy(new TestBrowser(), tenant, id)).me.user).toMatchObject({ id: person.id, roles: ['auditor'] });
    expect((await eventsOf(tenant)).filter(({ action }) => action === 'user.link')).toHaveLength(1);
  });

  test('roles and groups follow the token; what was given by hand stays', async () => {
    const tenant = await mintTenant();
    const email = `${unique()}@people.test`;
    const client = await mintClient({ email, roles: ['ops'], groups: ['Backend', 'Owners'] });
    const config = {
      ...{ ...client.config, scopes: ['openid', 'profile', 'email', 'groups'], admission: anybody },
      claims: { groups: 'groups', roles: 'roles' },
      roles: [{ value: 'ops', role: 'auditor' }],
    };
    const { id } = await connect(tenant, config);
    const browser = new TestBrowser();
    const { me } = entered(await signInBy(browser, tenant, id));
    expect(me.user.roles).toEqual(['auditor']);
    const groups = async () =>
      (
        await tenant.db.rows<{ name: string }>(
          `SELECT g.name FROM groups g JOIN group_members m ON m.tenant_id = g.tenant_id AND m.group_id = g.id
         WHERE g.tenant_id = ? AND m.member_id = ? ORDER BY g.name`,
          ...[tenant.id, me.user.id],
        )
      ).map(({ name }) => name);
    expect(await groups()).toEqual(['Backend', 'Owners']);
    await client.somebody({ email, roles: [], groups: ['Backend', 'Frontend'] });
    expect(entered(await signInBy(new TestBrowser(), tenant, id)).me.user.roles).toEqual([]);
    expect(await groups()).toEqual(['Backend', 'Frontend']);
  });

  test('nobody maps a claim to a role that they could not give', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    await give(tenant.owner, person, (await makeRole(tenant, ['idp:manage', 'idp:read'])).id);
    const set = { issuer: 'https://idp.example.org', clientId: 'x', authentication: 'secret', secret: 'hush', claims: { roles: 'roles' } };
    const made = await api(person).post('/identity-providers', { name: unique(), preset: 'other' });
    const put = (role: string) =>
      api(person).put(
        `/identity-providers/${(made.body as { id: string }).id}/oidc`,
        { ...set, roles: [{ value: 'boss', role }] },
        { 'If-Match': '"1"' },
      );
    const answer = await put('owner');
    expect(problem(answer)).toMatchObject({ status: 403, code: 'permission-denied' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'idp.update', outcome: 'denied' });
    expect(problem(await put('nothing'))).toMatchObject({ status: 422, errors: [{ path: 'roles.0.role' }] });
  });
});
