import { describe, expect, test, vi } from 'vitest';
import { invitationCreated, tenant as tenantShape } from '@gatehouse/core/api/directory.ts';
import { me } from '@gatehouse/core/api/identity.ts';
import { serviceAccount } from '@gatehouse/core/api/service-accounts.ts';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { app } from '../../../worker/app.ts';
import { OPEN_ROUTES } from '../../../worker/gate.ts';
import { addApp, addPasskey, logIn, mailSaying, requireTwoFactors } from '../../support/factors.ts';
import { isOpen } from '../../support/revocations.ts';
import { enteredBySso } from '../../support/route-calls/sso.ts';
import { openSocket } from '../../support/runners.ts';
import { attachTo, join, makePair, makeRunning, makeSite } from '../../support/site.ts';
import {
  addSession,
  addToken,
  addUser,
  api,
  call,
  cookieOf,
  eventOfAnswer,
  eventsOf,
  fragmentOf,
  mintTenant,
  ORIGIN,
  PASSWORD,
  problem,
  read,
  services,
  unique,
} from '../../support/tenants.ts';

/** Each password that is checked or set costs a quarter of a second, and more where others work. */
vi.setConfig({ testTimeout: 30_000 });

const OPEN_TO_ALL = [
  'GET /api/v1/me',
  'GET /api/v1/me/factors',
  'POST /api/v1/me/session/key',
  'POST /api/v1/me/step-up/password',
  'POST /api/v1/me/passkeys/options',
  'POST /api/v1/me/passkeys',
  'POST /api/v1/me/totp',
  'POST /api/v1/me/totp/confirm',
  'POST /api/v1/logout',
  'DELETE /api/v1/me/sessions',
];

