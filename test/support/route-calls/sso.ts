import { ssoFinished } from '@gatehouse/core/api/sso.ts';
import { placeOf } from '../../../worker/sso/addresses.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { proofHeader } from '../browser-key.ts';
import { connect, finishOf, makeConnection, mintClient, signInBy, start, TestBrowser } from '../oidc/sign-in.ts';
import { addUser, read, unique, type Answer, type Tenant } from '../tenants.ts';
import { ifMatch, NOTHING_YET, own, owner, owns, self, type Ask, type RouteCall } from './call.ts';
import { makeProvider } from '../providers.ts';

/** Nobody listens there. */
const UNREACHABLE = 'http://127.0.0.1:9';
export const OIDC_SET_UP = { issuer: UNREACHABLE, clientId: 'gatehouse', authentication: 'secret', secret: 'hush' } as const;
export const NO_PLACE = 's0.tnt_01m856tm29e6frrs5mmr9m5rhs.idp_01m856tm29e6frrs5mmr9m5rhs';
export const makeUnreachable = async (tenant: Tenant) => (await makeConnection(tenant, OIDC_SET_UP)).id;

/** Its TXT record is among the settings of the tests. */
const PROVABLE = 'provable.example';
export const KNOWN_CHALLENGE = 'known-to-the-tests';

export async function makeDomain(tenant: Tenant, domain = `${unique()}.example`): Promise<string> {
  await tenant.db.batch([
    statement(
      'INSERT INTO mail_domains (tenant_id, domain, challenge, created_at) VALUES (?, ?, ?, ?)',
      ...[tenant.id, domain, KNOWN_CHALLENGE, new Date().toISOString()],
    ),
  ]);
  return domain;
}

/** Somebody whose account at a provider is known. */
async function known(tenant: Tenant, client: Record<string, unknown> = {}, config: Record<string, unknown> = {}) {
  const person = await addUser(tenant);
  const there = await mintClient({ email: person.email }, client);
  const { id } = await connect(tenant, { ...there.config, ...config });
  await tenant.db.batch([
    statement(
      'INSERT INTO identities (tenant_id, issuer, subject, user_id, provider_id, created_at) VALUES (?, ?, ?, ?, ?, ?)',
      ...[tenant.id, there.issuer, there.sub, person.id, id, new Date().toISOString()],
    ),
  ]);
  return { person, id, sub: there.sub, there };
}

const sessionIn = (answer: Answer): string => {
  const finished = read(answer, ssoFinished);
  if (finished.purpose !== 'sign-in') throw new Error('Nobody signed in');
  return finished.me.session.id;
};

const onDomain = (route: string, domain: () => string, body?: unknown) => async (tenant: Tenant, ask: Ask) => {
  const made = await makeDomain(tenant, domain());
  const by = await owner(tenant);
  return own(by, await ask(by, route.replace(':domain', made), body), null);
};
const anyDomain = () => `${unique()}.example`;

