import { describe, expect, test } from 'vitest';
import { workspace as workspaceSchema, workspaceList } from '@gatehouse/core/api/workspaces.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { sweepTrash } from '../../../worker/workspaces/trash.ts';
import { actionsOf, join, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { addUser, api, eventsOf, read, services } from '../../support/tenants.ts';
import { insertTrashed } from '../../support/workspaces.ts';

const inDays = (days: number): Services => ({ ...services(), now: () => new Date(Date.now() + days * 86_400_000) });
const get = async (site: Site, id: string) => read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema);
const listed = async (site: Site, query = '') =>
  read(await api(site.dev).get(`/workspaces${query}`), workspaceList).items.map(({ id }) => id);
const orderOf = (site: Site, desired: string) =>
  site.control.until((message) => message.kind === 'order' && message.order.desired === desired);
const report = (workspaceId: string, generation: number, phase: 'stopped' | 'deleted') => ({
  ...{ kind: 'report' as const, report: generation, time: new Date().toISOString() },
  body: { workspaceId, generation, phase },
});

describe('a workspace that is deleted', () => {
  test('is stopped, leaves the list for the trash, and says until when it can be restored', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { viewer } = await join(site.dev, id);
    const deleted = read(await api(site.dev).delete(`/workspaces/${id}`), workspaceSchema);
    expect(deleted).toMatchObject({ desired: 'stopped', phase: 'stopping', generation: 2, state: { kind: 'trashed' } });
    expect(Date.parse(deleted.trash?.until ?? '') - Date.parse(deleted.trash?.at ?? '')).toBe(7 * 86_400_000);
    expect(deleted.state.ways).toEqual(['restore', 'log', 'purge']);
    await orderOf(site, 'stopped');
    await viewer.closed;
    expect(await listed(site)).toEqual([]);
    expect(await listed(site, '?trash=true')).toEqual([id]);
    const event = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.delete');
    expect(event).toMatchObject({ resource: { id, name: 'box' }, details: { until: deleted.trash?.until } });
  });

  test('is deleted once: again changes nothing, and what is in the trash neither starts nor changes', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    for (let time = 0; time < 2; time++) expect((await api(site.dev).delete(`/workspaces/${id}`)).status).toBe(202);
    for (const verb of ['start', 'restart', 'update']) {
      expect((await api(site.dev).post(`/workspaces/${id}/${verb}`, {})).body).toMatchObject({
        code: 'not-ready',
        detail: 'The workspace is in the trash. Restore it first.',
      });
    }
    expect((await api(site.dev).patch(`/workspaces/${id}`, { name: 'other' })).status).toBe(409);
    expect(await actionsOf(site.tenant, 'workspace.delete')).toEqual(['workspace.delete']);
  });

  test('keeps what it came to: one that failed is restored as failed', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).post(`/workspaces/${id}/stop`);
    site.tell(report(id, 2, 'stopped'));
    await site.control.until((message) => message.kind === 'stored' && message.report === 2);
    expect(read(await api(site.dev).delete(`/workspaces/${id}`), workspaceSchema)).toMatchObject({ phase: 'stopped', generation: 2 });
    const restored = read(await api(site.dev).post(`/workspaces/${id}/restore`, {}), workspaceSchema);
    expect(restored).toMatchObject({ phase: 'stopped', trash: null, state: { kind: 'stopped' } });
    expect(await listed(site)).toEqual([id]);
    expect(await actionsOf(site.tenant, 'workspace.re')).toEqual(['workspace.restore']);
  });

  test('frees its name; restored, it asks for another where that is taken', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).delete(`/workspaces/${id}`);
    expect((await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' })).status).toBe(201);
    const refused = await api(site.dev).post(`/workspaces/${id}/restore`, {});
    expect(refused).toMatchObject({ status: 409, body: { errors: [{ path: 'name', message: 'is taken' }] } });
    const restored = read(await api(site.dev).post(`/workspaces/${id}/restore`, { name: 'old-box' }), workspaceSchema);
    expect(restored.name).toBe('old-box');
    const event = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.restore');
    expect(event?.diff).toEqual([{ path: 'name', old: 'box', new: 'old-box', secret: false }]);
  });

  test('is restored by its owner and by those who may stop all, by nobody else', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).delete(`/workspaces/${id}`);
    const stranger = await addUser(site.tenant);
    for (const verb of ['restore', 'purge']) expect((await api(stranger).post(`/workspaces/${id}/${verb}`, {})).status).toBe(404);
    expect((await api(site.tenant.owner).post(`/workspaces/${id}/restore`, {})).status).toBe(200);
  });

  test('is deleted for good from the trash only, with an event for the wish and one for what became of it', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    expect((await api(site.dev).post(`/workspaces/${id}/purge`)).body).toMatchObject({ code: 'not-ready' });
    await api(site.dev).delete(`/workspaces/${id}`);
    expect((await api(site.dev).post(`/workspaces/${id}/purge`)).status).toBe(202);
    expect((await api(site.dev).post(`/workspaces/${id}/purge`)).status).toBe(202);
    expect((await get(site, id)).state).toMatchObject({ kind: 'deleting', ways: [] });
    expect((await api(site.dev).post(`/workspaces/${id}/restore`, {})).status).toBe(410);
    await orderOf(site, 'deleted');
    site.tell(report(id, 3, 'deleted'));
    await site.control.until((message) => message.kind === 'stored' && message.report === 3);
    expect((await api(site.dev).get(`/workspaces/${id}`)).status).toBe(404);
    expect((await actionsOf(site.tenant, 'workspace.')).slice(-3)).toEqual(['workspace.delete', 'workspace.purge', 'workspace.deleted']);
  });
});