describe('the rule “two factors required”', () => {
  test('is set by an owner who has a second factor, with its diff in the trail', async () => {
    const tenant = await mintTenant();
    const early = await api(tenant.owner).patch('/tenant', { twoFactorsRequired: true });
    expect(problem(early)).toMatchObject({ status: 409, code: 'not-ready' });
    await addApp(tenant.owner);
    const answer = await api(tenant.owner).patch('/tenant', { twoFactorsRequired: true });
    expect(read(answer, tenantShape).twoFactorsRequired).toBe(true);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'tenant.update',
      diff: [{ path: 'twoFactorsRequired', old: false, new: true }],
    });
    const back = await api(tenant.owner).patch('/tenant', { twoFactorsRequired: false, name: 'Renamed' });
    expect(read(back, tenantShape)).toMatchObject({ twoFactorsRequired: false, name: 'Renamed' });
    expect((await eventOfAnswer(tenant, back))?.diff.map(({ path }) => path)).toEqual(['name', 'twoFactorsRequired']);
    expect((await api(await addUser(tenant, ['user-admin'])).patch('/tenant', { twoFactorsRequired: true })).status).toBe(403);
  });

  test('closes what people without one hold open when it begins, and nothing of the others', async () => {
    const { site, viewer, running } = await makePair();
    const { tenant, dev } = site;
    await addApp(tenant.owner);
    const safe = await join(tenant.owner, running.id);
    expect((await api(tenant.owner).patch('/tenant', { twoFactorsRequired: true })).status).toBe(200);
    expect(await viewer.closed).toEqual({ code: 4403, reason: 'Your organisation requires two factors now' });
    expect(isOpen(safe.viewer)).toBe(true);
    expect((await api(dev).get('/me')).status).toBe(200);
  });

  test('asks who signed in by password, and nobody who came from a provider, which asked for theirs', async () => {
    const site = await makeSite();
    const { tenant } = site;
    const { browser: sso, person } = await enteredBySso(tenant);
    const running = await makeRunning({ ...site, dev: { ...person, cookie: sso.cookie } });
    const password = await addSession(tenant, person.id);
    const [open, closing] = [await join(sso, running.id), await join(password, running.id)];
    const tickets = [sso, password].map(async (session) => read(await attachTo(session, running.id), attachment).ticket);
    await addApp(tenant.owner);
    expect((await api(tenant.owner).patch('/tenant', { twoFactorsRequired: true })).status).toBe(200);
    expect(await closing.viewer.closed).toEqual({ code: 4403, reason: 'Your organisation requires two factors now' });
    expect(isOpen(open.viewer)).toBe(true);

    // The same person, asked of each session at each door.
    const asked = await Promise.all([sso, password].map((session) => api(session).get('/workspaces')));
    expect(asked.map(({ status }) => status)).toEqual([200, 403]);
    expect(asked.map(problem)[1]?.code).toBe('second-factor-required');
    const mine = await Promise.all([sso, password].map(async (session) => read(await api(session).get('/me'), me).secondFactor));
    expect(mine).toEqual([
      { set: false, missing: false },
      { set: false, missing: true },
    ]);
    expect(await Promise.all([sso, password].map(async (session) => (await attachTo(session, running.id)).status))).toEqual([200, 403]);
    const dialled = (await Promise.all(tickets)).map((ticket) =>
      openSocket(`/workspaces/${running.id}/connect`, { Origin: ORIGIN, 'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}` }),
    );
    expect((await Promise.all(dialled)).map(({ response }) => response.status)).toEqual([101, 403]);
    // Whoever sets one up has nothing missing any more, by either door.
    await addApp(password);
    expect((await attachTo(password, running.id)).status).toBe(200);
  });

  test('opens no workspace with a ticket from before it', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { ticket } = read(await attachTo(site.dev, id), attachment);
    await requireTwoFactors(site.tenant);
    const headers = { Origin: ORIGIN, 'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}` };
    expect((await openSocket(`/workspaces/${id}/connect`, headers)).response.status).toBe(403);
  });

  test('is not for tokens to change: not even with every scope', async () => {
    const tenant = await mintTenant();
    await addApp(tenant.owner);
    const { headers } = await addToken(tenant, tenant.owner);
    expect((await call('PATCH', '/tenant', { body: { name: 'By a token' }, headers })).status).toBe(200);
    const answer = await call('PATCH', '/tenant', { body: { twoFactorsRequired: true }, headers });
    expect(problem(answer).code).toBe('browser-only');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'tenant.update', outcome: 'denied', actor: { via: 'token' } });
  });

  test('stops the tokens of whoever lacks one, and no service account’s', async () => {
    const tenant = await mintTenant();
    const [bare, safe] = [await addUser(tenant), await addUser(tenant)];
    await addPasskey(safe);
    const robot = read(await api(tenant.owner).post('/service-accounts', { name: 'siem-puller' }), serviceAccount);
    const tokens = await Promise.all([bare, safe, robot].map((owner) => addToken(tenant, owner)));
    await requireTwoFactors(tenant);
    const ask = () => Promise.all(tokens.map(({ headers }) => call('GET', '/token', { headers })));
    const answers = await ask();
    await ask();
    expect(answers.map(({ status }) => status)).toEqual([403, 200, 200]);
    expect(answers.map(problem)[0]?.code).toBe('second-factor-required');
    const told = (await eventsOf(tenant)).filter(({ action }) => action === 'token.use');
    expect(told).toMatchObject([{ outcome: 'denied', status: 403, reason: 'owner lacks the second factor', actor: { id: bare.id } }]);
  });

  const registered = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`);
  const closed = [...new Set(registered)].filter((route) => !(route in OPEN_ROUTES) && !OPEN_TO_ALL.includes(route));
  test('keeps somebody without one from every route but those to set one up and to leave', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['owner']);
    await requireTwoFactors(tenant);
    const unheard: string[] = [];
    for (const route of closed) {
      const [method = '', path = ''] = route.split(' ');
      const answer = await call(method, path.replace('/api/v1', '').replace(/:\w+/g, services().newId('workspace')), {
        cookie: person.cookie,
      });
      if (problem(answer)?.code !== 'second-factor-required') unheard.push(`${route}: ${answer.status}`);
    }
    expect(unheard).toEqual([]);
    const told = (await eventsOf(tenant)).filter(({ action, actor }) => action === 'request.denied' && actor.id === person.id);
    expect(told).toMatchObject([{ outcome: 'denied', status: 403 }]);
  });

  test.each(['passkey', 'app'])('leads through sign-in to a %s, and then everything is open', async (which) => {
    const tenant = await mintTenant();
    const person = await addUser(tenant, ['auditor']);
    await requireTwoFactors(tenant);
    const answer = await logIn(tenant, person);
    expect(read(answer, me).secondFactor).toEqual({ set: false, missing: true });
    const session = { cookie: cookieOf(answer) };
    expect((await api(session).get('/audit/events')).status).toBe(403);
    if (which === 'passkey') await addPasskey(session);
    else await addApp(session);
    expect(read(await api(session).get('/me'), me).secondFactor).toEqual({ set: true, missing: false });
    expect((await api(session).get('/audit/events')).status).toBe(200);
  });

  test('meets whoever joins, in the very answer that signs them in', async () => {
    const tenant = await mintTenant();
    const { link } = read(await api(tenant.owner).post('/invitations', { email: `${unique()}@joins.test` }), invitationCreated);
    await requireTwoFactors(tenant);
    const joined = await call('POST', '/invitations/accept', { body: { token: fragmentOf(link), name: 'Nina', password: PASSWORD } });
    expect(read(joined, me).secondFactor).toEqual({ set: false, missing: true });
  });

  test('somebody’s last factor can’t be removed under it, another one can', async () => {
    const tenant = await mintTenant();
    const { id } = await addPasskey(tenant.owner);
    await addApp(tenant.owner);
    await requireTwoFactors(tenant);
    expect((await api(tenant.owner).delete('/me/totp')).status).toBe(204);
    const last = await api(tenant.owner).delete(`/me/passkeys/${id}`);
    expect(problem(last)).toMatchObject({ status: 409, code: 'conflict' });
    expect((await api(tenant.owner).get('/me')).status).toBe(200);
  });
});

describe('somebody who has lost every factor', () => {
  test('is helped by an administrator: factors and sessions end, the password stays, and both logs and mail say so', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    await addApp(person);
    await addPasskey(person);
    const admin = await addUser(tenant, ['user-admin']);
    const answer = await api(admin).delete(`/users/${person.id}/factors`);
    expect(answer.status).toBe(204);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'user.reset_factors', actor: { id: admin.id }, resource: { id: person.id, name: person.name } },
      details: { sessionsEnded: 1 },
    });
    expect((await api(person).get('/me')).status).toBe(401);
    expect((await logIn(tenant, person)).status).toBe(200);
    await mailSaying(person.email, /removed your passkeys/);
    expect(problem(await api(admin).delete(`/users/${person.id}/factors`))).toMatchObject({ status: 409, code: 'not-ready' });
  });

  test('but nobody does it to somebody mightier, or to themselves', async () => {
    const tenant = await mintTenant();
    await addApp(tenant.owner);
    const admin = await addUser(tenant, ['user-admin']);
    const answer = await api(admin).delete(`/users/${tenant.owner.id}/factors`);
    expect(problem(answer)).toMatchObject({ status: 403, code: 'permission-denied' });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'user.reset_factors', outcome: 'denied' });
    expect(problem(await api(admin).delete(`/users/${admin.id}/factors`))).toMatchObject({ status: 409, code: 'conflict' });
    expect((await logIn(tenant, tenant.owner)).status).toBe(202);
  });
});
