import { request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { Failure } from '../src/failure.ts';
import { countDials } from '../src/metrics/links.ts';
import { parseMetricsAddress } from '../src/metrics/serve.ts';
import { Starts, type Outcome } from '../src/metrics/starts.ts';
import type { SocketEvents } from '../src/connection/socket.ts';
import { FakeClock } from './support/clock.ts';
import { parseExposition, type Family } from './support/exposition.ts';
import { makeLab } from './support/lab.ts';
import { mintId, mintOrder } from './support/mint.ts';
import type { Program } from './support/program.ts';

/** @param host as the client says it */
const get = (port: number, path: string, { host = `127.0.0.1:${port}`, method = 'GET' } = {}) =>
  new Promise<{ status: number; type: string; text: string }>((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path, method, headers: { host } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, type: answer.headers['content-type'] ?? '', text }));
    });
    asked.on('error', reject).end();
  });

const portOf = async (program: Program): Promise<number> => {
  const said = /Metrics are at http:\/\/127\.0\.0\.1:(\d+)\/metrics/;
  await program.output.wait(() => said.test(program.text()));
  return Number(said.exec(program.text())?.[1]);
};

const valueOf = (families: Map<string, Family>, name: string, labels: Record<string, string> = {}): number | undefined =>
  families.get(name)?.samples.find((each) => JSON.stringify(each.labels) === JSON.stringify(labels))?.value;

