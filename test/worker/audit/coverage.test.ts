import { beforeAll, describe, expect, test, vi } from 'vitest';
import { AUDIT_ACTIONS, draftEvent, type DraftEvent } from '@gatehouse/core/audit/event.ts';
import { secondFactor } from '@gatehouse/core/api/factors.ts';
import { app } from '../../../worker/app.ts';
import { statement, type TenantDb } from '../../../worker/platform/tenant-db.ts';
import { addApp, codeOf, logIn } from '../../support/factors.ts';
import { ROUTE_CALLS, type Ask } from '../../support/route-calls.ts';
import { enrollRunner, openSocket } from '../../support/runners.ts';
import {
  addUser,
  api,
  call,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  read,
  systemLog,
  unique,
  type Answer,
  type Tenant,
} from '../../support/tenants.ts';

/** Passwords, and workspaces with their runners, take their time where others work. */
vi.setConfig({ testTimeout: 30_000 });

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const FROM = { 'CF-Connecting-IP': '192.0.2.77', 'User-Agent': FIREFOX };
const ORIGIN = {
  ...{ ip: '192.0.2.77', userAgent: FIREFOX, browser: 'Firefox 140', os: 'Linux', device: 'desktop' },
  ...{ country: null, city: null, asn: null },
};

const ask: Ask = (by, route, body, headers = {}) => {
  const [method = '', path = ''] = route.split(' ');
  return call(method, path, { ...(by ? { cookie: by.cookie } : {}), body, headers: { ...FROM, ...headers } });
};
/** What a request left itself, without what was found because of it. */
const eventsWith = async (db: TenantDb, answer: Answer): Promise<DraftEvent[]> =>
  (await eventsOf({ db })).filter((event) => event.requestId === answer.headers.get('X-Request-Id') && event.action !== 'finding.open');

let tenant: Tenant;
beforeAll(async () => {
  tenant = await mintTenant();
});

