import { describe, expect, test } from 'vitest';
import { workspace as workspaceSchema, workspaceLogs } from '@gatehouse/core/api/workspaces.ts';
import { toWatcher, type FromRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { connectControl, openSocket, TestSocket } from '../../support/runners.ts';
import { actionsOf, attachTo, makeRunning, makeSite } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, eventsOf, mintTenant, ORIGIN, read } from '../../support/tenants.ts';

describe('a workspace', () => {
  test('is ordered at its runner with what it needs, and runs when the runner says so', async () => {
    const site = await makeSite();
    const made = await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' });
    expect(made.status).toBe(201);
    const { id } = read(made, workspaceSchema);
    expect(await site.control.until((message) => message.kind === 'order')).toMatchObject({
      order: { workspaceId: id, generation: 1, desired: 'running', owner: { email: site.dev.email } },
    });
    site.tell({
      kind: 'report',
      report: 1,
      time: new Date().toISOString(),
      body: { workspaceId: id, generation: 1, phase: 'starting', step: 'Cloning', percent: 40 },
    });
    await site.control.until((message) => message.kind === 'stored' && message.report === 1);
    expect(read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema)).toMatchObject({
      phase: 'starting',
      step: 'Cloning',
      percent: 40,
    });
    site.tell({ kind: 'report', report: 2, time: new Date().toISOString(), body: { workspaceId: id, generation: 1, phase: 'running' } });
    await site.control.until((message) => message.kind === 'stored' && message.report === 2);
    expect(read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema)).toMatchObject({ phase: 'running', step: null, mine: true });
    expect(await actionsOf(site.tenant, 'workspace.')).toEqual(['workspace.create', 'workspace.running']);
  });

  test('a repeated report is stored once and leaves one event; a late one of an older generation changes nothing', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const report = {
      kind: 'report' as const,
      report: 1,
      time: new Date().toISOString(),
      body: { workspaceId: id, generation: 1, phase: 'running' as const },
    };
    site.tell(report);
    expect(await site.control.until((message) => message.kind === 'stored')).toEqual({ kind: 'stored', report: 1 });
    await api(site.dev).post(`/workspaces/${id}/stop`);
    site.tell({ ...report, report: 2, body: { ...report.body, phase: 'failed', error: 'late' } });
    await site.control.until((message) => message.kind === 'stored' && message.report === 2);
    expect(read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema)).toMatchObject({ phase: 'stopping', error: null });
    expect(await actionsOf(site.tenant, 'workspace.running')).toEqual(['workspace.running']);
  });

  test('a failure says what failed and can be retried with the template’s newest version', async () => {
    const site = await makeSite();
    const { id } = read(await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' }), workspaceSchema);
    site.tell({
      kind: 'report',
      report: 1,
      time: new Date().toISOString(),
      body: { workspaceId: id, generation: 1, phase: 'failed', error: 'The start-up script ended with 3', exitCode: 3 },
    });
    await site.control.until((message) => message.kind === 'stored');
    expect(read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema)).toMatchObject({
      phase: 'failed',
      error: 'The start-up script ended with 3',
    });
    const event = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.running');
    expect(event).toMatchObject({ outcome: 'failure', reason: 'The start-up script ended with 3', details: { exitCode: 3 } });
    await api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, { spec: { startupScript: 'true' } });
    const again = await api(site.dev).post(`/workspaces/${id}/start`);
    expect(read(again, workspaceSchema)).toMatchObject({ phase: 'queued', generation: 2, error: null, template: { version: 2 } });
    expect(await site.control.until((message) => message.kind === 'order' && message.order.generation === 2)).toMatchObject({
      order: { spec: { startupScript: 'true' } },
    });
  });

  test('what is wanted survives a runner that was away', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    site.control.socket.close(1000);
    await site.control.closed;
    await api(site.dev).post(`/workspaces/${id}/stop`);
    const { ready } = await connectControl(site.runner);
    expect(ready.orders).toMatchObject([{ workspaceId: id, generation: 2, desired: 'stopped' }]);
  });

  test('needs a runner that is there and offers the driver', async () => {
    const site = await makeSite();
    site.control.socket.close(1000);
    await expect.poll(async () => (await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' })).status).toBe(409);
  });

  test('needs `use` on the template; `view` is refused and in the log; nothing is 404', async () => {
    const site = await makeSite();
    const items = (role: string) => ({ items: [{ subject: { type: 'everyone' }, role, expiresAt: null }] });
    await api(site.tenant.owner).put(`/templates/${site.templateId}/acl`, items('view'), { 'If-Match': '"2"' });
    const refused = await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' });
    expect(refused.status).toBe(403);
    expect(await eventOfAnswer(site.tenant, refused)).toMatchObject({ action: 'workspace.create', outcome: 'denied' });
    await api(site.tenant.owner).put(`/templates/${site.templateId}/acl`, { items: [] }, { 'If-Match': '"3"' });
    expect((await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' })).status).toBe(404);
  });

  test('can be stopped and deleted by its owner after access was taken away, but neither started nor opened', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await api(site.tenant.owner).put(`/templates/${site.templateId}/acl`, { items: [] }, { 'If-Match': '"2"' });
    expect((await attachTo(site.dev, id)).status).toBe(403);
    expect((await api(site.dev).post(`/workspaces/${id}/stop`)).status).toBe(202);
    expect((await api(site.dev).post(`/workspaces/${id}/start`)).status).toBe(403);
    expect((await api(site.dev).delete(`/workspaces/${id}`)).status).toBe(202);
    expect((await api(site.dev).post(`/workspaces/${id}/purge`)).status).toBe(202);
    site.tell({ kind: 'report', report: 2, time: new Date().toISOString(), body: { workspaceId: id, generation: 3, phase: 'deleted' } });
    await site.control.until((message) => message.kind === 'stored' && message.report === 2);
    expect((await api(site.dev).get(`/workspaces/${id}`)).status).toBe(404);
    expect(await actionsOf(site.tenant, 'workspace.deleted')).toEqual(['workspace.deleted']);
  });

  test('is nobody else’s: another member and another tenant get 404', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const other = await mintTenant();
    for (const stranger of [await addUser(site.tenant), other.owner]) {
      expect((await api(stranger).get(`/workspaces/${id}`)).status).toBe(404);
      expect((await api(stranger).post(`/workspaces/${id}/stop`)).status).toBe(404);
      expect((await attachTo(stranger, id)).status).toBe(404);
    }
  });
});

