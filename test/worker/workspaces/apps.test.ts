import { describe, expect, test, vi } from 'vitest';
import { appOpened } from '@gatehouse/core/api/apps.ts';
import { sessionList } from '@gatehouse/core/api/identity.ts';
import { workspace as workspaceSchema } from '@gatehouse/core/api/workspaces.ts';
import { STREAM_KEY_HEADER, TUNNEL } from '@gatehouse/core/protocol/tunnel.ts';
import { makeKeys, openSocket, TestSocket } from '../../support/runners.ts';
import { grantOn, makeRunning, makeSite } from '../../support/site.ts';
import { addUser, api, eventOfAnswer, eventsOf, problem, read } from '../../support/tenants.ts';
import { askToOpen, connectTunnel, nameApps, visit, Visitor } from '../../support/tunnel.ts';

vi.setConfig({ testTimeout: 30_000 });

const NAVIGATION = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };

/** A running workspace with two named apps, and its runner's tunnel. */
async function makeShop() {
  const site = await makeSite();
  await nameApps(site, [
    { name: 'API Server', port: 8080 },
    { name: 'Docs', port: 9000, share: 'tenant' },
  ]);
  const running = await makeRunning(site);
  return { site, ...running, ...(await connectTunnel(site.runner, running.id)) };
}

describe('opening an app', () => {
  test('is in the log before access, and gives a one-time address with its secret in the fragment', async () => {
    const { site, id } = await makeShop();
    const answer = await askToOpen(site.dev, id, 'api-server');
    const { url, connectionId } = read(answer, appOpened);
    expect(new URL(url).search).toBe('');
    expect(new URL(url).hostname).toBe(`api-server--${id.slice(4)}.gatehouse.test`);
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      ...{ action: 'app.open', outcome: 'success', workspaceId: id },
      resource: { id: connectionId, name: 'box: API Server' },
      details: { app: 'api-server', port: 8080, shared: false },
    });
    const port = await askToOpen(site.dev, id, '3000');
    expect(await eventOfAnswer(site.tenant, port)).toMatchObject({ action: 'port.open', resource: { name: 'box: 3000' } });
  });

  test('needs the browser that the session began in', async () => {
    const { site, id } = await makeShop();
    const answer = await api(site.dev).post(`/workspaces/${id}/apps/docs/open`, undefined, { 'Sec-Fetch-Site': 'same-origin' });
    expect(problem(answer).code).toBe('browser-only');
    expect(await eventOfAnswer(site.tenant, answer)).toMatchObject({
      action: 'app.open',
      outcome: 'denied',
      details: { policy: 'browserOnly' },
    });
  });

  test('is the owner’s alone, unless the template shares the app with the organisation', async () => {
    const { site, id } = await makeShop();
    const colleague = await addUser(site.tenant);
    expect((await askToOpen(colleague, id, 'api-server')).status).toBe(404);
    expect((await askToOpen(colleague, id, '3000')).status).toBe(404);
    const refused = await askToOpen(site.tenant.owner, id, 'api-server');
    expect(problem(refused).code).toBe('permission-denied');
    expect(await eventOfAnswer(site.tenant, refused)).toMatchObject({ outcome: 'denied', details: { policy: 'ports' } });
    expect((await askToOpen(colleague, id, 'docs')).status).toBe(200);
  });

  test.each([
    ['off', 'docs', 403],
    ['owner', 'docs', 200],
  ] as const)('with the policy %s: %s answers %i', async (ports, label, status) => {
    const { site, id } = await makeShop();
    await api(site.tenant.owner).put('/tenant/policy', { values: { ports } }, { 'If-Match': '"0"' });
    expect((await askToOpen(site.dev, id, label)).status).toBe(status);
    expect((await askToOpen(await addUser(site.tenant), id, label)).status).toBe(404);
    expect(read(await api(site.dev).get(`/workspaces/${id}`), workspaceSchema).apps).toHaveLength(ports === 'off' ? 0 : 2);
  });

  test('is refused for what the template does not name, where downloads are limited', async () => {
    const { site, id } = await makeShop();
    await api(site.tenant.owner).put('/tenant/policy', { values: { download: 10 } }, { 'If-Match': '"0"' });
    expect(problem(await askToOpen(site.dev, id, '3000')).detail).toContain('only the apps that its template names');
    expect((await askToOpen(site.dev, id, 'docs')).status).toBe(200);
    expect((await askToOpen(site.dev, id, '9000')).status).toBe(200);
  });

  test('of an app that nobody names is not found; of a stopped workspace it waits', async () => {
    const { site, id } = await makeShop();
    expect((await askToOpen(site.dev, id, 'nothing')).status).toBe(404);
    await api(site.dev).post(`/workspaces/${id}/stop`);
    expect(problem(await askToOpen(site.dev, id, 'docs')).code).toBe('not-ready');
  });

  test('two apps of one name or port can’t be published', async () => {
    const site = await makeSite();
    const publish = (apps: unknown) => api(site.tenant.owner).post(`/templates/${site.templateId}/versions`, { spec: { apps } });
    const doubled = [
      { name: 'One', port: 8000 },
      { name: 'one', port: 8001 },
    ];
    expect(problem(await publish(doubled)).errors).toMatchObject([{ path: 'spec.apps.1.name' }]);
  });
});

