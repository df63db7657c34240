import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { decodeProtectedHeader, importJWK, jwtVerify } from 'jose';
import { describe, expect, test } from 'vitest';
import type { Problem } from '@gatehouse/core/api/common.ts';
import { templateDetail } from '@gatehouse/core/api/templates.ts';
import {
  attachment,
  enrollment,
  enrollmentCreated,
  runner as runnerSchema,
  runnerList,
  workspace as workspaceSchema,
  workspaceList,
  workspaceLogs,
} from '@gatehouse/core/api/workspaces.ts';
import { GRANT_TYPE } from '@gatehouse/core/protocol/connection.ts';
import { encodeFrame, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { toWatcher, type FromRunner, type ToRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { runnerOf, workspaceOf } from '../../../worker/compose.ts';
import { statement } from '../../../worker/platform/tenant-db.ts';
import {
  connectControl,
  connectLink,
  connectViewer,
  controlFrame,
  enrollCall,
  enrollRunner,
  makeKeys,
  openSocket,
  TestSocket,
  type EnrolledRunner,
} from '../../support/runners.ts';
import {
  addUser,
  api,
  eventOfAnswer,
  eventsOf,
  mintTenant,
  ORIGIN,
  problem,
  read,
  services,
  type Person,
  type Tenant,
} from '../../support/tenants.ts';

const runnerStub = (id: string) => runnerOf(env, services().settings, 's0', id);
const workspaceStub = (id: string) => workspaceOf(env, services().settings, 's0', id);
const actionsOf = async (tenant: Tenant, prefix: string) =>
  (await eventsOf(tenant)).map(({ action }) => action).filter((action) => action.startsWith(prefix));

interface Site {
  tenant: Tenant;
  dev: Person;
  runner: EnrolledRunner;
  control: TestSocket<ToRunner>;
  tell(message: FromRunner): void;
  templateId: string;
}

/** A tenant with a developer, an online runner and a template that everyone may use. */
async function makeSite(): Promise<Site> {
  const tenant = await mintTenant();
  const dev = await addUser(tenant);
  const runner = await enrollRunner(tenant);
  const { control, tell } = await connectControl(runner);
  const owner = api(tenant.owner);
  const { id: templateId } = read(await owner.post('/templates', { name: 'shell', spec: {} }), templateDetail);
  await owner.put(
    `/templates/${templateId}/acl`,
    { items: [{ subject: { type: 'everyone' }, role: 'use', expiresAt: null }] },
    { 'If-Match': '"1"' },
  );
  return { tenant, dev, runner, control, tell, templateId };
}

/** A workspace that its runner has reported running, with its link. */
async function makeRunning(site: Site) {
  const made = read(await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' }), workspaceSchema);
  const order = await site.control.until((message) => message.kind === 'order');
  site.tell({ kind: 'report', report: 1, time: new Date().toISOString(), body: { workspaceId: made.id, generation: 1, phase: 'running' } });
  await site.control.until((message) => message.kind === 'stored');
  return { id: made.id, order, ...(await connectLink(site.runner, made.id)) };
}

const attachTo = (person: Person, id: string) =>
  api(person).post(`/workspaces/${id}/attach`, undefined, { 'Sec-Fetch-Site': 'same-origin' });
const frame = (part: Partial<Frame>): Uint8Array<ArrayBuffer> =>
  encodeFrame({ type: 'data', sealed: false, viewer: 0, stream: 1, offset: 0, payload: new Uint8Array(), ...part });

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

  test('ends when the runner is removed, whose token and workspaces go with it', async () => {
    const site = await makeSite();
    await api(site.dev).post('/workspaces', { templateId: site.templateId, name: 'box' });
    expect((await api(site.tenant.owner).delete(`/runners/${site.runner.id}`)).status).toBe(204);
    expect((await site.control.closed).code).toBe(4404);
    expect((await openSocket('/runner/control', { Authorization: `Bearer ${site.runner.token}` })).response.status).toBe(401);
    expect(read(await api(site.dev).get('/workspaces'), workspaceList).items).toEqual([]);
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

describe('opening a connection', () => {
  test('is in the log before access is given, and the grant is for that runner and workspace, for a minute', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const answer = await attachTo(site.dev, id);
    const { grant, connectionId, runner } = read(answer, attachment);
    expect(runner.fingerprint).toBe(site.runner.fingerprint);
    expect(decodeProtectedHeader(grant)).toMatchObject({ alg: 'EdDSA', typ: GRANT_TYPE });
    const { d: _private, ...publicKey } = services().settings.GRANT_KEY;
    const { payload } = await jwtVerify(grant, await importJWK(publicKey, 'EdDSA'), { issuer: ORIGIN, audience: site.runner.id });
    expect(payload).toMatchObject({ sub: site.dev.id, jti: connectionId, workspace: id });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      action: 'connection.open',
      resource: { id: connectionId },
      workspaceId: id,
    });
  });

  test.each([['cross-site'], ['none'], [undefined]])(
    'is refused to what is not our own page (Sec-Fetch-Site %s), with an event',
    async (site_) => {
      const site = await makeSite();
      const { id } = await makeRunning(site);
      const answer = await api(site.dev).post(
        `/workspaces/${id}/attach`,
        undefined,
        site_ === undefined ? {} : { 'Sec-Fetch-Site': site_ },
      );
      expect(problem(answer).code).toBe('browser-only');
      expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({ action: 'connection.open', outcome: 'denied' });
    },
  );

  test('a ticket opens one socket: its second use, a wrong workspace, an old one are refused, with an event', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const open = async (workspaceId: string, ticket: string) =>
      openSocket(`/workspaces/${workspaceId}/connect`, { Origin: ORIGIN, 'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}` });
    const code = async (response: Response) => ((await response.json()) as Problem).code;

    const first = read(await attachTo(site.dev, id), attachment);
    expect((await open(id, first.ticket)).response.status).toBe(101);
    expect(await code((await open(id, first.ticket)).response)).toBe('ticket-refused');

    const elsewhere = read(await attachTo(site.dev, id), attachment);
    const other = services().newId('workspace');
    expect(await code((await open(other, elsewhere.ticket)).response)).toBe('ticket-refused');

    const old = read(await attachTo(site.dev, id), attachment);
    await site.tenant.db.batch([
      statement('UPDATE tickets SET expires_at = ? WHERE tenant_id = ?', '2020-01-01T00:00:00.000Z', site.tenant.id),
    ]);
    expect(await code((await open(id, old.ticket)).response)).toBe('ticket-refused');

    const foreign = read(await attachTo(site.dev, id), attachment);
    const { response } = await openSocket(`/workspaces/${id}/connect`, {
      Origin: 'https://evil.test',
      'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${foreign.ticket}`,
    });
    expect(await code(response)).toBe('foreign-origin');
    const refusals = (await eventsOf(site.tenant)).filter(({ action, outcome }) => action === 'connection.join' && outcome === 'denied');
    expect(refusals.length).toBeGreaterThanOrEqual(3);
  });

  test('a session that has ended since makes the ticket worthless', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { ticket } = read(await attachTo(site.dev, id), attachment);
    await api(site.dev).post('/logout');
    const { response } = await openSocket(`/workspaces/${id}/connect`, {
      Origin: ORIGIN,
      'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}`,
    });
    expect(response.status).toBe(403);
  });
});

describe('the switch between a browser and a runner', () => {
  async function makePair() {
    const site = await makeSite();
    const running = await makeRunning(site);
    const { ticket, connectionId } = read(await attachTo(site.dev, running.id), attachment);
    const browser = await connectViewer(running.id, ticket);
    const welcome = browser.control(await browser.viewer.next());
    if (welcome.kind !== 'welcome') throw new Error('not welcome');
    return { site, running, connectionId, ...browser, number: welcome.viewer };
  }

  test('O1, O2: only the protocol is echoed, and the first frame is the welcome', async () => {
    const { response, number } = await makePair();
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('gatehouse.v1');
    expect(number).toBe(1);
  });

  test('F5: it writes the viewer’s number itself, and delivers to the viewer that the runner names', async () => {
    const { viewer, running, number } = await makePair();
    viewer.socket.send(frame({ viewer: 999, payload: new TextEncoder().encode('ls\n') }));
    const arrived = await running.link.until((each) => each.type === 'data');
    expect(arrived).toMatchObject({ viewer: number, stream: 1 });
    expect(new TextDecoder().decode(arrived.payload)).toBe('ls\n');
    running.link.socket.send(frame({ viewer: 77 }));
    running.link.socket.send(frame({ viewer: number, offset: 5, payload: new Uint8Array([1, 2, 3]) }));
    const answered = await viewer.until((each) => each.type === 'data');
    expect([answered.offset, ...answered.payload]).toEqual([5, 1, 2, 3]);
  });

  test('F4: a broken frame costs only the socket it came from', async () => {
    const { viewer, running, number } = await makePair();
    viewer.socket.send(new Uint8Array([200, 0, 0]));
    expect((await viewer.closed).code).toBe(4400);
    expect(running.control(await running.link.until((each) => each.type === 'control' && running.control(each).kind === 'left'))).toEqual({
      kind: 'left',
      viewer: number,
    });
    running.link.socket.send(frame({ viewer: number }));
    expect(running.link.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('F5: a viewer has nothing to say to the broker', async () => {
    const { viewer } = await makePair();
    viewer.socket.send(controlFrame({ kind: 'refuse', viewer: 1, reason: 'x' }));
    expect((await viewer.closed).code).toBe(4400);
  });

  test('O3: a link proves the runner’s key before a frame passes', async () => {
    const site = await makeSite();
    const { id, link } = await makeRunning(site);
    const { socket } = await openSocket(`/runner/workspaces/${id}/link`, { Authorization: `Bearer ${site.runner.token}` });
    const second = new TestSocket(socket as WebSocket, () => null);
    (socket as WebSocket).send(frame({ viewer: 1 }));
    expect((await second.closed).code).toBe(4401);
    expect(link.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('O3: another runner can’t take the workspace', async () => {
    const { site, running } = await makePair();
    const stranger = await enrollRunner(site.tenant);
    const { response } = await openSocket(`/runner/workspaces/${running.id}/link`, { Authorization: `Bearer ${stranger.token}` });
    expect(response.status).toBe(404);
  });

  test('O4: a viewer that the runner refuses is closed', async () => {
    const { viewer, running, number } = await makePair();
    running.refuse(number);
    expect((await viewer.closed).code).toBe(4403);
  });

  test('O5: when the link goes, viewers are told to dial again; without a link nobody is admitted', async () => {
    const { viewer, running, site } = await makePair();
    running.link.socket.close(1000);
    expect((await viewer.closed).code).toBe(4503);
    const { ticket } = read(await attachTo(site.dev, running.id), attachment);
    const late = await connectViewer(running.id, ticket);
    expect((await late.viewer.closed).code).toBe(4503);
  });

  test('survives the object’s eviction: sockets stay, numbers and routes too', async () => {
    const { viewer, running, number } = await makePair();
    await evictDurableObject(workspaceStub(running.id), { webSockets: 'hibernate' });
    viewer.socket.send(frame({ payload: new Uint8Array([7]) }));
    expect(await running.link.until((each) => each.type === 'data')).toMatchObject({ viewer: number });
    running.link.socket.send(frame({ viewer: number, payload: new Uint8Array([8]) }));
    expect([...(await viewer.until((each) => each.type === 'data')).payload]).toEqual([8]);
  });

  test('the end of a connection is recorded once, with duration and bytes', async () => {
    const { viewer, site, connectionId, running } = await makePair();
    viewer.socket.send(frame({ payload: new Uint8Array(84) }));
    await running.link.until((each) => each.type === 'data');
    viewer.socket.close(1000, 'left');
    await expect.poll(() => actionsOf(site.tenant, 'connection.end')).toEqual(['connection.end']);
    const event = (await eventsOf(site.tenant)).find(({ action }) => action === 'connection.end');
    expect(event).toMatchObject({
      resource: { id: connectionId },
      actor: { type: 'user', id: site.dev.id },
      details: { bytesIn: 100, bytesOut: 0 },
    });
    await runDurableObjectAlarm(workspaceStub(running.id));
    expect(await actionsOf(site.tenant, 'connection.end')).toHaveLength(1);
  });

  test('a connection whose socket died with the machine is ended by the object’s alarm', async () => {
    const { site, running } = await makePair();
    await evictDurableObject(workspaceStub(running.id), { webSockets: 'close' });
    await runDurableObjectAlarm(workspaceStub(running.id));
    await expect.poll(() => actionsOf(site.tenant, 'connection.end')).toEqual(['connection.end']);
  });

  test('stopping the workspace closes the browser with the right code', async () => {
    const { viewer, site, running } = await makePair();
    await api(site.dev).post(`/workspaces/${running.id}/stop`);
    expect((await viewer.closed).code).toBe(4410);
  });

  test('signing out everywhere closes it too', async () => {
    const { viewer, site } = await makePair();
    expect((await api(site.dev).delete('/me/sessions')).status).toBe(204);
    expect((await viewer.closed).code).toBe(4403);
  });

  test('the 17th viewer is turned away', async () => {
    const { site, running } = await makePair();
    const others = [];
    for (let index = 0; index < 16; index++)
      others.push(await connectViewer(running.id, read(await attachTo(site.dev, running.id), attachment).ticket));
    expect((await others[15]?.viewer.closed)?.code).toBe(4429);
  });

  test('no storage is written and one instance serves while frames pass', async () => {
    const { viewer, running } = await makePair();
    const stub = workspaceStub(running.id);
    const { runInDurableObject } = await import('cloudflare:test');
    const changes = () =>
      runInDurableObject(stub, (_object, state) => state.storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n);
    const before = await changes();
    for (let index = 0; index < 50; index++) viewer.socket.send(frame({ offset: index, payload: new Uint8Array(1) }));
    await running.link.until((each) => each.type === 'data' && each.offset === 49);
    expect(await changes()).toBe(before);
  });
});

test('a runner’s silent death is seen by its object’s alarm', async () => {
  const site = await makeSite();
  await evictDurableObject(runnerStub(site.runner.id), { webSockets: 'close' });
  await runDurableObjectAlarm(runnerStub(site.runner.id));
  await expect.poll(async () => read(await api(site.tenant.owner).get('/runners'), runnerList).items[0]?.state).toBe('offline');
});
