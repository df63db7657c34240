import { describe, expect, test } from 'vitest';
import { policyShown } from '@gatehouse/core/api/policy.ts';
import { serviceAccount } from '@gatehouse/core/api/service-accounts.ts';
import { authenticateToken } from '../../../worker/identity/token-auth.ts';
import { addToken, api, call, eventsOf, mintTenant, problem, read, requestFrom, services, type Tenant } from '../../support/tenants.ts';

const OFFICE = '192.0.2.10';
const CI = '203.0.113.9';

/** Only the office may be worked from. */
async function officeTenant(): Promise<Tenant> {
  const tenant = await mintTenant();
  const headers = { 'If-Match': '"0"', 'CF-Connecting-IP': OFFICE, Cookie: tenant.owner.cookie };
  const answer = await call('PUT', '/tenant/policy', { body: { values: { allowedNetworks: ['192.0.2.0/24'] } }, headers });
  read(answer, policyShown);
  return tenant;
}
const ask = ({ secret }: { secret: string }, ip: string) =>
  call('GET', '/token', { headers: { Authorization: `Bearer ${secret}`, 'CF-Connecting-IP': ip } });
const statuses = async (token: { secret: string }) => [(await ask(token, OFFICE)).status, (await ask(token, CI)).status];
const robotOf = async (tenant: Tenant) => {
  const headers = { 'CF-Connecting-IP': OFFICE };
  return read(await api(tenant.owner).post('/service-accounts', { name: 'siem-puller' }, headers), serviceAccount);
};

describe('networks that the policy allows', () => {
  test('bind a person’s token like the person; the refusal is an event and counted, once in a while', async () => {
    const tenant = await officeTenant();
    const token = await addToken(tenant, tenant.owner);
    expect((await ask(token, OFFICE)).status).toBe(200);
    for (let i = 0; i < 3; i++) expect(problem(await ask(token, CI))).toMatchObject({ status: 403, code: 'network-refused' });
    const refusals = (await eventsOf(tenant)).filter(({ action, resource }) => action === 'token.use' && resource.id === token.id);
    expect(refusals).toMatchObject([
      {
        outcome: 'denied',
        status: 403,
        actor: { id: tenant.owner.id, via: 'token' },
        origin: { ip: CI },
        details: { policy: 'allowedNetworks' },
      },
    ]);
    const shown = await call('GET', '/tenant/policy', { cookie: tenant.owner.cookie, headers: { 'CF-Connecting-IP': OFFICE } });
    expect(read(shown, policyShown).fields.find(({ field }) => field === 'allowedNetworks')).toMatchObject({ refused: 1 });
  });

  test('bind it also where the token names wider ones; its own bind it besides', async () => {
    const tenant = await officeTenant();
    expect(await statuses(await addToken(tenant, tenant.owner, { networks: ['0.0.0.0/0'] }))).toEqual([200, 403]);
    expect(await statuses(await addToken(tenant, tenant.owner, { networks: ['203.0.113.0/24'] }))).toEqual([403, 403]);
  });

  test('bind a service account’s token that names none, and not one that names its own', async () => {
    const tenant = await officeTenant();
    const robot = await robotOf(tenant);
    expect(await statuses(await addToken(tenant, robot))).toEqual([200, 403]);
    expect(await statuses(await addToken(tenant, robot, { networks: ['203.0.113.0/24'] }))).toEqual([403, 200]);
  });

  test('of the deployment bind every token', async () => {
    const tenant = await mintTenant();
    const floor = { ...services(), settings: { ...services().settings, policy: { allowedNetworks: ['192.0.2.0/24'] } } };
    const robot = await robotOf(tenant);
    for (const owner of [tenant.owner, robot]) {
      const { secret } = await addToken(tenant, owner, { networks: ['0.0.0.0/0'] });
      await expect(authenticateToken(floor, requestFrom(OFFICE), secret)).resolves.toBeDefined();
      await expect(authenticateToken(floor, requestFrom(CI), secret)).rejects.toMatchObject({ code: 'network-refused' });
    }
  });
});