describe('a code', () => {
  test('is exchanged once, on its own app’s host, from its own page; else it is refused, with an event', async () => {
    const { site, id } = await makeShop();
    const code = async () => new URL(read(await askToOpen(site.dev, id, 'docs'), appOpened).url).hash.slice(1);
    const first = await code();
    const visitor = new Visitor(id, 'docs');
    const entered = await visitor.enter(first);
    expect(entered.headers.get('Set-Cookie')).toMatch(/^__Host-gatehouse-app=.+; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/);
    expect((await visitor.enter(first)).status).toBe(403);
    expect((await new Visitor(id, 'api-server').enter(await code())).status).toBe(403);
    const body = JSON.stringify({ code: await code() });
    for (const headers of [{ Origin: 'https://evil.test' }, { 'Sec-Fetch-Site': 'cross-site' }] as Array<Record<string, string>>)
      expect((await visitor.ask('/.gatehouse/enter', { method: 'POST', body, headers })).status).toBe(403);
    const refusals = (await eventsOf(site.tenant)).filter(({ action, outcome }) => action === 'app.open' && outcome === 'denied');
    expect(refusals).toHaveLength(2);
  });

  test('is worthless once its session has ended', async () => {
    const { site, id } = await makeShop();
    const { url } = read(await askToOpen(site.dev, id, 'docs'), appOpened);
    await api(site.dev).post('/logout');
    expect((await new Visitor(id, 'docs').enter(new URL(url).hash.slice(1))).status).toBe(403);
  });
});

