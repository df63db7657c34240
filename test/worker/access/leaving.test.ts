import { describe, expect, test, vi } from 'vitest';
import { groupMapping } from '@gatehouse/core/api/group-mappings.ts';
import { scimTokenCreated } from '@gatehouse/core/api/scim.ts';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { sweepRevocations } from '../../../worker/access/sweep.ts';
import { placeOf } from '../../../worker/sso/addresses.ts';
import { signInBy } from '../../support/oidc/sign-in.ts';
import { isOpen, openRows, takeAclAway, tasksOf } from '../../support/revocations.ts';
import { enteredBySso } from '../../support/route-calls/sso.ts';
import { openSocket } from '../../support/runners.ts';
import { groupBody, made, ownDomain, scim, userBody, withServices } from '../../support/scim.ts';
import { attachTo, join, makeRunning, makeSite } from '../../support/site.ts';
import { addSession, addToken, api, call, ORIGIN, problem, read, services, unique } from '../../support/tenants.ts';

// Each test makes a whole organisation with sockets, and signs somebody in at a real provider.
vi.setConfig({ testTimeout: 30_000 });

const LOGOUT = { backchannel_logout_uri: 'https://gatehouse.test/logout', backchannel_logout_session_required: false };

/** Somebody who came in through a provider whose directory keeps them. */
async function entered() {
  const site = await makeSite();
  const { tenant } = site;
  const { id: provider, person, browser, there, sub } = await enteredBySso(tenant, LOGOUT);
  const { secret } = read(await api(tenant.owner).post(`/identity-providers/${provider}/scim-tokens`, {}), scimTokenCreated);
  const directory = scim({ secret });
  await ownDomain(tenant, person.email.split('@')[1] ?? '', provider);
  const emails = [{ value: person.email }];
  expect(await made(directory.post('/Users', userBody(unique(), { emails })))).toBe(person.id);
  const signOutThere = async () => {
    const body = new URLSearchParams({ logout_token: await there.logoutToken({ sub }) }).toString();
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    return call('POST', `/sso/backchannel-logout/${placeOf(tenant.db, provider)}`, { body, headers });
  };
  return { site, tenant, person, provider, secret, directory, browser, cookie: browser.cookie, signOutThere };
}

