import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, copyFile, cp, mkdir, stat } from 'node:fs/promises';
import { Agent, type OutgoingHttpHeaders, request } from 'node:http';
import { join } from 'node:path';
import type { AppOpened } from '@gatehouse/core/api/apps.ts';
import { freePort, ROOT } from '../../support/place.ts';
import { type Options, type Row, shuffled, timed, until } from '../measure.ts';
import { memoryOf, workerdOf } from '../processes.ts';
import type { Product } from '../product.ts';

/** A web app through the tunnel, beside the same program asked directly on the machine's loopback. */

const BENCH = 'workspace';
const CLIENTS = 8;

interface Side {
  name: 'tunnel' | 'direct';
  port: number;
  headers: OutgoingHttpHeaders;
  agent: Agent;
}

interface Got {
  status: number;
  bytes: number;
}

/** One request, read to its end. */
const ask = ({ port, headers, agent }: Side, path: string): Promise<Got> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers, agent }, (answer) => {
      let bytes = 0;
      answer.on('data', (piece: Buffer) => (bytes += piece.byteLength));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, bytes }));
      answer.on('error', reject);
    })
      .on('error', reject)
      .end();
  });

/** The app inside a workspace of its own, entered as a browser does. */
async function inWorkspace(product: Product): Promise<Side> {
  const { owner } = product;
  const port = await freePort();
  const node = '/opt/gatehouse/node';
  const command = `until [ -e ready ]; do sleep 0.05; done; exec $([ -e ${node} ] && echo ${node} || echo node) workshop.mjs $PORT $HOME`;
  const spec = { driver: 'bubblewrap', apps: [{ name: 'workshop', port, command }] };
  const template = await owner.call<{ id: string }>('POST', '/templates', { name: 'tunnel', spec });
  const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template.id, name: 'tunnel' });
  await until('the workspace runs', async () => (await owner.call<{ phase: string }>('GET', `/workspaces/${id}`)).phase === 'running');
  await fill(join(product.stateDir, 'runner/workspaces', id, 'home'));
  const path = `/workspaces/${id}/apps/workshop/open`;
  const { url, address } = await owner.call<AppOpened>('POST', path, undefined, { 'Sec-Fetch-Site': 'same-origin' });
  const host = new URL(address).host;
  const body = JSON.stringify({ code: new URL(url).hash.slice(1) });
  const entering = { Origin: `http://${host}`, 'Sec-Fetch-Site': 'same-origin', 'Content-Type': 'application/json' };
  const cookie = await enter(product.port, { ...entering, Host: host, 'Content-Length': body.length }, body);
  const headers = { Host: host, Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' };
  const side: Side = { name: 'tunnel', port: product.port, headers, agent: new Agent({ keepAlive: true }) };
  await until('the app answers', async () => (await ask(side, '/none')).status === 204, 50);
  return side;
}

const enter = (port: number, headers: OutgoingHttpHeaders, body: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/.gatehouse/enter', method: 'POST', headers }, (answer) => {
      answer.resume();
      const cookie = answer.headers['set-cookie']?.[0]?.split(';')[0];
      if (cookie === undefined) reject(new Error(`The app could not be entered: ${answer.statusCode}`));
      else resolve(cookie);
    })
      .on('error', reject)
      .end(body);
  });

async function fill(home: string): Promise<void> {
  await mkdir(join(home, 'node_modules'), { recursive: true });
  await cp(join(ROOT, 'node_modules/ws'), join(home, 'node_modules/ws'), { recursive: true });
  for (const name of ['numbered-bytes.mjs', 'workshop.mjs']) await copyFile(join(ROOT, 'test/support', name), join(home, name));
  await cp(join(ROOT, 'LICENSE'), join(home, 'ready'));
  const { uid } = await stat(home);
  if (process.getuid?.() === 0) await chown(join(home, 'ready'), uid, uid);
}

async function outside(): Promise<{ side: Side; end: () => void }> {
  const port = await freePort();
  const app = spawn(process.execPath, [join(ROOT, 'test/support/workshop.mjs'), String(port), join(ROOT, 'node_modules')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(app.stdout, 'data');
  const agent = new Agent({ keepAlive: true });
  return { side: { name: 'direct', port, headers: {}, agent }, end: () => void app.kill() };
}

/** Requests a second, with a few clients that each ask again as soon as they are answered; and what one alone waits. */
async function requests(side: Side, { quick }: Options): Promise<Row[]> {
  const count = quick ? 100 : 2000;
  const alone: number[] = [];
  for (let index = 0; index < count / 4; index++) alone.push((await timed(() => ask(side, '/none')))[0]);
  let left = count;
  const together: number[] = [];
  const client = async () => {
    while (left-- > 0) together.push((await timed(() => ask(side, '/download?size=4096')))[0]);
  };
  const [took] = await timed(() => Promise.all(Array.from({ length: CLIENTS }, client)));
  const row = (what: string, unit: Row['unit'], samples: number[]): Row => ({ bench: BENCH, what, system: side.name, unit, samples });
  return [
    row('web app: one request after another', 'ms', alone),
    row(`web app: ${CLIENTS} clients, 4 KiB each`, 'ms', together),
    row(`web app: ${CLIENTS} clients`, 'per second', [count / (took / 1000)]),
  ];
}

/** A download's rate; through the tunnel also what it adds to the memory of the service and of the runner, at most. */
async function downloads(side: Side, product: Product, { quick, rounds }: Options): Promise<Row[]> {
  const size = quick ? 10_000_000 : 200 * 1024 * 1024;
  const rates: number[] = [];
  const grown = { service: [] as number[], runner: [] as number[] };
  const now = () => ({ service: sum(workerdOf(product.stateDir)), runner: sum([product.runnerPid]) });
  await ask(side, `/download?size=${size}`);
  for (let round = quick ? 1 : rounds; round > 0; round--) {
    const before = now();
    const most = { ...before };
    const look = setInterval(() => {
      const { service, runner } = now();
      most.service = Math.max(most.service, service);
      most.runner = Math.max(most.runner, runner);
    }, 50);
    const [took, got] = await timed(() => ask(side, `/download?size=${size}`));
    clearInterval(look);
    if (got.status !== 200 || got.bytes !== size)
      throw new Error(`The download gave ${got.bytes} bytes of ${size}, and status ${got.status}`);
    rates.push(size / 1e6 / (took / 1000));
    grown.service.push(Math.max(0, most.service - before.service));
    grown.runner.push(Math.max(0, most.runner - before.runner));
  }
  const row = (what: string, unit: Row['unit'], samples: number[]): Row => ({ bench: BENCH, what, system: side.name, unit, samples });
  const rows = [row('web app: download of 200 MB', 'MB/s', rates)];
  if (side.name === 'direct') return rows;
  return [
    ...rows,
    row('web app: memory that the download adds to the service', 'MB', grown.service),
    row('web app: memory that the download adds to the runner', 'MB', grown.runner),
  ];
}

const sum = (pids: number[]): number => memoryOf(pids).rss;

/** Both sides by turns, in an order of chance. */
export async function measureTunnel(product: Product, options: Options): Promise<Row[]> {
  const direct = await outside();
  try {
    const sides = shuffled([await inWorkspace(product), direct.side]);
    const rows: Row[] = [];
    for (const side of sides) rows.push(...(await requests(side, options)));
    for (const side of sides) rows.push(...(await downloads(side, product, options)));
    for (const { agent } of sides) agent.destroy();
    return rows;
  } finally {
    direct.end();
  }
}
