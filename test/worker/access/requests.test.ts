import { describe, expect, test } from 'vitest';
import { accessRequest, notices, requestList, type AccessRequest } from '@gatehouse/core/api/access.ts';
import { templateList } from '@gatehouse/core/api/templates.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { aclOf, inHours, insertGroup, makeTemplate, writeAcl } from '../../support/access.ts';
import { attachTo, join, makeRunning, makeSite } from '../../support/site.ts';
import {
  addUser,
  api,
  eventOfAnswer,
  eventsOf,
  mailTo,
  mintTenant,
  problem,
  read,
  services,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';

const ask = async (person: Person, templateId: string, hours = 8): Promise<AccessRequest> =>
  read(await api(person).post('/access-requests', { templateId, hours, reason: 'On call for Yuki' }), accessRequest);
const approve = (person: Person, { id }: { id: string }, body: object = {}) =>
  api(person).post(`/access-requests/${id}/decision`, { decision: 'approve', ...body });
const roleOf = async (person: Person, templateId: string) =>
  read(await api(person).get('/templates'), templateList).items.find(({ id }) => id === templateId)?.role ?? null;
const noticesOf = async (person: Person) => read(await api(person).get('/notices'), notices);

/** A template that everyone sees, one who administers it, and somebody who wants to use it. */
async function makeScene() {
  const tenant = await mintTenant();
  const [pat, lead] = [await addUser(tenant, [], 'Pat Person'), await addUser(tenant, [], 'Lea Lead')];
  const id = await makeTemplate(tenant);
  await writeAcl(tenant, id, [
    { subject: { type: 'everyone' }, role: 'view' },
    { subject: { type: 'user', id: lead.id }, role: 'admin' },
  ]);
  return { tenant, pat, lead, id };
}
/** As if the grant's time had passed. */
const endGrant = (tenant: Tenant, grantId: string) =>
  tenant.db.batch([
    statement("UPDATE template_acl SET expires_at = '2020-01-01T00:00:00.000Z' WHERE tenant_id = ? AND grant_id = ?", tenant.id, grantId),
  ]);

describe('asking', () => {
  test('stands in the log with its reason, reaches the administrators by mail and notice, and shows as asked', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    const answer = await api(pat).post('/access-requests', { templateId: id, hours: 8, reason: 'On call for Yuki' });
    const request = read(answer, accessRequest);
    expect(request).toMatchObject({ state: 'open', mine: true, mayDecide: false, hours: 8 });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      action: 'access_request.create',
      resource: { id: request.id },
      details: { template: id, hours: 8, reason: 'On call for Yuki' },
    });
    await expect.poll(async () => (await mailTo(lead.email))?.text).toContain('On call for Yuki');
    await expect.poll(async () => (await mailTo(tenant.owner.email))?.subject).toContain('Pat Person asks to use');
    expect(await noticesOf(lead)).toEqual({ toDecide: 1, decided: 0 });
    expect(await noticesOf(pat)).toEqual({ toDecide: 0, decided: 0 });
    expect(read(await api(pat).get('/templates?may=ask'), templateList).items).toMatchObject([{ id, asked: true }]);
  });

  test('is for who sees the template and lacks it, once at a time, for 1 hour to 30 days', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    const body = { templateId: id, hours: 8, reason: 'Work' };
    expect((await api(lead).post('/access-requests', body)).status).toBe(409);
    for (const hours of [0, 721, 1.5]) {
      const refused = await api(pat).post('/access-requests', { ...body, hours });
      expect(problem(refused).errors?.[0]?.path).toBe('hours');
    }
    expect((await api(pat).post('/access-requests', { ...body, templateId: await makeTemplate(tenant) })).status).toBe(404);
    expect((await api(pat).post('/access-requests', body)).status).toBe(201);
    expect((await api(pat).post('/access-requests', body)).status).toBe(409);
  });

  test('twenty times an hour at most: each sends mails', async () => {
    const { pat, id } = await makeScene();
    const asked = () => services().throttle.begin(`access-request:${pat.id}`, { limit: 20, windowSeconds: 3600 });
    for (let times = 0; times < 19; times++) await asked();
    await ask(pat, id);
    const refused = await api(pat).post('/access-requests', { templateId: id, hours: 8, reason: 'Again' });
    expect([refused.status, problem(refused).code]).toEqual([429, 'rate-limited']);
  });

  test('is taken back by who asked, and then nobody decides it', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    const request = await ask(pat, id);
    const answer = await api(pat).post(`/access-requests/${request.id}/withdraw`);
    expect(read(answer, accessRequest).state).toBe('withdrawn');
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({ action: 'access_request.withdraw', outcome: 'success' });
    expect((await approve(lead, request)).status).toBe(409);
    expect((await ask(pat, id)).state).toBe('open');
  });
});