/** They work: from that session, and from one by password; an owner looks on. */
async function atWork() {
  const who = await entered();
  const { site, tenant, person, cookie } = who;
  const running = await makeRunning({ ...site, dev: { ...person, cookie } });
  const byPassword = await addSession(tenant, person.id);
  const open = { sso: await join({ cookie }, running.id), password: await join(byPassword, running.id) };
  const other = await join(tenant.owner, running.id);
  const token = await addToken(tenant, person);
  const { ticket } = read(await attachTo({ cookie }, running.id), attachment);
  const dial = () =>
    openSocket(`/workspaces/${running.id}/connect`, { Origin: ORIGIN, 'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}` });
  /** how each thing that let them in is answered now */
  const letIn = async () => ({
    sso: (await api({ cookie }).get('/me')).status,
    attach: (await attachTo({ cookie }, running.id)).status,
    ticket: (await dial()).response.status,
    password: (await api(byPassword).get('/me')).status,
    token: (await call('GET', '/token', { headers: token.headers })).status,
  });
  return { ...who, running, open, other, letIn };
}
/** The runner is told, and ends their streams. */
const leftBy = ({ link, control }: Awaited<ReturnType<typeof makeRunning>>, number: number) =>
  link.until((each) => {
    const told = each.type === 'control' ? control(each) : null;
    return told?.kind === 'left' && told.viewer === number;
  });

type Work = Awaited<ReturnType<typeof atWork>>;

const REFUSED = { sso: 401, attach: 401, ticket: 403 };
const SUSPENDED = { reason: 'Your account was suspended', after: { ...REFUSED, password: 401, token: 401 } };
const active = (value: unknown) => ({ op: 'replace', path: 'active', value });

const LEAVING: Array<
  [string, (work: Work) => Promise<{ status: number }>, number, Pick<typeof SUSPENDED, 'after'> & { reason: string | RegExp }]
> = [
  ['PATCH', ({ directory, person }) => directory.patch(`/Users/${person.id}`, active(false)), 200, SUSPENDED],
  ['PUT', ({ directory, person }) => directory.put(`/Users/${person.id}`, userBody(unique(), { active: false })), 200, SUSPENDED],
  ['DELETE', ({ directory, person }) => directory.delete(`/Users/${person.id}`), 204, SUSPENDED],
  [
    'back-channel logout',
    (work) => work.signOutThere(),
    200,
    { reason: /^IdP \w+ signed you out$/, after: { ...REFUSED, password: 200, token: 200 } },
  ],
];

describe('somebody whom the directory or the provider lets go', () => {
  test.each(LEAVING)(
    'by %s: sockets close, and what let them in is refused from that answer on',
    async (_how, leave, status, { reason, after }) => {
      const work = await atWork();
      const { site, running, open, other, letIn } = work;
      expect((await leave(work)).status).toBe(status);
      // Nothing is waited for: with the answer it holds.
      expect(await letIn()).toEqual(after);
      expect(await open.sso.viewer.closed).toEqual({ code: 4403, reason: expect.stringMatching(reason) });
      await leftBy(running, open.sso.number);
      await expect.poll(() => tasksOf(site.tenant)).toEqual([]);
      const stay = after.password === 200 ? [open.password, other] : [other];
      if (after.password !== 200) expect((await open.password.viewer.closed).code).toBe(4403);
      expect(stay.every(({ viewer }) => isOpen(viewer))).toBe(true);
      expect((await openRows(site.tenant)).map(({ id }) => id)).toEqual(stay.map(({ connectionId }) => connectionId).toSorted());
    },
  );
});

test('what crashes between a suspension by the directory and its sockets is done by the sweep', async () => {
  const { tenant, person, secret, open } = await atWork();
  const revocation = { ...services().revocation, run: () => Promise.reject(new Error('the machine is gone')) };
  const crashing = scim({ secret }, withServices({ ...services(), revocation }));
  expect((await crashing.patch(`/Users/${person.id}`, active(false))).status).toBe(200);
  expect(await tasksOf(tenant)).toHaveLength(1);
  expect(isOpen(open.sso.viewer)).toBe(true);
  await sweepRevocations({ ...services(), now: () => new Date(Date.now() + 60_000) });
  expect(await open.sso.viewer.closed).toEqual({ code: 4403, reason: SUSPENDED.reason });
  expect(await tasksOf(tenant)).toEqual([]);
});

test('who is suspended does not come in through the provider again; let in again, they open their workspace', async () => {
  const { tenant, person, provider, directory, browser, open, running } = await atWork();
  await directory.patch(`/Users/${person.id}`, active(false));
  expect((await open.sso.viewer.closed).code).toBe(4403);
  expect(problem(await signInBy(browser, tenant, provider))).toMatchObject({ status: 403, code: 'sso-refused' });
  await directory.patch(`/Users/${person.id}`, active(true));
  expect((await signInBy(browser, tenant, provider)).status).toBe(200);
  expect(isOpen((await join(browser, running.id)).viewer)).toBe(true);
});

/** A group of the directory whose name is mapped to the template. */
async function inGroup() {
  const who = await entered();
  const { site, tenant, person, provider, directory, cookie } = who;
  await takeAclAway(site);
  const target = { type: 'template', id: site.templateId };
  const mapping = read(
    await api(tenant.owner).post(`/identity-providers/${provider}/mappings`, { kind: 'name', pattern: 'devs', target }),
    groupMapping,
  );
  const group = await made(directory.post('/Groups', groupBody('devs', [person.id])));
  const running = await makeRunning({ ...site, dev: { ...person, cookie } });
  return { ...who, mapping, group, running, open: await join({ cookie }, running.id), other: await join(tenant.owner, running.id) };
}
type Grouped = Awaited<ReturnType<typeof inGroup>>;
const member = (id: string) => ({ path: `members[value eq "${id}"]` });

const LOSSES: Array<
  [string, string | RegExp, (work: Grouped) => Promise<{ status: number }>, ((work: Grouped) => Promise<unknown>) | null]
> = [
  [
    'PATCH takes them out',
    'The members of group devs changed',
    ({ directory, group, person }) => directory.patch(`/Groups/${group}`, { op: 'remove', ...member(person.id) }),
    ({ directory, group, person }) => directory.patch(`/Groups/${group}`, { op: 'add', path: 'members', value: [{ value: person.id }] }),
  ],
  [
    'PUT leaves them out',
    'The members of group devs changed',
    ({ directory, group }) => directory.put(`/Groups/${group}`, groupBody('devs')),
    ({ directory, group, person }) => directory.put(`/Groups/${group}`, groupBody('devs', [person.id])),
  ],
  [
    'it has another name',
    'Group devs was renamed',
    ({ directory, group }) => directory.patch(`/Groups/${group}`, { op: 'replace', path: 'displayName', value: 'leavers' }),
    ({ directory, group }) => directory.patch(`/Groups/${group}`, { op: 'replace', path: 'displayName', value: 'devs' }),
  ],
  [
    'it is deleted',
    'Group devs was deleted',
    ({ directory, group }) => directory.delete(`/Groups/${group}`),
    ({ directory, person }) => directory.post('/Groups', groupBody('devs', [person.id])),
  ],
  [
    'its mapping goes',
    /^What groups of IdP \w+ give was changed$/,
    ({ tenant, provider, mapping }) => api(tenant.owner).delete(`/identity-providers/${provider}/mappings/${mapping.id}`),
    null,
  ],
];

describe('a group of the directory that opened a template', () => {
  test.each(LOSSES)('%s: sockets close, the session goes on, and what is given back opens again', async (_how, reason, lose, giveBack) => {
    const work = await inGroup();
    const { tenant, cookie, running, open, other } = work;
    expect((await lose(work)).status).toBeLessThan(300);
    expect((await attachTo({ cookie }, running.id)).status).toBe(403);
    expect(await open.viewer.closed).toEqual({ code: 4403, reason: expect.stringMatching(reason) });
    await expect.poll(() => tasksOf(tenant)).toEqual([]);
    expect(await openRows(tenant)).toEqual([{ id: other.connectionId }]);
    expect((await api({ cookie }).get('/me')).status).toBe(200);
    await giveBack?.(work);
    expect((await attachTo({ cookie }, running.id)).status).toBe(giveBack === null ? 403 : 200);
  });
});