describe('the tunnel', () => {
  test('A1: is ready once its runner has proved its key, and takes an older one’s place', async () => {
    const { site, id, tunnel, said } = await makeShop();
    expect(await said()).toEqual({ kind: 'ready' });
    const impostor = { ...site.runner, keys: await makeKeys() };
    expect((await (await connectTunnel(site.runner, id, impostor)).tunnel.closed).code).toBe(4401);
    const newer = await connectTunnel(site.runner, id);
    expect(await newer.said()).toEqual({ kind: 'ready' });
    expect((await tunnel.closed).code).toBe(4409);
  });

  test('A2: carries each request as a stream of its own, without the service’s cookie, and the answer back', async () => {
    const { site, id, opened, answer } = await makeShop();
    const visitor = await visit(site.dev, id, 'api-server');
    const first = visitor.ask('/one?a=b', { headers: { Accept: 'text/x', Cookie: `theirs=1; ${visitor.cookie}` } });
    const { stream, open } = await opened();
    expect(open).toMatchObject({ kind: 'request', port: 8080, method: 'GET', path: '/one?a=b', body: false });
    const headers = new Headers(open.headers);
    expect([headers.get('host'), headers.get('cookie'), headers.get('origin'), headers.get('accept')]).toEqual([
      'localhost:8080',
      'theirs=1',
      'http://localhost:8080',
      'text/x',
    ]);
    const second = visitor.ask('/two');
    const next = await opened();
    expect(next.stream).toBeGreaterThan(stream);
    answer(next.stream, 'two');
    answer(stream, 'one', [
      ['Set-Cookie', 'a=1; Domain=gatehouse.test'],
      ['Set-Cookie', '__Host-gatehouse-app=stolen'],
      ['Gatehouse-Refusal', 'away'],
    ]);
    expect(await (await second).text()).toBe('two');
    const got = await first;
    expect([await got.text(), got.headers.getSetCookie(), got.headers.get('Gatehouse-Refusal')]).toEqual(['one', ['a=1'], null]);
    expect(got.headers.get('Cache-Control')).toBe('private');
  });

  test('A4: nothing passes without a session, from another site, or from what is no browser', async () => {
    const { site, id, opened, answer } = await makeShop();
    const visitor = await visit(site.dev, id, 'docs');
    const statusOf = async (headers: Record<string, string>) => (await visitor.ask('/', { headers })).status;
    expect(await statusOf({ Cookie: '' })).toBe(401);
    expect(await statusOf({ Cookie: `${visitor.cookie}x` })).toBe(401);
    expect(await statusOf({ 'Sec-Fetch-Site': 'cross-site' })).toBe(403);
    expect(await statusOf({ 'Sec-Fetch-Site': 'same-site' })).toBe(403);
    expect(await statusOf({ 'Sec-Fetch-Site': '' })).toBe(403);
    expect(await statusOf({ Upgrade: 'websocket', Origin: 'https://evil.test' })).toBe(403);
    const link = visitor.ask('/', { headers: { 'Sec-Fetch-Site': 'cross-site', Origin: '', ...NAVIGATION } });
    answer((await opened()).stream, 'followed');
    expect((await link).status).toBe(200);
    const other = new Visitor(id, 'api-server');
    other.cookie = visitor.cookie;
    expect((await other.ask('/')).status).toBe(401);
    const refused = (await eventsOf(site.tenant)).filter(({ action, outcome }) => action === 'app.open' && outcome === 'denied');
    expect(refused, 'told once in ten minutes').toHaveLength(1);
  });

  test('A4: whose access is taken away gets nothing more: open answers break, and the log has the bytes', async () => {
    const { site, id, opened, send, head } = await makeShop();
    const visitor = await visit(site.dev, id, 'docs');
    const asked = visitor.ask('/stream');
    const { stream } = await opened();
    head(stream, { ok: true, status: 200, statusText: '', headers: [], protocol: null });
    send('data', stream, { payload: new Uint8Array(1000) });
    const reader = (await asked).body?.getReader();
    expect((await reader?.read())?.value?.byteLength).toBe(1000);
    await grantOn(site, { type: 'everyone' }, 'view');
    await expect(reader?.read()).rejects.toThrow();
    expect((await visitor.ask('/')).status).toBe(401);
    await expect
      .poll(async () => (await eventsOf(site.tenant)).find(({ action }) => action === 'app.close'))
      .toMatchObject({ resource: { name: 'box: Docs' }, details: { app: 'docs', requests: 1, bytesOut: 1000 } });
    const [session] = read(await api(site.dev).get('/me/sessions'), sessionList).items;
    expect(session?.read).toMatchObject({ apps: 1000 });
  });

  test('a shared app closes for the others when the policy makes it the owner’s', async () => {
    const { site, id } = await makeShop();
    const visitor = await visit(await addUser(site.tenant), id, 'docs');
    await api(site.tenant.owner).put('/tenant/policy', { values: { ports: 'owner' } }, { 'If-Match': '"0"' });
    await expect.poll(async () => (await visitor.ask('/')).status).toBe(401);
  });

  test('A5: a runner that sends more than the credit, or takes what was not sent, loses the tunnel', async () => {
    for (const lie of ['data', 'ack'] as const) {
      const { site, id, opened, head, send, tunnel } = await makeShop();
      const visitor = await visit(site.dev, id, 'docs');
      const asked = visitor.ask('/');
      const { stream } = await opened();
      head(stream, { ok: true, status: 200, statusText: '', headers: [], protocol: null });
      await asked;
      const piece = 64 * 1024;
      if (lie === 'ack') send('ack', stream, { offset: 1 });
      else
        for (let offset = 0; offset <= 2 * TUNNEL.credit.most; offset += piece)
          send('data', stream, { offset, payload: new Uint8Array(piece) });
      expect((await tunnel.closed).code).toBe(4400);
    }
  });

  test('A6: a WebSocket is joined with one that the runner dials for it, once, with its key', async () => {
    const { site, id, opened, head, say } = await makeShop();
    const visitor = await visit(site.dev, id, 'docs');
    const asked = visitor.ask('/ws', { headers: { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'a, b' } });
    const { stream, open } = await opened();
    if (open.kind !== 'socket') throw new Error('not a socket');
    expect(open.protocols).toEqual(['a', 'b']);
    head(stream, { ok: true, status: 101, statusText: '', headers: [], protocol: 'b' });
    const dial = (key: string) =>
      openSocket(`/runner/workspaces/${id}/apps/${stream}`, { Authorization: `Bearer ${site.runner.token}`, [STREAM_KEY_HEADER]: key });
    expect((await dial('another')).response.status).toBe(404);
    const { socket } = await dial(open.key);
    if (!socket) throw new Error('refused');
    expect((await dial(open.key)).response.status).toBe(404);
    const upgraded = await asked;
    expect([upgraded.status, upgraded.headers.get('Sec-WebSocket-Protocol')]).toEqual([101, 'b']);
    const text = (data: string | ArrayBuffer) => data as string;
    if (!upgraded.webSocket) throw new Error('no socket');
    const [app, browser] = [new TestSocket(socket, text), new TestSocket(upgraded.webSocket, text)];
    browser.socket.send('there');
    expect(await app.next()).toBe('there');
    app.socket.send('and back');
    expect(await browser.next()).toBe('and back');
    app.socket.close(4321, 'done');
    expect(await browser.closed).toMatchObject({ code: 4321, reason: 'done' });
    say({ kind: 'closed', stream, bytesIn: 5, bytesOut: 8 });
  });

  test('A7: a WebSocket that was taken away and that the runner does not close ends with the object', async () => {
    const { site, id, opened, head } = await makeShop();
    const visitor = await visit(site.dev, id, 'docs');
    const asked = visitor.ask('/ws', { headers: { Upgrade: 'websocket' } });
    const { stream, open } = await opened();
    head(stream, { ok: true, status: 101, statusText: '', headers: [], protocol: null });
    const key = open.kind === 'socket' ? open.key : '';
    await openSocket(`/runner/workspaces/${id}/apps/${stream}`, { Authorization: `Bearer ${site.runner.token}`, [STREAM_KEY_HEADER]: key });
    const { webSocket } = await asked;
    if (!webSocket) throw new Error('no socket');
    const browser = new TestSocket(webSocket, String);
    await api(site.dev).post('/logout');
    expect((await browser.closed).code).not.toBe(1000);
  });
});

