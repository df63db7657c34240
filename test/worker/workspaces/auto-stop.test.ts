import { expect, test } from 'vitest';
import type { PolicyValues } from '@gatehouse/core/access/policy.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { sweepIdleWorkspaces } from '../../../worker/workspaces/auto-stop.ts';
import { join, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { api, eventsOf, services } from '../../support/tenants.ts';

const inMinutes = (minutes: number, floor: PolicyValues = {}): Services => ({
  ...services(),
  settings: { ...services().settings, policy: floor },
  now: () => new Date(Date.now() + minutes * 60_000),
});
const setTenant = (site: Site, values: PolicyValues, revision = 0) =>
  api(site.tenant.owner).put('/tenant/policy', { values }, { 'If-Match': `"${revision}"` });
const desired = async (site: Site, id: string) =>
  (await site.tenant.db.first<{ desired: string }>('SELECT desired FROM workspaces WHERE tenant_id = ? AND id = ?', site.tenant.id, id))
    ?.desired;

test('a workspace that nobody is connected to is stopped after the time of its policy, with an event, and its runner is told', async () => {
  const site = await makeSite();
  const { id } = await makeRunning(site);
  await setTenant(site, { autoStop: 30 });
  await sweepIdleWorkspaces(inMinutes(29));
  expect(await desired(site, id)).toBe('running');
  await sweepIdleWorkspaces(inMinutes(31));
  expect(await desired(site, id)).toBe('stopped');
  const stopped = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.stop');
  expect(stopped).toMatchObject({
    actor: { type: 'system' },
    reason: 'Nobody was connected for 30 minutes',
    details: { policy: 'autoStop' },
  });
  const order = await site.control.until((message) => message.kind === 'order' && message.order.desired === 'stopped');
  expect(order).toMatchObject({ order: { workspaceId: id } });
});

test('one that somebody is connected to runs on, and one that was just left has its time again', async () => {
  const site = await makeSite();
  const running = await makeRunning(site);
  await setTenant(site, { autoStop: 30 });
  const { viewer } = await join(site.dev, running.id);
  await sweepIdleWorkspaces(inMinutes(600));
  expect(await desired(site, running.id)).toBe('running');
  viewer.socket.close(1000);
  await expect
    .poll(() => site.tenant.db.rows('SELECT 1 FROM connections WHERE tenant_id = ? AND ended_at IS NULL', site.tenant.id))
    .toEqual([]);
  await site.tenant.db.batch([
    statement('UPDATE workspaces SET created_at = ?, last_used_at = NULL WHERE tenant_id = ?', '2026-01-01T00:00:00.000Z', site.tenant.id),
  ]);
  await sweepIdleWorkspaces(inMinutes(29));
  expect(await desired(site, running.id)).toBe('running');
  await sweepIdleWorkspaces(inMinutes(31));
  expect(await desired(site, running.id)).toBe('stopped');
});

test('without such a policy it runs on; the deployment’s floor holds for every organisation', async () => {
  const site = await makeSite();
  const { id } = await makeRunning(site);
  await setTenant(site, { upload: 5 });
  await sweepIdleWorkspaces(inMinutes(100_000));
  expect(await desired(site, id)).toBe('running');
  await sweepIdleWorkspaces(inMinutes(61, { autoStop: 60 }));
  expect(await desired(site, id)).toBe('stopped');
});
