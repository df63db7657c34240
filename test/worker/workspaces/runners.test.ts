import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test } from 'vitest';
import { workspaceList } from '@gatehouse/core/api/workspaces.ts';
import { enrollment, enrollmentCreated, runner as runnerSchema, runnerList } from '@gatehouse/core/api/runners.ts';
import { runnerOf } from '../../../worker/compose.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import { connectControl, enrollCall, enrollRunner, makeKeys, openSocket, TestSocket } from '../../support/runners.ts';
import { actionsOf, makeSite } from '../../support/site.ts';
import { api, eventOfAnswer, eventsOf, mintTenant, problem, read, services } from '../../support/tenants.ts';

const runnerStub = (id: string) => runnerOf(env, services().settings, 's0', id);

describe('enrolling a runner', () => {
  test('takes a one-time code, gives a token once, and shows the same fingerprint on both sides', async () => {
    const tenant = await mintTenant();
    const runner = await enrollRunner(tenant, { confirm: false });
    const { items } = read(await api(tenant.owner).get('/runners'), runnerList);
    expect(items).toMatchObject([{ id: runner.id, state: 'unconfirmed', fingerprint: runner.fingerprint }]);
    expect(runner.fingerprint).toMatch(/^SHA256:[0-9a-f]{64}$/);
    expect(await actionsOf(tenant, 'runner.')).toEqual(['runner.enrollment.create', 'runner.enroll']);
    expect(JSON.stringify(await eventsOf(tenant))).not.toContain(runner.token);
  });

  test('works once; the second use is refused and in the log', async () => {
    const tenant = await mintTenant();
    const { id, code } = read(await api(tenant.owner).post('/runner-enrollments', {}), enrollmentCreated);
    expect((await enrollCall(code, await makeKeys(), 'first')).status).toBe(201);
    const second = await enrollCall(code, await makeKeys(), 'second');
    expect(second.status).toBe(403);
    expect(await eventOfAnswer(tenant, second)).toMatchObject({ action: 'runner.enroll', outcome: 'denied' });
    expect(read(await api(tenant.owner).get(`/runner-enrollments/${id}`), enrollment).runner?.name).toBe('first');
  });

  test('is refused after 15 minutes', async () => {
    const tenant = await mintTenant();
    const { id, code } = read(await api(tenant.owner).post('/runner-enrollments', {}), enrollmentCreated);
    await tenant.db.batch([
      statement('UPDATE runner_enrollments SET expires_at = ? WHERE tenant_id = ? AND id = ?', '2020-01-01T00:00:00.000Z', tenant.id, id),
    ]);
    expect((await enrollCall(code, await makeKeys(), 'late')).status).toBe(403);
  });

  test('needs a verified mail address', async () => {
    const tenant = await mintTenant({ verified: false });
    expect(problem(await api(tenant.owner).post('/runner-enrollments', {})).code).toBe('email-unverified');
  });

  test('ends with the administrator’s confirmation of that very fingerprint', async () => {
    const tenant = await mintTenant();
    const runner = await enrollRunner(tenant, { confirm: false });
    const wrong = await api(tenant.owner).post(`/runners/${runner.id}/confirm`, { fingerprint: 'SHA256:0000' });
    expect(problem(wrong).errors?.[0]?.path).toBe('fingerprint');
    expect(await eventOfAnswer(tenant, wrong)).toMatchObject({ action: 'runner.confirm', outcome: 'failure' });
    const right = await api(tenant.owner).post(`/runners/${runner.id}/confirm`, { fingerprint: runner.fingerprint });
    expect(read(right, runnerSchema).state).toBe('offline');
    expect(await eventOfAnswer(tenant, right)).toMatchObject({ action: 'runner.confirm', outcome: 'success' });
  });
});

