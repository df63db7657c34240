import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, test, vi } from 'vitest';
import type { Problem } from '@gatehouse/core/api/common.ts';
import { attachment } from '@gatehouse/core/api/workspaces.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, encodeControl, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { workspaceOf } from '../../../worker/compose.ts';
import { socketRequest, type ViewerSocketFacts } from '../../../worker/platform/socket-facts.ts';
import { connectLink, connectViewer, enrollRunner, frame, openSocket, TestSocket } from '../../support/runners.ts';
import { actionsOf, attachTo, join, makePair, makeRunning, makeSite } from '../../support/site.ts';
import { eventsOf, read, services } from '../../support/tenants.ts';

// Dozens of connections one after another.
vi.setConfig({ testTimeout: 40_000 });

const stubOf = (id: string) => workspaceOf(env, services().settings, 's0', id);
const KIB = 1024;
const isData = (each: Frame) => each.type === 'data';
const full = (viewer: number, offset: number) => frame({ viewer, offset, payload: new Uint8Array(LIMITS.payload) });

describe('O1 to O3: opening', () => {
  test('O1, O2: only the protocol is echoed, and the first frame is the welcome', async () => {
    const { response, number, running } = await makePair();
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('gatehouse.v1');
    expect(number).toBe(1);
    const joined = await running.link.next();
    expect(running.control(joined)).toEqual({ kind: 'joined', viewer: 1 });
  });

  test('O2: numbers begin again after 65,535, and none is given while it is somebody’s', async () => {
    const { number, running, site } = await makePair();
    await runInDurableObject(stubOf(running.id), (_object, { storage }) => storage.kv.put('last viewer', 65_534));
    const numbers = [(await join(site.dev, running.id)).number, (await join(site.dev, running.id)).number];
    expect([number, ...numbers]).toEqual([1, 65_535, 2]);
  });

  test('O3: a link proves the runner’s key before a frame passes', async () => {
    const site = await makeSite();
    const { id, link } = await makeRunning(site);
    const { socket } = await openSocket(`/runner/workspaces/${id}/link`, { Authorization: `Bearer ${site.runner.token}` });
    const second = new TestSocket(socket as WebSocket, () => null);
    second.socket.send(frame({ viewer: 1 }));
    expect((await second.closed).code).toBe(4401);
    expect(link.socket.readyState).toBe(WebSocket.OPEN);
  });

  test('O3: a proof by another key closes it', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { socket } = await openSocket(`/runner/workspaces/${id}/link`, { Authorization: `Bearer ${site.runner.token}` });
    const second = new TestSocket(socket as WebSocket, () => null);
    second.socket.send(encodeControl({ kind: 'proof', signature: await site.runner.keys.sign('another text') }));
    expect((await second.closed).code).toBe(4401);
  });

  test('O3: another runner can’t take the workspace', async () => {
    const { site, running } = await makePair();
    const stranger = await enrollRunner(site.tenant);
    const { response } = await openSocket(`/runner/workspaces/${running.id}/link`, { Authorization: `Bearer ${stranger.token}` });
    expect(response.status).toBe(404);
  });

  test('a runner’s version is echoed; one that is not spoken here is refused by name', async () => {
    const site = await makeSite();
    const { id, response } = await makeRunning(site);
    expect(response.headers.get('Sec-WebSocket-Protocol')).toBe('gatehouse.v1');
    const dial = (versions: string) =>
      openSocket(`/runner/workspaces/${id}/link`, { Authorization: `Bearer ${site.runner.token}`, 'Sec-WebSocket-Protocol': versions });
    expect((await dial('gatehouse.v2, gatehouse.v1')).response.headers.get('Sec-WebSocket-Protocol')).toBe('gatehouse.v1');
    const refused = await dial('gatehouse.v3, gatehouse.v2');
    expect(refused.response.status).toBe(426);
    const { code, detail } = (await refused.response.json()) as Problem;
    expect([code, detail]).toEqual([
      'version-unsupported',
      'This Gatehouse speaks gatehouse.v1, and was offered gatehouse.v3, gatehouse.v2',
    ]);
  });

  test('a new Worker serves the previous runner release: it offers no version, and is taken for version 1', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const previous = await connectLink(site.runner, id, { version: null });
    expect(previous.response.headers.get('Sec-WebSocket-Protocol')).toBeNull();
    const { viewer, number } = await join(site.dev, id);
    viewer.socket.send(frame({ offset: 3 }));
    expect(await previous.link.until(isData)).toMatchObject({ viewer: number, offset: 3 });
  });

  test('O5: when the link goes, viewers are told to dial again; without a link nobody is admitted', async () => {
    const { viewer, running, site } = await makePair();
    running.link.socket.close(1000);
    expect((await viewer.closed).code).toBe(4503);
    const { ticket, connectionId } = read(await attachTo(site.dev, running.id), attachment);
    const late = await connectViewer(running.id, ticket);
    expect((await late.viewer.closed).code).toBe(4503);
    await expect.poll(() => actionsOf(site.tenant, 'connection.end')).toHaveLength(2);
    const ends = (await eventsOf(site.tenant)).filter(({ action }) => action === 'connection.end');
    expect(ends.find(({ resource }) => resource.id === connectionId)).toMatchObject({ reason: 'the runner is away' });
  });

  test('O5: a newer link takes over, and viewers dial again', async () => {
    const { viewer, running, site } = await makePair();
    const newer = await connectLink(site.runner, running.id);
    expect([(await running.link.closed).code, (await viewer.closed).code]).toEqual([4409, 4503]);
    const again = await join(site.dev, running.id);
    again.viewer.socket.send(frame({}));
    expect(await newer.link.until(isData)).toMatchObject({ viewer: again.number });
  });
});