describe('approving', () => {
  test('gives `use` until an end, in the log and the list, and tells the asker by mail and notice', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    const request = await ask(pat, id);
    const answer = await approve(lead, request, { hours: 4, note: 'Only tonight' });
    const approved = read(answer, accessRequest);
    expect(approved).toMatchObject({ state: 'approved', decidedBy: 'Lea Lead', note: 'Only tonight', inForce: true });
    expect(Date.parse(approved.expiresAt ?? '') - Date.now()).toBeGreaterThan(3.9 * 3_600_000);
    expect(Date.parse(approved.expiresAt ?? '') - Date.now()).toBeLessThanOrEqual(4 * 3_600_000);
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'access_request.approve', grantId: request.id, reason: 'Only tonight' },
      details: { person: pat.id, hours: 4, expiresAt: approved.expiresAt },
    });
    expect(await roleOf(pat, id)).toBe('use');
    expect((await aclOf(tenant, id)).items).toContainEqual(
      expect.objectContaining({ subject: { type: 'user', id: pat.id }, role: 'use', grantId: request.id, givenBy: 'Lea Lead' }),
    );
    await expect.poll(async () => (await mailTo(pat.email))?.subject).toContain('approved');
    expect(await noticesOf(pat)).toEqual({ toDecide: 0, decided: 1 });
    expect((await api(pat).post('/notices/seen')).status).toBe(204);
    expect(await noticesOf(pat)).toEqual({ toDecide: 0, decided: 0 });
  });

  test('ends by itself and leaves what was there before: it stands beside an entry, never in its place', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    await writeAcl(tenant, id, [
      { subject: { type: 'user', id: lead.id }, role: 'admin' },
      { subject: { type: 'user', id: pat.id }, role: 'view', expiresAt: inHours(500) },
    ]);
    const request = await ask(pat, id);
    await approve(lead, request);
    expect(await roleOf(pat, id)).toBe('use');
    await endGrant(tenant, request.id);
    expect(await roleOf(pat, id)).toBe('view');
    expect((await aclOf(tenant, id)).items.map(({ grantId }) => grantId)).toEqual([null, null]);
    const [shown] = read(await api(pat).get('/access-requests'), requestList).items;
    expect(shown).toMatchObject({ state: 'approved', inForce: false });
  });

  test('never for longer than was asked, never by who asked, and only by who administers the template', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    const request = await ask(pat, id);
    expect(problem(await approve(lead, request, { hours: 9 })).errors?.[0]?.path).toBe('hours');
    expect((await approve(await addUser(tenant), request)).status).toBe(404);
    await writeAcl(tenant, id, [{ subject: { type: 'user', id: pat.id }, role: 'admin' }]);
    const own = await approve(pat, request);
    expect(own.status).toBe(403);
    expect(await eventOfAnswer(tenant, own)).toMatchObject({ action: 'access_request.approve', outcome: 'denied' });
  });

  test('happens once, and not for somebody who has gone', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    const request = await ask(pat, id);
    const answers = await Promise.all([approve(lead, request), approve(tenant.owner, request)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    const other = await addUser(tenant);
    const late = await ask(other, id);
    await tenant.db.batch([statement("UPDATE users SET state = 'suspended' WHERE tenant_id = ? AND id = ?", tenant.id, other.id)]);
    expect((await approve(lead, late)).status).toBe(409);
  });

  test('what was approved can be ended earlier or taken away in the list, not made more', async () => {
    const { tenant, pat, lead, id } = await makeScene();
    const request = await ask(pat, id, 8);
    await approve(lead, request);
    const kept = (await aclOf(tenant, id)).items;
    const withGrant = (change: object) => kept.map((item) => (item.grantId === null ? item : { ...item, ...change }));
    expect((await writeAcl(tenant, id, withGrant({ role: 'admin' }))).status).toBe(422);
    expect((await writeAcl(tenant, id, withGrant({ expiresAt: null }))).status).toBe(422);
    expect((await writeAcl(tenant, id, withGrant({ expiresAt: inHours(1) }))).status).toBe(200);
    expect(await roleOf(pat, id)).toBe('use');
    expect(
      (
        await writeAcl(
          tenant,
          id,
          kept.filter(({ grantId }) => grantId === null),
        )
      ).status,
    ).toBe(200);
    expect(await roleOf(pat, id)).toBe('view');
    expect(read(await api(pat).get(`/access-requests/${request.id}`), accessRequest).inForce).toBe(false);
  });
});