describe('a build log', () => {
  const chunk = (workspaceId: string, offset: number, text: string, generation = 1): FromRunner => ({
    kind: 'log',
    workspaceId,
    generation,
    offset,
    text,
  });

  test('is kept by bytes, whatever is repeated, and read from any offset', async () => {
    const site = await makeSite();
    const { id } = read(await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' }), workspaceSchema);
    site.tell(chunk(id, 0, 'Klönen …\n'));
    expect(await site.control.until((message) => message.kind === 'logged')).toMatchObject({ offset: 12 });
    site.tell(chunk(id, 0, 'Klönen …\n'));
    expect(await site.control.until((message) => message.kind === 'logged')).toMatchObject({ offset: 12 });
    site.tell(chunk(id, 40, 'after a gap'));
    expect(await site.control.until((message) => message.kind === 'logged')).toMatchObject({ offset: 12 });
    site.tell(chunk(id, 12, 'done\n'));
    await site.control.until((message) => message.kind === 'logged');
    expect(read(await api(site.dev).get(`/workspaces/${id}/logs`), workspaceLogs)).toMatchObject({
      generation: 1,
      offset: 0,
      text: 'Klönen …\ndone\n',
    });
    expect(read(await api(site.dev).get(`/workspaces/${id}/logs?from=12`), workspaceLogs)).toMatchObject({ offset: 12, text: 'done\n' });
  });

  test('reaches a watching page live, with the state', async () => {
    const site = await makeSite();
    const { id } = read(await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' }), workspaceSchema);
    const { socket } = await openSocket(`/workspaces/${id}/logs`, {
      Origin: ORIGIN,
      Cookie: site.dev.cookie,
      'Sec-WebSocket-Protocol': 'gatehouse.v1',
    });
    const page = new TestSocket(socket as WebSocket, (data) => toWatcher.parse(JSON.parse(data as string)));
    expect(await page.next()).toMatchObject({ kind: 'state', phase: 'queued' });
    site.tell(chunk(id, 0, 'one\n'));
    expect(await page.next()).toMatchObject({ kind: 'log', offset: 0, text: 'one\n' });
    site.tell({ kind: 'report', report: 1, time: new Date().toISOString(), body: { workspaceId: id, generation: 1, phase: 'running' } });
    expect(await page.next()).toMatchObject({ kind: 'state', phase: 'running' });
  });

  test('is not for a page of another origin', async () => {
    const site = await makeSite();
    const { id } = read(await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' }), workspaceSchema);
    const { response } = await openSocket(`/workspaces/${id}/logs`, { Origin: 'https://evil.test', Cookie: site.dev.cookie });
    expect(response.status).toBe(403);
  });
});
