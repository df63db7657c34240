import { env } from 'cloudflare:workers';
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { describe, expect, test, vi } from 'vitest';
import type { PolicyValues } from '@gatehouse/core/access/policy.ts';
import { assertionOptions } from '@gatehouse/core/api/factors.ts';
import { policyShown } from '@gatehouse/core/api/policy.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import type { Authenticator } from '../../support/authenticator.ts';
import { proofHeader } from '../../support/browser-key.ts';
import { addPasskey, requireTwoFactors } from '../../support/factors.ts';
import { attachTo, join, makePair, makeRunning, makeSite } from '../../support/site.ts';
import {
  addSession,
  addUser,
  api,
  call,
  cookieOf,
  eventOfAnswer,
  eventsOf,
  problem,
  read,
  type Answer,
  type Tenant,
} from '../../support/tenants.ts';

// Each test makes a whole organisation with sockets.
vi.setConfig({ testTimeout: 20_000 });

type Session = { cookie: string };
const setTenant = async (tenant: Tenant, values: PolicyValues) => {
  const { headers } = await api(tenant.owner).get('/tenant/policy');
  return read(await api(tenant.owner).put('/tenant/policy', { values }, { 'If-Match': headers.get('ETag') ?? '' }), policyShown);
};
const shownAgo = (tenant: Tenant, hours: number) =>
  tenant.db.batch([
    statement('UPDATE sessions SET presence_at = ? WHERE tenant_id = ?', new Date(Date.now() - hours * 3_600_000).toISOString(), tenant.id),
  ]);
/** Shows the passkey in that session. @returns the session as it goes on */
async function showPasskey(session: Session, authenticator: Authenticator): Promise<Session> {
  const asked = read(await api(session).post('/me/step-up/passkey/options'), assertionOptions);
  return { cookie: cookieOf(await api(session).post('/me/step-up/passkey', { credential: await authenticator.sign(asked) })) };
}
const isAsked = (answer: Answer) => expect(problem(answer)).toMatchObject({ status: 403, code: 'presence-required' });

/** A running workspace whose organisation asks for a passkey every four hours. */
async function askingSite() {
  const site = await makeSite();
  const { id } = await makeRunning(site);
  await setTenant(site.tenant, { stepUp: 4 });
  const { authenticator } = await addPasskey(site.dev);
  return { site, id, authenticator };
}