describe('figures for Prometheus', () => {
  it('are in its format, named as it wants them, and tell what the runner does', async () => {
    const { platform, run } = await makeLab();
    const port = await portOf(run('--metrics', '127.0.0.1:0'));
    await platform.connections.wait(() => true);
    const order = mintOrder({ name: 'planted-name', owner: { name: 'Planted Person', email: 'planted@person.test' } });
    platform.want(order);
    await platform.reported(order, 'running');
    const page = await platform.join(order.workspaceId);
    const terminal = page.open({ method: 'pty.open', cols: 80, rows: 24, key: mintId('connection') });
    await terminal.head;
    await terminal.shows(/[$#] /);
    const scrape = async () => parseExposition((await get(port, '/metrics')).text);
    const read = async (name: string, labels?: Record<string, string>) => valueOf(await scrape(), `gatehouse_runner_${name}`, labels);
    await expect.poll(() => read('reports_waiting')).toBe(0);
    expect(await read('links', { link: 'control' })).toBe(1);
    expect(await read('links', { link: 'workspace' })).toBe(1);
    expect(await read('workspaces', { phase: 'running' })).toBe(1);
    expect(await read('workspace_starts_total', { outcome: 'running' })).toBe(1);
    expect(await read('terminals')).toBe(1);
    expect(await read('viewers')).toBe(1);
    expect(await read('sent_bytes_total', { service: 'terminals' })).toBeGreaterThan(0);
    expect(await read('recording_spool_bytes')).toBe(0);
    expect(await read('workspace_memory_bytes', { workspace: order.workspaceId })).toBeGreaterThan(1_000_000);
    expect(await read('workspace_cpu_seconds_total', { workspace: order.workspaceId })).toBeGreaterThan(0);
    const families = await scrape();
    const took = families.get('gatehouse_runner_workspace_start_duration_seconds');
    expect(took?.samples.find(({ name }) => name.endsWith('_count'))?.value).toBe(1);
    expect(took?.samples.find(({ labels }) => labels['le'] === '+Inf')?.value).toBe(1);
    for (const name of ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_seconds'])
      expect(families.has(name), name).toBe(true);
    // Conventions: a prefix, base units, and _total on what only grows.
    for (const { name, type, help } of [...families.values()].filter(({ name }) => name.startsWith('gatehouse_'))) {
      expect(name).toMatch(/^gatehouse_runner_[a-z_]+$/);
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(help.endsWith('.'), name).toBe(true);
      expect(name).not.toMatch(/_(ms|milliseconds|minutes|kb|mb|percent)(_|$)/);
    }
  });

  it('name nobody and hold no secret', async () => {
    const { platform, run } = await makeLab();
    const port = await portOf(run('--metrics', '127.0.0.1:0'));
    await platform.connections.wait(() => true);
    const order = mintOrder({
      name: 'planted-name',
      owner: { name: 'Planted Person', email: 'planted@person.test' },
      environment: { VALUE: 'planted value' },
      secrets: { KEY: 'planted secret' },
    });
    platform.want(order);
    await platform.reported(order, 'running');
    const { text } = await get(port, '/metrics');
    expect(text).toContain(order.workspaceId);
    for (const planted of [/planted/i, platform.token]) expect(text).not.toMatch(planted);
  });

  it('are there to be read by a scraper of this machine alone', async () => {
    const { platform, run } = await makeLab();
    const port = await portOf(run('--metrics', '127.0.0.1:0'));
    await platform.connections.wait(() => true);
    expect(await get(port, '/metrics')).toMatchObject({
      status: 200,
      type: expect.stringContaining('text/plain; version=0.0.4') as unknown,
    });
    expect((await get(port, '/metrics', { host: 'localhost:1' })).status).toBe(200);
    expect((await get(port, '/metrics', { host: 'evil.example' })).status).toBe(403);
    expect((await get(port, '/metrics', { method: 'POST' })).status).toBe(405);
    expect((await get(port, '/')).status).toBe(404);
  });

  it('are served nowhere unless they are asked for, and a place that is taken is said', async () => {
    const { platform, run } = await makeLab();
    const first = run('--metrics', '127.0.0.1:0');
    const port = await portOf(first);
    first.child.kill('SIGTERM');
    expect(await first.ended).toBe(0);
    await expect(get(port, '/metrics')).rejects.toThrow('ECONNREFUSED');
    const taken = new URL(platform.url).port;
    const second = run('--metrics', `127.0.0.1:${taken}`);
    expect(await second.ended).toBe(1);
    expect(second.text()).toContain(`Metrics can't be served at 127.0.0.1:${taken}`);
  });
});

describe('where they are served', () => {
  it.each([
    ['127.0.0.1:9464', { host: '127.0.0.1', port: 9464 }],
    ['127.8.8.8:1', { host: '127.8.8.8', port: 1 }],
    ['localhost:9464', { host: 'localhost', port: 9464 }],
    ['[::1]:9464', { host: '::1', port: 9464 }],
  ])('%s is this machine', (text, address) => {
    expect(parseMetricsAddress(text, false)).toEqual(address);
  });

  it.each(['0.0.0.0:9464', '[::]:9464', '10.0.0.7:9464', 'metrics.example:9464', '127.0.0.1.evil.example:80', 'localhost.evil.example:80'])(
    '%s can be reached by others, and must be meant',
    (text) => {
      expect(() => parseMetricsAddress(text, false)).toThrow(/--metrics-anywhere/);
      expect(parseMetricsAddress(text, true).port).toBeGreaterThan(0);
    },
  );

  it.each(['9464', '127.0.0.1', '127.0.0.1:99999', ':9464', 'http://127.0.0.1:9464'])('%s is no address', (text) => {
    expect(() => parseMetricsAddress(text, true)).toThrow(Failure);
  });
});

describe('starts', () => {
  const watch = () => {
    const [clock, told] = [new FakeClock(), [] as [Outcome, number][]];
    const starts = new Starts(clock);
    starts.finished = (outcome, seconds) => told.push([outcome, seconds]);
    return { clock, told, starts, workspaceId: mintId('workspace') };
  };

  it('take from the first word of it to the last, and are counted by how they end', () => {
    const { clock, told, starts, workspaceId } = watch();
    for (const end of ['running', 'failed', 'stopped'] as const) {
      starts.saw({ workspaceId, phase: 'starting' });
      clock.pass(1500);
      starts.saw({ workspaceId, phase: 'starting' });
      clock.pass(500);
      starts.saw({ workspaceId, phase: end });
    }
    starts.saw({ workspaceId, phase: 'stopped' });
    expect(told).toEqual([
      ['running', 2],
      ['failed', 2],
      ['cancelled', 2],
    ]);
  });

  it('tell the phase of what was heard of; of the rest, whether it runs', () => {
    const { starts, workspaceId } = watch();
    expect(starts.phaseOf({ workspaceId, phase: 'running' })).toBe('running');
    starts.saw({ workspaceId, phase: 'failed' });
    expect(starts.phaseOf({ workspaceId, phase: 'stopped' })).toBe('failed');
    starts.saw({ workspaceId, phase: 'deleted' });
    expect(starts.phaseOf({ workspaceId, phase: 'stopped' })).toBe('stopped');
  });
});

it('sockets to the platform are counted by what they are for, and one that never opened is no loss', () => {
  const given: SocketEvents[] = [];
  const { dial, links } = countDials((_path, events) => {
    given.push(events);
    return { buffered: 0, send: () => undefined, close: () => undefined };
  });
  const events = { opened: () => undefined, text: () => undefined, binary: () => undefined, closed: () => undefined };
  for (const path of ['/api/v1/runner/control', '/api/v1/runner/workspaces/w/link', '/api/v1/runner/workspaces/w/apps']) dial(path, events);
  given[0]?.opened();
  given[1]?.opened();
  given[1]?.closed(1006, '');
  given[2]?.closed(1006, '');
  expect(links).toEqual({ control: { open: 1, lost: 0 }, workspace: { open: 0, lost: 1 }, tunnel: { open: 0, lost: 0 } });
});
