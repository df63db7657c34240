import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { workspace as workspaceSchema, type Workspace } from '@gatehouse/core/api/workspaces.ts';
import { runner as runnerSchema, type Runner } from '@gatehouse/core/api/runners.ts';
import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import type { Services } from '../../../worker/platform/context.ts';
import { sweepDrains } from '../../../worker/workspaces/drain.ts';
import { connectControl, enrollRunner, openSocket } from '../../support/runners.ts';
import { join, makeRunning, makeSite, type Site } from '../../support/site.ts';
import { api, call, eventsOf, problem, read, services } from '../../support/tenants.ts';

const inMinutes = (minutes: number): Services => ({ ...services(), now: () => new Date(Date.now() + minutes * 60_000) });
const at = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
const drain = (site: Site, until: string | null) => api(site.tenant.owner).post(`/runners/${site.runner.id}/drain`, { until });
const lift = (site: Site) => api(site.tenant.owner).delete(`/runners/${site.runner.id}/drain`);
const create = (site: Site, name: string) => api(site.dev).post('/workspaces', { templateId: site.templateId, name });
const look = async (site: Site, id: string): Promise<Workspace> => read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema);
const say = async (site: Site, report: number, body: WorkspaceReport) => {
  site.tell({ kind: 'report', report, time: new Date().toISOString(), body });
  await site.control.until((message) => message.kind === 'stored' && message.report === report);
};
const runnerOf = async (site: Site): Promise<Runner> => {
  const { body } = await api(site.tenant.owner).get('/runners');
  const found = (body as { items: Runner[] }).items.find(({ id }) => id === site.runner.id);
  return runnerSchema.parse(found);
};

describe('a runner that is drained', () => {
  test('gets no new workspace: they go elsewhere, or nowhere', async () => {
    const site = await makeSite();
    expect((await drain(site, null)).status).toBe(200);
    expect((await create(site, 'none')).status).toBe(409);
    const other = await enrollRunner(site.tenant);
    await connectControl(other);
    expect(read(await create(site, 'one'), workspaceSchema).runner.id).toBe(other.id);
  });

  test('starts nothing that is on it, and says why; what runs goes on', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const stopped = read(await create(site, 'stopped'), workspaceSchema);
    await api(site.dev).post(`/workspaces/${stopped.id}/stop`);
    await say(site, 2, { workspaceId: stopped.id, generation: 2, phase: 'stopped' });
    await drain(site, null);
    const refused = await api(site.dev).post(`/workspaces/${stopped.id}/start`);
    expect(problem(refused)).toMatchObject({
      code: 'not-ready',
      detail: `Runner ${site.runner.name} is being drained: nothing starts there until an administrator lifts that.`,
    });
    expect(await look(site, id)).toMatchObject({ phase: 'running', runner: { drain: { until: null } } });
    expect((await runnerOf(site)).drain).toMatchObject({ until: null, total: 1, left: 1 });
    await sweepDrains(inMinutes(1_000_000));
    expect(await look(site, id)).toMatchObject({ desired: 'running' });
  });

  test('stops what still runs once its time is over, with an event, and shows how far it is', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await drain(site, at(30));
    await sweepDrains(inMinutes(29));
    expect(await look(site, id)).toMatchObject({ desired: 'running' });
    await sweepDrains(inMinutes(31));
    expect(await look(site, id)).toMatchObject({ desired: 'stopped', phase: 'stopping' });
    const event = (await eventsOf(site.tenant)).find(({ action }) => action === 'workspace.stop');
    expect(event).toMatchObject({
      actor: { type: 'system' },
      reason: `Runner ${site.runner.name} is drained, and the time that was left is over`,
      details: { drain: site.runner.id },
    });
    await say(site, 2, { workspaceId: id, generation: 2, phase: 'stopped' });
    expect((await runnerOf(site)).drain).toMatchObject({ total: 1, left: 0 });
  });

  test('whose owners are told by mail when it has an end', async () => {
    const site = await makeSite();
    await makeRunning(site);
    const until = at(60);
    await drain(site, until);
    await expect
      .poll(
        async () => (await env.DIRECTORY.prepare('SELECT subject FROM local_mails WHERE recipient = ?').bind(site.dev.email).all()).results,
      )
      .toEqual([{ subject: `Your workspace on ${site.runner.name} stops at ${until.slice(0, 16).replace('T', ' ')} UTC` }]);
  });

  test('takes workspaces again once that is lifted, and serves its line', async () => {
    const site = await makeSite();
    await api(site.tenant.owner).patch(`/runners/${site.runner.id}`, { capacity: 1 });
    const { id } = await makeRunning(site);
    const waits = read(await create(site, 'waits'), workspaceSchema);
    await drain(site, null);
    await api(site.dev).post(`/workspaces/${id}/stop`);
    await say(site, 2, { workspaceId: id, generation: 2, phase: 'stopped' });
    expect(await look(site, waits.id)).toMatchObject({ phase: 'queued', line: { position: 1, running: 0 } });
    expect((await lift(site)).status).toBe(200);
    expect(await look(site, waits.id)).toMatchObject({ phase: 'queued', line: null });
    const order = await site.control.until((message) => message.kind === 'order' && message.order.workspaceId === waits.id);
    expect(order).toMatchObject({ order: { desired: 'running' } });
  });

  test('leaves events with what changed, and a moment that is past is refused by name', async () => {
    const site = await makeSite();
    expect(problem(await drain(site, at(-1)))).toMatchObject({ code: 'invalid', errors: [{ path: 'until' }] });
    const until = at(60);
    await drain(site, null);
    await drain(site, until);
    await lift(site);
    const events = (await eventsOf(site.tenant)).filter(({ action }) => action.startsWith('runner.drain'));
    expect(events).toMatchObject([
      { action: 'runner.drain', diff: [{ path: 'drain', old: false, new: true }] },
      { action: 'runner.drain', diff: [{ path: 'until', old: null, new: until }] },
      { action: 'runner.drain.lift', diff: [{ path: 'drain', old: true, new: false }] },
    ]);
  });
});