describe('a runner’s control socket', () => {
  test('needs the token and a proof by the identity key', async () => {
    const tenant = await mintTenant();
    const runner = await enrollRunner(tenant);
    expect((await openSocket('/runner/control', { Authorization: 'Bearer ghr_nonsense' })).response.status).toBe(401);
    const thief = { ...runner, keys: await makeKeys() };
    const { socket } = await openSocket('/runner/control', { Authorization: `Bearer ${thief.token}` });
    const control = new TestSocket(socket as WebSocket, (data) => JSON.parse(data as string) as { kind: string });
    await control.next();
    (socket as WebSocket).send(
      JSON.stringify({
        kind: 'proof',
        signature: await thief.keys.sign('anything'),
        version: '1',
        platform: 'x',
        labels: {},
        drivers: [],
        warnings: [],
        inventory: [],
      }),
    );
    expect((await control.closed).code).toBe(4401);
    expect(await actionsOf(tenant, 'runner.connect')).toEqual([]);
  });

  test('shows the runner online with its facts, and offline with an event when it goes', async () => {
    const site = await makeSite();
    const online = read(await api(site.tenant.owner).get('/runners'), runnerList).items[0];
    expect(online).toMatchObject({ state: 'online', labels: { rack: 'a' }, drivers: ['bubblewrap', 'process'] });
    site.control.socket.close(1000);
    await site.control.closed;
    await expect.poll(async () => read(await api(site.tenant.owner).get('/runners'), runnerList).items[0]?.state).toBe('offline');
    expect(await actionsOf(site.tenant, 'runner.')).toContain('runner.disconnect');
  });

  test('takes the further drivers that it knows, of a runner of any release', async () => {
    const site = await makeSite();
    await connectControl(site.runner, { drivers: ['process'], moreDrivers: ['container', 'of a later release'] });
    expect(read(await api(site.tenant.owner).get('/runners'), runnerList).items[0]?.drivers).toEqual(['container', 'process']);
    const image = `docker.io/library/debian@sha256:${'0'.repeat(64)}`;
    const spec = { driver: 'container', image };
    const made = await api(site.tenant.owner).post('/templates', { name: 'boxes', spec });
    expect(made.status).toBe(201);
    const { id } = made.body as { id: string };
    expect((await api(site.tenant.owner).post('/workspaces', { name: 'in-a-box', templateId: id })).status).toBe(201);
    expect(read(await api(site.tenant.owner).get('/workspaces'), workspaceList).items).toMatchObject([
      { name: 'in-a-box', image, rootfs: null },
    ]);
    // One of a release before, or without an engine, is not given it.
    await connectControl(site.runner, { drivers: ['bubblewrap', 'process'] });
    const refused = await api(site.tenant.owner).post('/workspaces', { name: 'another', templateId: id });
    expect(refused.status).toBe(409);
    expect(problem(refused).detail).toContain('offers container');
  });

  test('is closed by a message that does not parse', async () => {
    const { control } = await makeSite();
    control.socket.send('{"kind":"report"}');
    expect((await control.closed).code).toBe(4400);
  });

  test('is replaced by a newer one', async () => {
    const site = await makeSite();
    const { ready } = await connectControl(site.runner);
    expect(ready.orders).toEqual([]);
    expect((await site.control.closed).code).toBe(4409);
    expect(read(await api(site.tenant.owner).get('/runners'), runnerList).items[0]?.state).toBe('online');
  });

  test('ends when the runner is removed, whose token goes with it; its workspaces say so, and can be deleted', async () => {
    const site = await makeSite();
    await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' });
    expect((await api(site.tenant.owner).delete(`/runners/${site.runner.id}`)).status).toBe(204);
    expect((await site.control.closed).code).toBe(4404);
    expect((await openSocket('/runner/control', { Authorization: `Bearer ${site.runner.token}` })).response.status).toBe(401);
    const [left] = read(await api(site.dev).get('/workspaces'), workspaceList).items;
    expect(left).toMatchObject({ phase: 'failed', failure: 'runner-removed', runner: { removed: true } });
    expect(left?.state).toMatchObject({ kind: 'runner-removed', ways: ['restore-home', 'ask', 'delete'] });
    const path = `/workspaces/${left?.id}`;
    for (const verb of ['start', 'restart', 'update']) expect((await api(site.dev).post(`${path}/${verb}`, {})).status, verb).toBe(409);
    expect((await api(site.dev).delete(path)).status).toBe(202);
    expect((await api(site.dev).post(`${path}/purge`)).status).toBe(202);
    expect((await api(site.dev).get(path)).status).toBe(404);
    expect((await actionsOf(site.tenant, 'workspace.')).sort()).toEqual([
      ...['workspace.create', 'workspace.delete', 'workspace.deleted', 'workspace.purge'],
    ]);
  });

  test('an unconfirmed runner gets no work, and all that waits once it is confirmed', async () => {
    const tenant = await mintTenant();
    const runner = await enrollRunner(tenant, { confirm: false });
    const { control, ready } = await connectControl(runner);
    expect(ready).toMatchObject({ confirmed: false, orders: [] });
    await api(tenant.owner).post(`/runners/${runner.id}/confirm`, { fingerprint: runner.fingerprint });
    expect(await control.next()).toMatchObject({ kind: 'ready', confirmed: true });
  });
});

test('a runner’s silent death is seen by its object’s alarm', async () => {
  const site = await makeSite();
  await evictDurableObject(runnerStub(site.runner.id), { webSockets: 'close' });
  await runDurableObjectAlarm(runnerStub(site.runner.id));
  await expect.poll(async () => read(await api(site.tenant.owner).get('/runners'), runnerList).items[0]?.state).toBe('offline');
});