export const SSO_CALLS: Record<string, RouteCall> = {
  'PUT /identity-providers/:id/oidc': {
    leaves: ['idp.update'],
    diff: ['issuer', 'clientId', 'secret'],
    call: owns('PUT /identity-providers/:id/oidc', makeProvider, OIDC_SET_UP, ifMatch(1)),
  },
  'DELETE /identity-providers/:id/oidc': {
    leaves: ['idp.update'],
    diff: ['issuer', 'secret'],
    call: owns('DELETE /identity-providers/:id/oidc', makeUnreachable, undefined, ifMatch(2)),
  },
  'POST /identity-providers/:id/oidc/state': {
    leaves: ['idp.update'],
    diff: ['state'],
    call: owns('POST /identity-providers/:id/oidc/state', async (tenant) => (await known(tenant)).id, { state: 'off' }, ifMatch(3)),
  },
  'POST /identity-providers/:id/oidc/discover': {
    leaves: ['idp.test'],
    call: owns('POST /identity-providers/:id/oidc/discover', async (tenant) => (await makeConnection(tenant, {})).id),
  },
  'POST /identity-providers/:id/oidc/test': {
    leaves: 'a way to the provider; what comes back is an event',
    call: owns('POST /identity-providers/:id/oidc/test', async (tenant) => (await known(tenant)).id),
  },
  'POST /identity-providers/domains': {
    leaves: ['idp.domain.add'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(by, await ask(by, 'POST /identity-providers/domains', { domain: anyDomain() }), null);
    },
  },
  'PATCH /identity-providers/domains/:domain': {
    leaves: ['idp.domain.update'],
    diff: ['provider'],
    call: async (tenant, ask) =>
      onDomain('PATCH /identity-providers/domains/:domain', anyDomain, { provider: await makeProvider(tenant) })(tenant, ask),
  },
  'POST /identity-providers/domains/:domain/verify': {
    leaves: ['idp.domain.verify'],
    call: onDomain('POST /identity-providers/domains/:domain/verify', () => PROVABLE),
  },
  'DELETE /identity-providers/domains/:domain': {
    leaves: ['idp.domain.remove'],
    call: onDomain('DELETE /identity-providers/domains/:domain', anyDomain),
  },
  'POST /identity-providers/requirement': {
    leaves: ['idp.require'],
    diff: ['people'],
    call: async (tenant, ask) => {
      const by = await owner(tenant);
      return own(by, await ask(by, 'POST /identity-providers/requirement', { required: false, people: [by.id] }), null);
    },
  },
  'POST /login/realm': {
    leaves: 'an answer that changes nothing',
    call: async (tenant, ask) => ({
      ...{
        answer: await ask(null, 'POST /login/realm', { tenant: tenant.slug }),
        on: null,
        by: { type: 'anonymous', id: null },
        sessionId: null,
      },
    }),
  },
  'POST /login/sso/start': {
    leaves: NOTHING_YET,
    call: async (tenant, ask) => {
      const { id } = await known(tenant);
      const answer = await ask(null, 'POST /login/sso/start', { tenant: tenant.slug, provider: id });
      return { answer, on: null, by: { type: 'anonymous', id: null }, sessionId: null };
    },
  },
  'POST /login/sso': {
    leaves: ['user.sign_in'],
    call: async (tenant, ask) => {
      const { id, person } = await known(tenant);
      const browser = new TestBrowser();
      const back = await browser.visit(await start(browser, tenant, id));
      const answer = await ask(browser, 'POST /login/sso', finishOf(back), await proofHeader('POST', '/login/sso'));
      return { answer, on: person.id, by: { type: 'user', id: person.id }, sessionId: sessionIn(answer) };
    },
  },
  'POST /me/step-up/sso': {
    leaves: 'a way to the provider; what comes back is an event',
    call: async (tenant, ask) => {
      const { id, person } = await known(tenant);
      const browser = new TestBrowser();
      const sessionId = sessionIn(await signInBy(browser, tenant, id));
      return own({ ...person, sessionId }, await ask(browser, 'POST /me/step-up/sso', {}), person.id);
    },
  },
  'POST /logout/sso': { leaves: ['user.sign_out'], call: self((person, _tenant, ask) => ask(person, 'POST /logout/sso')) },
  'POST /sso/backchannel-logout/:place': {
    leaves: ['session.end'],
    call: async (tenant, ask) => {
      const uri = { backchannel_logout_uri: 'https://gatehouse.test/logout', backchannel_logout_session_required: false };
      const { id, sub, there } = await known(tenant, uri);
      const sessionId = sessionIn(await signInBy(new TestBrowser(), tenant, id));
      const token = await there.logoutToken({ sub });
      const form = new URLSearchParams({ logout_token: token }).toString();
      const answer = await ask(null, `POST /sso/backchannel-logout/${placeOf(tenant.db, id)}`, form, {
        'Content-Type': 'application/x-www-form-urlencoded',
      });
      return { answer, on: sessionId, by: { type: 'system', id: null }, sessionId };
    },
  },
};

/** Somebody whose session began at a provider. */
export async function enteredBySso(tenant: Tenant, client: Record<string, unknown> = {}, config: Record<string, unknown> = {}) {
  const found = await known(tenant, client, config);
  const browser = new TestBrowser();
  return { ...found, browser, sessionId: sessionIn(await signInBy(browser, tenant, found.id)) };
}
