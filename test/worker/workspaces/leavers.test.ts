import { describe, expect, test } from 'vitest';
import type { PolicyValues } from '@gatehouse/core/access/policy.ts';
import { workspace as workspaceSchema } from '@gatehouse/core/api/workspaces.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { sweepLeavers } from '../../../worker/workspaces/leavers.ts';
import {
  addUser,
  api,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  problem,
  read,
  services,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';
import { insertWorkspace } from '../../support/workspaces.ts';

const DAY = 86_400_000;
const inDays = (days: number, floor: PolicyValues = {}): Services => ({
  ...services(),
  settings: { ...services().settings, policy: floor },
  now: () => new Date(Date.now() + days * DAY),
});
const setPolicy = (tenant: Tenant, values: PolicyValues) => api(tenant.owner).put('/tenant/policy', { values }, { 'If-Match': '"0"' });
const suspend = (tenant: Tenant, person: Person) => api(tenant.owner).post(`/users/${person.id}/suspend`);
const rowOf = (tenant: Tenant, id: string) =>
  tenant.db.first<{ owner_id: string; name: string; trashed_at: string | null }>(
    'SELECT owner_id, name, trashed_at FROM workspaces WHERE tenant_id = ? AND id = ?',
    tenant.id,
    id,
  );
const isTrashed = async (tenant: Tenant, id: string) => (await rowOf(tenant, id))?.trashed_at !== null;

async function leaving(): Promise<{ tenant: Tenant; leaver: Person; heir: Person; id: string }> {
  const tenant = await mintTenant();
  const [leaver, heir] = [await addUser(tenant), await addUser(tenant)];
  return { tenant, leaver, heir, id: await insertWorkspace(tenant, { ownerId: leaver.id }) };
}

describe('workspaces of somebody who left', () => {
  test('are kept where no policy says for how long', async () => {
    const { tenant, leaver, id } = await leaving();
    await suspend(tenant, leaver);
    await sweepLeavers(inDays(0));
    await sweepLeavers(inDays(3650));
    expect(await isTrashed(tenant, id)).toBe(false);
  });

  test('go into the trash after the days of the policy, with an event that says why; the deployment’s floor holds, too', async () => {
    for (const floor of [{}, { leavers: 30 }]) {
      const { tenant, leaver, id } = await leaving();
      if (floor.leavers === undefined) await setPolicy(tenant, { leavers: 30 });
      await suspend(tenant, leaver);
      await sweepLeavers(inDays(0, floor));
      await sweepLeavers(inDays(29, floor));
      expect(await isTrashed(tenant, id)).toBe(false);
      await sweepLeavers(inDays(31, floor));
      expect(await isTrashed(tenant, id)).toBe(true);
      expect((await eventsOf(tenant)).find(({ action }) => action === 'workspace.delete')).toMatchObject({
        ...{ actor: { type: 'system' }, workspaceId: id, reason: expect.stringContaining('left 30 days ago') },
        details: { policy: 'leavers', until: expect.any(String) },
      });
    }
  });

  test('stay when they come back in time, and their days begin anew', async () => {
    const { tenant, leaver, id } = await leaving();
    await setPolicy(tenant, { leavers: 30 });
    await suspend(tenant, leaver);
    await sweepLeavers(inDays(0));
    await api(tenant.owner).post(`/users/${leaver.id}/activate`);
    await sweepLeavers(inDays(20));
    await suspend(tenant, leaver);
    await sweepLeavers(inDays(25));
    await sweepLeavers(inDays(40));
    expect(await isTrashed(tenant, id)).toBe(false);
    await sweepLeavers(inDays(56));
    expect(await isTrashed(tenant, id)).toBe(true);
  });

  test('of one organisation do not follow the policy of another', async () => {
    const [strict, loose] = [await leaving(), await leaving()];
    await setPolicy(strict.tenant, { leavers: 1 });
    for (const { tenant, leaver } of [strict, loose]) await suspend(tenant, leaver);
    await sweepLeavers(inDays(0));
    await sweepLeavers(inDays(2));
    expect([await isTrashed(strict.tenant, strict.id), await isTrashed(loose.tenant, loose.id)]).toEqual([true, false]);
  });
});

describe('giving a workspace to somebody else', () => {
  const transfer = (tenant: Tenant, id: string, body: object) => api(tenant.owner).post(`/workspaces/${id}/transfer`, body);

  test('makes it theirs, under another name if they like, with an event that names both', async () => {
    const { tenant, leaver, heir, id } = await leaving();
    await suspend(tenant, leaver);
    const answer = await transfer(tenant, id, { userId: heir.id, name: 'inherited' });
    expect(read(answer, workspaceSchema)).toMatchObject({ name: 'inherited', owner: { id: heir.id } });
    expect(await eventOfAnswer(tenant, answer)).toMatchObject({
      ...{ action: 'workspace.transfer', workspaceId: id, details: { from: leaver.id, to: heir.id } },
      diff: [{ path: 'owner', old: leaver.name, new: heir.name }, { path: 'name' }],
    });
    expect((await api(heir).get(`/workspaces/${id}`)).status).toBe(200);
    // Nothing to do a second time.
    expect((await transfer(tenant, id, { userId: heir.id })).status).toBe(200);
  });

  test('takes it out of the hands of who had it', async () => {
    const { tenant, leaver, heir, id } = await leaving();
    expect((await transfer(tenant, id, { userId: heir.id })).status).toBe(200);
    expect((await api(leaver).get(`/workspaces/${id}`)).status).toBe(404);
  });

  test('waits until it is stopped, and is for active people of the organisation', async () => {
    const { tenant, leaver, heir, id } = await leaving();
    const [gone, stranger] = [await addUser(tenant), await addUser(await mintTenant())];
    await suspend(tenant, gone);
    for (const { id: userId } of [gone, stranger])
      expect(problem(await transfer(tenant, id, { userId }))).toMatchObject({ code: 'invalid', errors: [{ path: 'userId' }] });
    const running = await insertWorkspace(tenant, { ownerId: leaver.id, desired: 'running', phase: 'running' });
    expect(problem(await transfer(tenant, running, { userId: heir.id }))).toMatchObject({ code: 'not-ready' });
  });

  test('asks for another name where they have one of that name, and holds to their quota', async () => {
    const { tenant, heir, id } = await leaving();
    const name = (await rowOf(tenant, id))?.name ?? '';
    await insertWorkspace(tenant, { ownerId: heir.id, name });
    expect(problem(await transfer(tenant, id, { userId: heir.id }))).toMatchObject({ code: 'conflict', errors: [{ path: 'name' }] });
    await api(tenant.owner).put('/tenant/quota', { workspaces: 1, running: null }, { 'If-Match': '"0"' });
    const refused = await transfer(tenant, id, { userId: heir.id, name: 'another' });
    expect(problem(refused)).toMatchObject({ code: 'quota-exceeded' });
  });
});
