import { runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import { ledgerOf } from '../../../worker/compose.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { give, makeGroup } from '../../support/groups.ts';
import { everything, objectIds } from '../../support/planted.ts';
import {
  addSession,
  addToken,
  addUser,
  api,
  call,
  eventsOf,
  mintTenant,
  problem,
  services,
  unique,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';

vi.setConfig({ testTimeout: 120_000 });

const ledger = (tenant: Tenant) => ledgerOf(env, services().settings, tenant.shard, tenant.id);
const erase = (by: Pick<Person, 'cookie'>, id: string) => api(by).post(`/users/${id}/erasure`, { reason: 'asked' });
const stateOf = async (tenant: Tenant, id: string) =>
  ((await api(tenant.owner).get(`/users/${id}/erasure`)).body as { erasure: { state: string; erased: number } | null }).erasure;

async function untilDone(tenant: Tenant, id: string) {
  await vi.waitFor(
    async () => {
      await runDurableObjectAlarm(ledger(tenant));
      expect(await stateOf(tenant, id)).toMatchObject({ state: 'done' });
    },
    { timeout: 90_000, interval: 250 },
  );
}

async function deleted(tenant: Tenant, name = 'Pat Person') {
  const person = await addUser(tenant, [], name);
  await api(tenant.owner).delete(`/users/${person.id}`);
  return person;
}

describe('erasing somebody from the log', () => {
  test('leaves their name, address and network nowhere', async () => {
    const before = await objectIds();
    const tenant = await mintTenant();
    const name = `Zebulon ${unique()}`;
    const ip = '203.0.113.91';
    const person = await addUser(tenant, [], name);
    const from = { headers: { 'CF-Connecting-IP': ip } };
    const owner = api(tenant.owner);
    const group = await makeGroup(tenant);
    const token = await addToken(tenant, person);
    const { sessionId } = await addSession(tenant, person.id);
    const login = { tenant: tenant.slug, email: person.email, password: 'not it at all' };
    const answers = [
      await call('GET', '/users', { cookie: person.cookie, ...from }),
      await call('POST', '/login', { body: login, ...from }),
      await owner.patch(`/groups/${group.id}/members`, { add: [{ type: 'user', id: person.id }] }),
      await give(tenant.owner, person, 'auditor'),
      await owner.patch(`/users/${person.id}`, { name: `${name} II` }),
      await call('GET', '/token', { headers: { Authorization: `Bearer ${token.secret}`, 'CF-Connecting-IP': ip } }),
      await owner.delete(`/user-sessions/${sessionId}`),
      await owner.delete(`/users/${person.id}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 401, 200, 201, 200, 200, 204, 204]);
    const held = async () =>
      [...(await everything(before))].flatMap(([place, text]) =>
        [name, person.email, ip]
          .filter((secret) => place !== 'DIRECTORY.local_mails' && text.includes(secret))
          .map((secret) => `${secret} in ${place}`),
      );
    expect(await held()).not.toEqual([]);
    expect((await erase(tenant.owner, person.id)).status).toBe(204);
    await untilDone(tenant, person.id);
    await vi.waitFor(async () => {
      await runDurableObjectAlarm(ledger(tenant));
      expect(await held()).toEqual([]);
    }, 60_000);
  });

  test('is told by who ordered it, whom and why, without a name', async () => {
    const tenant = await mintTenant();
    const person = await deleted(tenant);
    await erase(tenant.owner, person.id);
    const order = (await eventsOf(tenant)).find(({ action }) => action === 'audit.erase');
    expect(order).toMatchObject({
      ...{ outcome: 'success', status: 204, actor: { id: tenant.owner.id }, details: { why: 'asked' } },
      resource: { type: 'user', id: person.id, name: person.id },
    });
    const [row] = await tenant.db.rows<{ name: string }>('SELECT name FROM users WHERE tenant_id = ? AND id = ?', tenant.id, person.id);
    expect(row?.name).toBe('Somebody erased');
  });
});

describe('nobody is erased', () => {
  test('who still has an account', async () => {
    const tenant = await mintTenant();
    const person = await addUser(tenant);
    expect(problem(await erase(tenant.owner, person.id)).code).toBe('conflict');
    expect(await stateOf(tenant, person.id)).toBeNull();
  });

  test('by somebody who is no owner, whatever their role holds', async () => {
    const tenant = await mintTenant();
    const person = await deleted(tenant);
    const admin = await addUser(tenant, ['user-admin']);
    expect(problem(await erase(admin, person.id)).code).toBe('permission-denied');
    expect((await eventsOf(tenant)).find(({ action }) => action === 'audit.erase')).toMatchObject({
      outcome: 'denied',
      resource: { name: person.id },
    });
  });

  test('with a token, or without a confirmation of the last ten minutes', async () => {
    const tenant = await mintTenant();
    const person = await deleted(tenant);
    const { headers } = await addToken(tenant, tenant.owner);
    const byToken = await call('POST', `/users/${person.id}/erasure`, { body: { reason: 'asked' }, headers });
    expect(problem(byToken).code).toBe('browser-only');
    await tenant.db.batch([
      statement(
        'UPDATE sessions SET authenticated_at = ? WHERE tenant_id = ? AND user_id = ?',
        ...[new Date(Date.now() - 11 * 60_000).toISOString(), tenant.id, tenant.owner.id],
      ),
    ]);
    expect(problem(await erase(tenant.owner, person.id)).code).toBe('step-up-required');
    expect(await ledger(tenant).erasure(person.id)).toBeNull();
  });

  test('twice at the same time, nor for a reason in words', async () => {
    const tenant = await mintTenant();
    const person = await deleted(tenant);
    expect(problem(await api(tenant.owner).post(`/users/${person.id}/erasure`, { reason: 'Because of Pat' })).errors).toMatchObject([
      { path: 'reason' },
    ]);
    await erase(tenant.owner, person.id);
    await vi.waitFor(async () => expect(await stateOf(tenant, person.id)).not.toBeNull());
    const again = await erase(tenant.owner, person.id);
    expect([204, 409]).toContain(again.status);
  });
});