test('every route that changes something says here what it leaves', () => {
  const changing = app.routes.filter(({ method }) => !['ALL', 'GET', 'HEAD', 'OPTIONS'].includes(method));
  const routes = new Set(changing.map(({ method, path }) => `${method} ${path.replace('/api/v1', '')}`));
  const told = new Set(Object.keys(ROUTE_CALLS).map((name) => name.replace(/ \(.*/, '')));
  expect([...told].sort()).toEqual([...routes].sort());
});

describe('a change leaves exactly its events, with who, what, from where and by which request', () => {
  test.each(Object.entries(ROUTE_CALLS))('%s', async (_route, { leaves, diff = [], call: make }) => {
    const { answer, on, db = tenant.db, by, sessionId } = await make(tenant, ask);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    const events = await eventsWith(db, answer);
    if (typeof leaves === 'string') return expect(events).toEqual([]);
    expect(events.map(({ action }) => action).sort()).toEqual([...leaves].sort());
    for (const event of events) {
      expect(() => draftEvent.parse(event)).not.toThrow();
      expect(event).toMatchObject({ outcome: 'success', actor: by, sessionId, origin: ORIGIN });
      expect(event.status).toBeLessThan(300);
      expect(event.resource).toMatchObject({ type: AUDIT_ACTIONS[event.action].resource, id: on, name: expect.stringMatching(/./) });
    }
    const paths = events.flatMap((event) => event.diff.map(({ path }) => path));
    for (const wanted of diff)
      expect(
        paths.some((path) => path.startsWith(wanted)),
        `${wanted} in ${paths.join()}`,
      ).toBe(true);
    if (diff.length === 0) expect(paths).toEqual([]);
  });
});

describe('who is refused at the door leaves an event', () => {
  const failed = { action: 'user.sign_in', outcome: 'failure', status: 401, origin: ORIGIN };
  const password = 'not the password';

  test('a wrong password, of somebody who is there and of somebody who is not', async () => {
    const person = await addUser(tenant);
    const known = await ask(null, 'POST /login', { tenant: tenant.slug, email: person.email, password });
    expect(await eventsWith(tenant.db, known)).toMatchObject([
      { ...failed, reason: 'wrong password', resource: { type: 'user', id: person.id }, actor: { type: 'anonymous', name: person.email } },
    ]);
    const email = `${unique()}@nobody.test`;
    const unknown = await ask(null, 'POST /login', { tenant: tenant.slug, email, password });
    expect(await eventsWith(tenant.db, unknown)).toMatchObject([
      { ...failed, reason: 'no such user', resource: { type: 'user', id: null, name: email } },
    ]);
  });

  test('an organisation that nobody has stands in the system’s log', async () => {
    const answer = await ask(null, 'POST /login', { tenant: `no-${unique()}`, email: 'olga@nobody.test', password });
    expect(await eventsWith(systemLog().db, answer)).toMatchObject([{ ...failed, reason: 'no such organisation' }]);
  });

  test('somebody who is suspended, with the right password', async () => {
    const person = await addUser(tenant);
    await api(tenant.owner).post(`/users/${person.id}/suspend`);
    const answer = await ask(null, 'POST /login', { tenant: tenant.slug, email: person.email, password: person.password });
    expect(await eventsWith(tenant.db, answer)).toMatchObject([{ action: 'user.sign_in', outcome: 'denied', reason: 'suspended' }]);
  });

  test('a wrong second factor', async () => {
    const person = await addUser(tenant);
    const { secret } = await addApp(person);
    const { challenge } = read(await logIn(tenant, person), secondFactor);
    const answer = await ask(null, 'POST /login/totp', { challenge, code: codeOf(secret, -40) });
    expect(await eventsWith(tenant.db, answer)).toMatchObject([{ ...failed, resource: { id: person.id } }]);
  });

  test('a runner that was removed and goes on dialling, once an hour', async () => {
    const runner = await enrollRunner(tenant);
    await api(tenant.owner).delete(`/runners/${runner.id}`);
    const dial = () => openSocket('/runner/control', { Authorization: `Bearer ${runner.token}` });
    for (let times = 0; times < 3; times++) expect((await dial()).response.status).toBe(401);
    const events = (await eventsOf(tenant)).filter(({ action, actor }) => action === 'runner.connect' && actor.id === runner.id);
    expect(events).toMatchObject([{ outcome: 'denied', status: 401, reason: 'The runner was removed', resource: { id: runner.id } }]);
  });

  test('somebody whose address nobody has proved, and who wants to enrol a runner', async () => {
    const person = await addUser(tenant, ['owner']);
    await tenant.db.batch([statement('UPDATE users SET email_verified_at = NULL WHERE tenant_id = ? AND id = ?', tenant.id, person.id)]);
    const answer = await ask(person, 'POST /runner-enrollments', { name: 'runner' });
    expect(answer.status).toBe(403);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'runner.enrollment.create', outcome: 'denied', status: 403 });
  });
});

describe('a change of what somebody else has changed meanwhile changes nothing and is told', () => {
  // What a runner puts is its own, and says what comes before it.
  const stale = Object.entries(ROUTE_CALLS).filter(([route]) =>
    /^(PATCH \/(groups|roles|templates)\/:id|PUT (?!\/runner\/).*)$/.test(route),
  );
  test.each(stale)('%s', async (_route, { leaves, call: make }) => {
    const {
      answer,
      db = tenant.db,
      by,
    } = await make(tenant, (person, route, body, headers) =>
      ask(person, route, body, headers && 'If-Match' in headers ? { ...headers, 'If-Match': '"77"' } : headers),
    );
    expect(answer.status).toBe(412);
    expect(await eventsWith(db, answer)).toMatchObject([
      { action: leaves[0], outcome: 'failure', status: 412, actor: by, diff: [], reason: expect.stringMatching(/./) },
    ]);
  });
});