describe('F: frames', () => {
  test('F5: the viewer’s number is the broker’s, and the runner’s frame goes to whom it names', async () => {
    const { viewer, running, number } = await makePair();
    viewer.socket.send(frame({ viewer: 999, payload: new Uint8Array([108, 115]) }));
    const arrived = await running.link.until(isData);
    expect([arrived.viewer, arrived.stream, ...arrived.payload]).toEqual([number, 1, 108, 115]);
    running.link.socket.send(frame({ viewer: 77 }));
    running.link.socket.send(frame({ viewer: number, offset: 5, payload: new Uint8Array([1, 2, 3]) }));
    const answered = await viewer.until(isData);
    expect([answered.offset, ...answered.payload]).toEqual([5, 1, 2, 3]);
  });

  test.each([
    ['F4: a broken frame', new Uint8Array([200, 0, 0])],
    ['F4: a message of 1.5 MiB', new Uint8Array(1536 * KIB)],
    ['F6: a text that is not a ping', 'hello'],
    ['F5: a word to the broker', encodeControl({ kind: 'refuse', viewer: 1, reason: 'x' })],
  ])('%s costs only the socket it came from', async (_what, message) => {
    const { viewer, running, site } = await makePair();
    const other = await join(site.dev, running.id);
    viewer.socket.send(message);
    expect((await viewer.closed).code).toBe(4400);
    const left = await running.link.until((each) => each.type === 'control' && running.control(each).kind === 'left');
    expect(running.control(left)).toEqual({ kind: 'left', viewer: 1 });
    other.viewer.socket.send(frame({ offset: 1 }));
    expect(await running.link.until(isData)).toMatchObject({ viewer: other.number, offset: 1 });
  });

  test('F6: a ping is answered, whoever sends it', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const { socket } = await openSocket(`/runner/workspaces/${id}/link`, { Authorization: `Bearer ${site.runner.token}` });
    const stranger = new TestSocket(socket as WebSocket, (data) => data);
    stranger.socket.send('ping');
    expect(await stranger.until((data) => typeof data === 'string')).toBe('pong');
  });
});