describe('what stands on an app’s host where the app does not', () => {
  const page = async (visitor: Visitor, path = '/') => {
    const answer = await visitor.ask(path, { headers: { 'Sec-Fetch-Site': 'none', Origin: '', ...NAVIGATION } });
    return { status: answer.status, location: answer.headers.get('Location'), text: await answer.text() };
  };

  test('whoever has no session is sent to the page that opens it, with the path in the fragment', async () => {
    const { id } = await makeShop();
    const to = encodeURIComponent('/deep?x=1');
    expect(await page(new Visitor(id, 'docs'), '/deep?x=1')).toMatchObject({
      ...{ status: 303, location: `https://gatehouse.test/w/${id}/apps/docs#to=${to}` },
    });
  });

  test('an address that no app has is none', async () => {
    const { id } = await makeShop();
    const odd = new Visitor(id, 'docs');
    Object.assign(odd, { origin: 'https://docs--nobody.gatehouse.test' });
    expect((await page(odd)).status).toBe(404);
  });

  test('nothing listens: a page that tries again; the runner is away: it says so; stopped: it can be started', async () => {
    const { site, id, opened, head, tunnel } = await makeShop();
    const visitor = await visit(site.dev, id, 'docs');
    const asked = page(visitor);
    head((await opened()).stream, { ok: false, code: 'not-listening', message: 'nothing' });
    const silent = await asked;
    expect([silent.status, silent.text.includes('location.reload()')]).toEqual([503, true]);
    tunnel.socket.close();
    await expect.poll(async () => (await page(visitor)).text).toContain('can’t be reached');
    await api(site.dev).post(`/workspaces/${id}/stop`);
    await expect.poll(async () => (await page(visitor)).status).toBe(303);
  });
});
