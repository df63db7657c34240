import { describe, expect, test } from 'vitest';
import { workspace as workspaceSchema } from '@gatehouse/core/api/workspaces.ts';
import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { connectControl } from '../../support/runners.ts';
import { attachTo, actionsOf, join, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, eventsOf, read } from '../../support/tenants.ts';

const get = async (site: Site, id: string) => read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema);
async function tell(site: Site, number: number, body: WorkspaceReport): Promise<void> {
  site.tell({ kind: 'report', report: number, time: new Date().toISOString(), body });
  await site.control.until((message) => message.kind === 'stored' && message.report === number);
}

describe('a restart', () => {
  test('is one act and one event: viewers are told, the runner gets one order with a generation of its own', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { viewer } = await join(site.dev, id);
    const answer = await api(site.dev).post(`/workspaces/${id}/restart`);
    expect(read(answer, workspaceSchema)).toMatchObject({ desired: 'running', phase: 'queued', generation: 2 });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'workspace.restart', outcome: 'success' });
    const order = await site.control.until((message) => message.kind === 'order');
    expect(order).toMatchObject({ order: { generation: 2, desired: 'running' } });
    expect((await viewer.closed).code).toBe(4410);
    await tell(site, 2, { workspaceId: id, generation: 2, phase: 'running' });
    expect(await actionsOf(site.tenant, 'workspace.')).toEqual([
      ...['workspace.create', 'workspace.running', 'workspace.restart', 'workspace.running'],
    ]);
  });

  test('works from “failed”, and then takes the newest version, in which it may have been mended', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await tell(site, 2, { workspaceId: id, generation: 1, phase: 'failed', error: 'It ended', reason: 'killed' });
    const owner = api(site.tenant.owner);
    const made = await owner.post(`/templates/${site.templateId}/versions`, { spec: { startupScript: 'true' } });
    expect(made.status).toBe(201);
    const restarted = read(await api(site.dev).post(`/workspaces/${id}/restart`), workspaceSchema);
    expect(restarted).toMatchObject({ phase: 'queued', generation: 2, failure: null, error: null, template: { version: 2 } });
  });

  test('is for the owner alone, with “use” on the template', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    expect((await api(site.tenant.owner).post(`/workspaces/${id}/restart`)).status).toBe(403);
    await api(site.tenant.owner).put(`/templates/${site.templateId}/acl`, { items: [] }, { 'If-Match': '"2"' });
    const refused = await api(site.dev).post(`/workspaces/${id}/restart`);
    expect(refused.status).toBe(403);
    expect(await eventOfAnswer(site.tenant, refused)).toMatchObject({ action: 'workspace.restart', outcome: 'denied' });
  });
});

describe('a new name', () => {
  test('stands in the event as old and new, and in the next order; what runs goes on', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await api(site.dev).patch(`/workspaces/${id}`, { name: ' Other-Box ' });
    expect(read(answer, workspaceSchema)).toMatchObject({ name: 'other-box', phase: 'running', generation: 1 });
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      action: 'workspace.rename',
      resource: { id, name: 'other-box' },
      diff: [{ path: 'name', old: 'box', new: 'other-box' }],
    });
    const order = await site.control.until((message) => message.kind === 'order');
    expect(order).toMatchObject({ order: { name: 'other-box', generation: 1 } });
    expect((await attachTo(site.dev, id)).status).toBe(200);
  });

  test('is refused with its field when it is taken or malformed, and to all but the owner', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'second' });
    expect(await api(site.dev).patch(`/workspaces/${id}`, { name: 'second' })).toMatchObject({
      status: 409,
      body: { errors: [{ path: 'name', message: 'is taken' }] },
    });
    expect(await api(site.dev).patch(`/workspaces/${id}`, { name: 'a b' })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'name' }] },
    });
    expect((await api(site.tenant.owner).patch(`/workspaces/${id}`, { name: 'theirs' })).status).toBe(403);
    expect((await api(await addUser(site.tenant)).patch(`/workspaces/${id}`, { name: 'theirs' })).status).toBe(404);
    // The same name again is no change.
    expect((await api(site.dev).patch(`/workspaces/${id}`, { name: 'box' })).status).toBe(200);
    expect(await actionsOf(site.tenant, 'workspace.rename')).toEqual(['workspace.rename']);
  });
});

describe('a failure', () => {
  test('has a code, a sentence and ways out, and its event names the code', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const error = 'The start-up script ended with exit code 7.\nnpm ERR! missing';
    await tell(site, 2, { workspaceId: id, generation: 1, phase: 'failed', error, exitCode: 7, reason: 'start-script-failed' });
    const seen = await get(site, id);
    expect(seen).toMatchObject({ phase: 'failed', failure: 'start-script-failed', error });
    expect(seen.state).toEqual({
      kind: 'start-script-failed',
      word: 'Could not start',
      sentence: 'The template’s start-up script failed. Files are kept.',
      ways: ['start', 'log', 'update', 'ask', 'delete'],
    });
    const event = (await eventsOf(site.tenant)).find(({ action, outcome }) => action === 'workspace.running' && outcome === 'failure');
    expect(event?.details).toMatchObject({ failure: 'start-script-failed', exitCode: 7 });
    // The next start forgets it.
    expect(read(await api(site.dev).post(`/workspaces/${id}/start`), workspaceSchema)).toMatchObject({ failure: null, error: null });
  });

  test('of a runner’s earlier release has no code, and of a later one a code that is not known here: both are told as failed', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await tell(site, 2, { workspaceId: id, generation: 1, phase: 'failed', error: 'Broken' });
    expect((await get(site, id)).state.kind).toBe('failed');
    const body = { workspaceId: id, generation: 1, phase: 'failed', error: 'On fire', reason: 'on-fire' } as unknown as WorkspaceReport;
    await tell(site, 3, body);
    expect(await get(site, id)).toMatchObject({ error: 'On fire', state: { kind: 'failed' } });
  });

  test('of the stop script leaves a workspace that is stopped, and says so', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.dev).post(`/workspaces/${id}/stop`);
    await tell(site, 2, {
      workspaceId: id,
      generation: 2,
      phase: 'stopped',
      error: 'It ended with exit code 3',
      reason: 'stop-script-failed',
    });
    expect(await get(site, id)).toMatchObject({ phase: 'stopped', state: { kind: 'stop-script-failed', word: 'Stopped' } });
    const [, , , stopped] = await eventsOf(site.tenant).then((all) => all.filter(({ action }) => action.startsWith('workspace.')));
    expect(stopped).toMatchObject({ action: 'workspace.stopped', outcome: 'success', details: { failure: 'stop-script-failed' } });
  });
});

test('a wish for a workspace whose runner is offline is kept, said truthfully, and carried out when the runner returns', async () => {
  const site = await makeSite();
  const { id } = await makeRunning(site);
  site.control.socket.close(1000);
  await site.control.closed;
  await expect.poll(async () => (await get(site, id)).state.kind).toBe('lost-running');
  expect((await get(site, id)).state.sentence).toMatch(/^Runner .* is offline since .* UTC; the workspace may still be running there\.$/);
  expect(read(await api(site.dev).post(`/workspaces/${id}/stop`), workspaceSchema).state.kind).toBe('lost-stopping');
  const { ready } = await connectControl(site.runner);
  expect(ready.orders).toMatchObject([{ workspaceId: id, desired: 'stopped', generation: 2 }]);
});