describe('K: the broker’s bounds', () => {
  test('K1: the 17th viewer is turned away, and a place that is left is free again', async () => {
    const { site, running, viewer } = await makePair();
    for (let index = 1; index < LIMITS.viewers; index++) await join(site.dev, running.id);
    const more = async () => connectViewer(running.id, read(await attachTo(site.dev, running.id), attachment).ticket);
    expect((await (await more()).viewer.closed).code).toBe(4429);
    viewer.socket.close(1000);
    await viewer.closed;
    expect((await join(site.dev, running.id)).number).toBe(LIMITS.viewers + 1);
  });

  test('K1: more than 120 joins within a minute are turned away, though nobody stays', async () => {
    const site = await makeSite();
    const { id } = await makeRunning(site);
    const facts: ViewerSocketFacts = {
      kind: 'viewer',
      lapsesAt: null,
      tenantId: site.tenant.id,
      shard: 's0',
      workspaceId: id,
      workspaceName: 'box',
      connectionId: '',
      sessionId: site.dev.sessionId,
      user: { id: site.dev.id, name: site.dev.name, email: site.dev.email },
      access: 'own',
      grantId: null,
      keyThumbprint: '',
      endsAt: null,
      idleMinutes: null,
      presenceUntil: null,
    };
    const codes: number[] = [];
    for (let index = 0; index <= LIMITS.joinsPerMinute; index++) {
      const { webSocket } = await stubOf(id).fetch(socketRequest({ ...facts, connectionId: services().newId('connection') }));
      const viewer = new TestSocket(webSocket as WebSocket, (data) => decodeFrame((data as ArrayBuffer).slice(0)));
      const first = await Promise.race([viewer.next(), viewer.closed]);
      if (!('code' in first)) viewer.socket.close(1000);
      codes.push((await viewer.closed).code);
    }
    expect(codes).toEqual([...Array<number>(LIMITS.joinsPerMinute).fill(1000), 4429]);
  });

  test('K2, K4: a viewer that reads but never echoes is closed with 4408; one that echoes goes on', async () => {
    const { viewer, running, number, control, site } = await makePair();
    const honest = await join(site.dev, running.id);
    for (let index = 0; index < 24; index++) {
      running.link.socket.send(full(number, index));
      running.link.socket.send(full(honest.number, index));
      await honest.viewer.until((each) => isData(each) && each.offset === index);
      const mark = honest.control(await honest.viewer.next());
      if (mark.kind !== 'mark') throw new Error(`Expected a mark, not ${mark.kind}`);
      honest.viewer.socket.send(encodeControl({ kind: 'echo', nonce: mark.nonce }));
    }
    expect((await viewer.closed).code).toBe(4408);
    expect(control(await viewer.until((each) => each.type === 'control'))).toMatchObject({ kind: 'mark' });
    running.link.socket.send(frame({ viewer: honest.number, offset: 99 }));
    expect(await honest.viewer.until(isData)).toMatchObject({ offset: 99 });
  });

  test('K5: the alarm asks for echoes, and closes who has owed one for 3 minutes', async () => {
    const { viewer, running, site } = await makePair();
    const honest = await join(site.dev, running.id);
    const echoes = async (socket: TestSocket<Frame>, control: (each: Frame) => { kind: string; nonce?: unknown }) => {
      const mark = control(await socket.until((each) => each.type === 'control' && control(each).kind === 'mark'));
      socket.socket.send(encodeControl({ kind: 'echo', nonce: mark.nonce }));
    };
    await runDurableObjectAlarm(stubOf(running.id));
    await echoes(honest.viewer, honest.control);
    await echoes(running.link, running.control);
    // Both echoes have arrived once a frame that was sent behind them has come back.
    honest.viewer.socket.send(frame({ offset: 1 }));
    await running.link.until(isData);
    running.link.socket.send(frame({ viewer: honest.number, offset: 1 }));
    await honest.viewer.until(isData);
    vi.setSystemTime(Date.now() + LIMITS.echoWithin + 1_000);
    try {
      await runDurableObjectAlarm(stubOf(running.id));
    } finally {
      vi.useRealTimers();
    }
    expect((await viewer.closed).code).toBe(4408);
    expect([honest.viewer.socket.readyState, running.link.socket.readyState]).toEqual([WebSocket.OPEN, WebSocket.OPEN]);
  });

  test('K6: moving frames writes no row and sets no alarm; at rest the alarm comes every 5 minutes, and only for viewers', async () => {
    const site = await makeSite();
    const running = await makeRunning(site);
    const state = () =>
      runInDurableObject(stubOf(running.id), async (_object, { storage }) => ({
        rows: storage.sql.exec<{ n: number }>('SELECT total_changes() AS n').one().n,
        size: storage.sql.databaseSize,
        alarm: await storage.getAlarm(),
      }));
    expect((await state()).alarm).toBeNull();
    const { viewer, number } = await join(site.dev, running.id);
    const before = await state();
    expect(before.alarm).toBeGreaterThan(Date.now() + 4 * 60_000);
    for (let index = 0; index < 10; index++) {
      viewer.socket.send(full(0, index));
      running.link.socket.send(full(number, index));
    }
    await running.link.until((each) => isData(each) && each.offset === 9);
    await viewer.until((each) => isData(each) && each.offset === 9);
    expect(await state()).toEqual(before);
    await runDurableObjectAlarm(stubOf(running.id));
    expect((await state()).alarm).toBeGreaterThan(Date.now() + 4 * 60_000);
  });
});