describe('a policy that asks for a passkey’s presence', () => {
  test('refuses a session in which none was shown, with a code of its own, an event and a count', async () => {
    const { site, id } = await askingSite();
    const answer = await attachTo(site.dev, id);
    isAsked(answer);
    expect(problem(answer).detail).toBe('This workspace asks for your passkey every 4 hours');
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      ...{ action: 'connection.open', outcome: 'denied', status: 403, workspaceId: id, details: { policy: 'stepUp' } },
    });
    const { fields } = read(await api(site.tenant.owner).get('/tenant/policy'), policyShown);
    expect(fields.find(({ field }) => field === 'stepUp')).toMatchObject({ value: 4, source: 'tenant', state: 'enforced', refused: 1 });
  });

  test('lets in who shows one, again and again within the hours, and asks anew after them', async () => {
    const { site, id, authenticator } = await askingSite();
    const session = await showPasskey(site.dev, authenticator);
    for (let i = 0; i < 3; i++) expect((await attachTo(session, id)).status).toBe(200);
    await shownAgo(site.tenant, 3.9);
    expect((await attachTo(session, id)).status).toBe(200);
    await shownAgo(site.tenant, 4.1);
    isAsked(await attachTo(session, id));
    expect((await attachTo(await showPasskey(session, authenticator), id)).status).toBe(200);
  });

  test('takes a sign-in by passkey for presence', async () => {
    const { site, id, authenticator } = await askingSite();
    const asked = read(await call('POST', '/login/passkey/options'), assertionOptions);
    const body = { credential: await authenticator.sign(asked) };
    const headers = await proofHeader('POST', '/login/passkey');
    const session = { cookie: cookieOf(await call('POST', '/login/passkey', { body, headers })) };
    expect((await attachTo(session, id)).status).toBe(200);
    expect((await api(site.tenant.owner).get('/me')).status).toBe(200);
  });

  test('is content with no other proof: neither the password nor a passkey that another session showed', async () => {
    const { site, id, authenticator } = await askingSite();
    const second = await addSession(site.tenant, site.dev.id);
    await showPasskey(second, authenticator);
    isAsked(await attachTo(site.dev, id));
    const { owner } = site.tenant;
    const confirmed = await api(owner).post('/me/step-up/password', { password: owner.password });
    expect(confirmed.status).toBe(200);
    isAsked(await attachTo({ cookie: cookieOf(confirmed) }, id));
  });

  test('of a template holds for its workspaces alone, and the fewer hours count', async () => {
    const { site, id, authenticator } = await askingSite();
    const path = `/templates/${site.templateId}/policy`;
    await api(site.tenant.owner).put(path, { values: { stepUp: 1 } }, { 'If-Match': '"0"' });
    const session = await showPasskey(site.dev, authenticator);
    await shownAgo(site.tenant, 2);
    const answer = await attachTo(session, id);
    isAsked(answer);
    expect(problem(answer).detail).toBe('This workspace asks for your passkey every hour');
  });

  test.each([0, 13, 1.5, 'always'])('can’t be set to %s', async (stepUp) => {
    const { tenant } = await makeSite();
    const answer = await api(tenant.owner).put('/tenant/policy', { values: { stepUp } }, { 'If-Match': '"0"' });
    expect(problem(answer).errors).toMatchObject([{ path: 'values.stepUp' }]);
  });

  test('says to whoever may see people how many have none', async () => {
    const { site } = await askingSite();
    await addUser(site.tenant);
    const suspended = await addUser(site.tenant);
    await api(site.tenant.owner).post(`/users/${suspended.id}/suspend`);
    expect(read(await api(site.tenant.owner).get('/tenant/policy'), policyShown).people).toEqual({ total: 3, withoutPasskey: 2 });
    expect(read(await api(site.dev).get('/tenant/policy'), policyShown).people).toBeNull();
  });

  test('keeps the organisation’s rule of two factors apart: whoever lacks one is told that first', async () => {
    const { site, id } = await askingSite();
    const other = await addUser(site.tenant);
    await requireTwoFactors(site.tenant);
    expect(problem(await attachTo(other, id)).code).toBe('second-factor-required');
  });
});

describe('K9: a connection whose person must show a passkey again', () => {
  const stubOf = (id: string) => env.WORKSPACE.getByName(id);

  test('is closed with 4412 when the hours are over, and opens again once one was shown', async () => {
    const { site, id, authenticator } = await askingSite();
    let session = await showPasskey(site.dev, authenticator);
    const { viewer, connectionId } = await join({ ...site.dev, ...session }, id);
    const alarm = await runInDurableObject(stubOf(id), (_object, state) => state.storage.getAlarm());
    expect(alarm).not.toBeNull();
    const over = "UPDATE viewers SET facts = json_set(facts, '$.presenceUntil', '2020-01-01T00:00:00.000Z')";
    await runInDurableObject(stubOf(id), (_object, state) => void state.storage.sql.exec(over));
    await runDurableObjectAlarm(stubOf(id));
    expect((await viewer.closed).code).toBe(4412);
    await shownAgo(site.tenant, 4.1);
    isAsked(await attachTo(session, id));
    session = await showPasskey(session, authenticator);
    expect((await attachTo(session, id)).status).toBe(200);
    await expect
      .poll(
        async () =>
          (await eventsOf(site.tenant)).find(({ action, resource }) => action === 'connection.end' && resource.id === connectionId)?.reason,
      )
      .toBe('a passkey must be shown again');
  });

  test('is one that was open when the policy came: it is asked, not told that its access is gone', async () => {
    const { site, running, viewer } = await makePair();
    await setTenant(site.tenant, { stepUp: 4 });
    const until = () =>
      runInDurableObject(stubOf(running.id), (_object, state) =>
        state.storage.sql
          .exec<{ facts: string }>('SELECT facts FROM viewers')
          .toArray()
          .map(({ facts }) => (JSON.parse(facts) as { presenceUntil: string }).presenceUntil),
      );
    await expect.poll(until).toEqual([new Date(4 * 3_600_000).toISOString()]);
    await runDurableObjectAlarm(stubOf(running.id));
    expect((await viewer.closed).code).toBe(4412);
  });
});