describe('a runner that is revoked', () => {
  const revoke = (site: Site) => api(site.tenant.owner).post(`/runners/${site.runner.id}/revoke`);

  test('is cut off at once, with everybody in its workspaces, before the answer comes', async () => {
    const site = await makeSite();
    const running = await makeRunning(site);
    const { viewer } = await join(site.dev, running.id);
    const over: string[] = [];
    for (const [name, socket] of Object.entries({ control: site.control, link: running.link, viewer }))
      void socket.closed.then(() => over.push(name));
    const answer = await revoke(site);
    expect(read(answer, runnerSchema)).toMatchObject({ state: 'revoked', used: 0 });
    expect(await site.control.until(({ kind }) => kind === 'removed')).toEqual({ kind: 'removed' });
    await Promise.all([site.control.closed, running.link.closed, viewer.closed]);
    expect(over.sort()).toEqual(['control', 'link', 'viewer']);
    const open = await site.tenant.db.rows('SELECT 1 FROM tickets WHERE tenant_id = ?', site.tenant.id);
    expect(open).toEqual([]);
    const event = (await eventsOf(site.tenant)).find(({ action }) => action === 'runner.revoke');
    expect(event).toMatchObject({ resource: { id: site.runner.id }, details: { workspaces: 1, fingerprint: site.runner.fingerprint } });
  });

  test('never comes back: not by its control socket, a link, a tunnel, nor with recordings; the attempt is an event', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await revoke(site);
    const headers = { Authorization: `Bearer ${site.runner.token}`, Origin: 'none' };
    for (const path of ['/runner/control', `/runner/workspaces/${id}/link`, `/runner/workspaces/${id}/apps`])
      expect((await openSocket(path, headers)).response.status, path).toBe(401);
    const { newId, now } = services();
    const facts = {
      workspaceId: id,
      terminalId: 'one',
      title: 'Terminal 1',
      keyId: newId('recordingKey'),
      startedAt: now().toISOString(),
      end: null,
    };
    expect((await call('PUT', `/runner/recordings/${newId('recording')}`, { headers, body: facts })).status).toBe(401);
    const events = (await eventsOf(site.tenant)).filter(({ action, outcome }) => action === 'runner.connect' && outcome === 'denied');
    expect(events).toMatchObject([{ reason: 'The runner was revoked' }]);
  });

  test('what it still sends on a socket that was open changes nothing', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answering = revoke(site);
    site.tell({ kind: 'report', report: 2, time: new Date().toISOString(), body: { workspaceId: id, generation: 1, phase: 'stopped' } });
    await answering;
    await site.control.closed;
    expect(await look(site, id)).toMatchObject({ phase: 'failed' });
  });

  test('leaves its workspaces listed: they say why, can’t be started, and can be deleted', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    await revoke(site);
    const shown = await look(site, id);
    expect(shown).toMatchObject({ phase: 'failed', desired: 'stopped', runner: { revoked: true, online: false } });
    expect(shown.state).toMatchObject({ kind: 'runner-revoked', sentence: expect.stringContaining('The files stay on that machine') });
    expect(problem(await api(site.dev).post(`/workspaces/${id}/start`))).toMatchObject({ code: 'not-ready' });
    expect((await api(site.dev).delete(`/workspaces/${id}`)).status).toBe(202);
    expect((await look(site, id)).state.kind).toBe('trashed');
    expect((await api(site.dev).post(`/workspaces/${id}/purge`)).status).toBe(202);
    expect((await api(site.dev).get(`/workspaces/${id}`)).status).toBe(404);
  });
});