describe('hibernation', () => {
  const sleep = (id: string) => evictDurableObject(stubOf(id), { webSockets: 'hibernate' });

  test('sockets, numbers and routes outlive the object', async () => {
    const { viewer, running, number, site } = await makePair();
    await sleep(running.id);
    viewer.socket.send(frame({ payload: new Uint8Array([7]) }));
    expect(await running.link.until(isData)).toMatchObject({ viewer: number });
    await sleep(running.id);
    running.link.socket.send(frame({ viewer: number, payload: new Uint8Array([8]) }));
    expect([...(await viewer.until(isData)).payload]).toEqual([8]);
    expect((await join(site.dev, running.id)).number).toBe(number + 1);
  });

  test('K2, K4: what was sent and not echoed is still counted, and a mark’s echo still known', async () => {
    const { viewer, running, number, control } = await makePair();
    const nonces: number[] = [];
    const next = async (offset: number) => {
      running.link.socket.send(full(number, offset));
      await viewer.until((each) => isData(each) && each.offset === offset);
      const mark = control(await viewer.next());
      if (mark.kind === 'mark') nonces.push(mark.nonce);
      await sleep(running.id);
    };
    for (let index = 0; index < 10; index++) await next(index);
    viewer.socket.send(encodeControl({ kind: 'echo', nonce: nonces[0] }));
    for (let index = 10; index < 20; index++) await next(index);
    expect([viewer.socket.readyState, nonces.length]).toEqual([WebSocket.OPEN, 20]);
    running.link.socket.send(full(number, 20));
    expect((await viewer.closed).code).toBe(4408);
  });

  test('K3: so are open streams', async () => {
    const { viewer, running } = await makePair();
    for (let index = 0; index < LIMITS.streams; index++) {
      viewer.socket.send(frame({ type: 'open', stream: 2 * index + 1 }));
      if (index % 64 === 63) {
        await running.link.until((each) => each.type === 'open' && each.stream === 2 * index + 1);
        await sleep(running.id);
      }
    }
    expect(viewer.socket.readyState).toBe(WebSocket.OPEN);
    viewer.socket.send(frame({ type: 'open', stream: 1001 }));
    expect((await viewer.closed).code).toBe(4400);
  });

  test('O3: a link may prove itself after the object has slept', async () => {
    const site = await makeSite();
    const { id, link } = await makeRunning(site);
    await connectLink(site.runner, id, { beforeProof: () => sleep(id) });
    expect((await link.closed).code).toBe(4409);
  });

  test('a viewer that goes while the object sleeps is told to the runner, with its end recorded', async () => {
    const { viewer, running, number, site } = await makePair();
    viewer.socket.send(frame({ payload: new Uint8Array(84) }));
    await running.link.until(isData);
    await sleep(running.id);
    viewer.socket.close(1000, 'left');
    const left = await running.link.until((each) => each.type === 'control' && running.control(each).kind === 'left');
    expect(running.control(left)).toEqual({ kind: 'left', viewer: number });
    await expect
      .poll(async () => (await eventsOf(site.tenant)).find(({ action }) => action === 'connection.end'))
      .toMatchObject({ reason: 'left', details: { bytesIn: 100, bytesOut: 0 } });
  });
});