test('a denial needs a word, is in the log, and the asker reads it', async () => {
  const { tenant, pat, lead, id } = await makeScene();
  const request = await ask(pat, id);
  const deny = (note: string) => api(lead).post(`/access-requests/${request.id}/decision`, { decision: 'deny', note });
  expect(problem(await deny(' ')).errors?.[0]?.path).toBe('note');
  const answer = await deny('Use the sandbox');
  expect(await eventOfAnswer(tenant, answer)).toMatchObject({
    action: 'access_request.deny',
    reason: 'Use the sandbox',
    outcome: 'success',
  });
  expect(read(await api(pat).get('/access-requests'), requestList).items).toMatchObject([{ state: 'denied', note: 'Use the sandbox' }]);
  await expect.poll(async () => (await mailTo(pat.email))?.text).toContain('Use the sandbox');
  expect(await roleOf(pat, id)).toBe('view');
});

test('the list of those to decide holds only templates that one administers, in pages, newest first', async () => {
  const { tenant, pat, lead, id } = await makeScene();
  const foreign = await makeTemplate(tenant);
  await writeAcl(tenant, foreign, [{ subject: { type: 'everyone' }, role: 'view' }]);
  const first = await ask(pat, id);
  const second = await ask(await addUser(tenant), id);
  const other = await ask(pat, foreign);
  const of = async (person: Person, query: string) => read(await api(person).get(`/access-requests?${query}`), requestList);
  expect((await of(lead, 'scope=administered&state=open')).items.map((request) => request.id)).toEqual([second.id, first.id]);
  expect((await of(tenant.owner, 'scope=administered')).items.map((request) => request.id)).toEqual([other.id, second.id, first.id]);
  expect((await of(pat, 'scope=administered')).items).toEqual([]);
  const page = await of(lead, 'scope=administered&limit=1');
  expect((await of(lead, `scope=administered&limit=1&cursor=${page.nextCursor}`)).items.map((request) => request.id)).toEqual([first.id]);
  // A group's administrators decide, too.
  const ida = await addUser(tenant);
  const group = await insertGroup(tenant, 'Deciders', [{ type: 'user', id: ida.id }]);
  await writeAcl(tenant, foreign, [{ subject: { type: 'group', id: group }, role: 'admin' }]);
  expect(await noticesOf(ida)).toMatchObject({ toDecide: 1 });
  expect((await approve(ida, other)).status).toBe(200);
});

test('what a connection owes to an approved request stands in its events; what it has anyhow does not', async () => {
  const site = await makeSite();
  const running = await makeRunning(site);
  await writeAcl(site.tenant, site.templateId, [{ subject: { type: 'user', id: site.dev.id }, role: 'view' }]);
  expect((await attachTo(site.dev, running.id)).status).toBe(403);
  const request = await ask(site.dev, site.templateId, 1);
  await approve(site.tenant.owner, request);
  const { connectionId } = await join(site.dev, running.id);
  const grantsOf = async (id: string) =>
    (await eventsOf(site.tenant)).filter(({ resource }) => resource.id === id).map(({ action, grantId }) => [action, grantId]);
  expect(await grantsOf(connectionId)).toEqual([['connection.open', request.id]]);
  await api(site.dev).post(`/workspaces/${running.id}/stop`);
  await expect.poll(() => grantsOf(connectionId)).toContainEqual(['connection.end', request.id]);

  const other = await makeSite();
  const box = await makeRunning(other);
  await join(other.dev, box.id);
  expect((await eventsOf(other.tenant)).find(({ action }) => action === 'connection.open')?.grantId).toBeNull();
});