describe('the trash', () => {
  test('is emptied by the sweep after seven days, with an event of its own, and the runner is told', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).delete(`/workspaces/${id}`);
    await sweepTrash(inDays(6.9));
    expect((await get(site, id)).desired).toBe('stopped');
    await sweepTrash(inDays(7.1));
    await sweepTrash(inDays(7.1));
    expect((await get(site, id)).desired).toBe('deleted');
    await orderOf(site, 'deleted');
    const purges = (await eventsOf(site.tenant)).filter(({ action }) => action === 'workspace.purge');
    expect(purges).toMatchObject([{ actor: { type: 'system' }, reason: 'It was in the trash for 7 days', resource: { id } }]);
  });

  test('is emptied, too, of what belongs to somebody who was deleted', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).delete(`/workspaces/${id}`);
    expect((await api(site.tenant.owner).delete(`/users/${site.dev.id}`)).status).toBe(204);
    const all = read(await api(site.tenant.owner).get('/workspaces?all=true&trash=true'), workspaceList).items;
    expect(all).toMatchObject([{ id, state: { ways: ['restore', 'log', 'purge'] } }]);
    await sweepTrash(inDays(8));
    expect(await actionsOf(site.tenant, 'workspace.purge')).toEqual(['workspace.purge']);
  });

  test('keeps a template from being deleted, because what is restored needs it', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).delete(`/workspaces/${id}`);
    const refused = await api(site.tenant.owner).delete(`/templates/${site.templateId}`);
    expect(refused.body).toMatchObject({ code: 'conflict', detail: expect.stringContaining('those in the trash for good') as string });
  });

  test('loses no event with its change', async () => {
    const site = await makeSite();
    const id = await insertTrashed(site.tenant);
    const owner = api(site.tenant.owner);
    // Two at once: one does it, the other finds it done, and there is one event.
    const answers = await Promise.all([owner.post(`/workspaces/${id}/purge`), owner.post(`/workspaces/${id}/purge`)]);
    expect(answers.map(({ status }) => status).filter((status) => status !== 409)).toContain(202);
    expect(await actionsOf(site.tenant, 'workspace.purge')).toEqual(['workspace.purge']);
  });
});
