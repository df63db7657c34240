import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { runnerEnroll } from '@gatehouse/core/api/runners.ts';
import {
  fromRunner,
  type FromRunner,
  type ToRunner,
  type WorkspaceOrder,
  type WorkspaceReport,
} from '@gatehouse/core/protocol/runner-control.ts';
import { runnerRotation, type RunnerRotation } from '@gatehouse/core/protocol/runner-rotation.ts';
import type { RunnerNetwork } from '@gatehouse/core/protocol/runner-policy.ts';
import { onTestFinished } from 'vitest';
import { WebSocketServer, type WebSocket } from 'ws';
import { fingerprintOf } from '../../src/state/keys.ts';
import { Broker, isProved } from './broker.ts';
import { Browser, makeTab } from './browser.ts';
import { Heard } from './heard.ts';
import { makeIssuer } from './issuer.ts';
import { mintId } from './mint.ts';
import { Page } from './page.ts';

type Report = Extract<FromRunner, { kind: 'report' }>;
type Happened = Extract<FromRunner, { kind: 'happened' }>;

/** Enough of the platform for one runner, over real sockets. */
export class Platform {
  // As the product's are: one that begins with a hyphen would be taken for an option.
  readonly code = `ghe_${randomBytes(20).toString('base64url')}`;
  readonly token = `ghr_${randomBytes(20).toString('base64url')}`;
  readonly runnerId = mintId('runner');
  readonly heard = new Heard<FromRunner>();
  readonly connections = new Heard<WebSocket>();
  readonly links = new Heard<{ workspaceId: string; broker: Broker; socket: WebSocket }>();
  readonly orders = new Map<string, WorkspaceOrder>();
  /** what is to be enforced in a workspace; nothing where it is not named */
  readonly policies = new Map<string, Record<string, unknown>>();
  /** reports as stored, without repetitions */
  readonly stored = new Heard<Report>();
  /** what happened, as stored */
  readonly happened = new Heard<Happened>();
  /** what a workspace may reach; nothing where it is not named */
  readonly networks = new Map<string, RunnerNetwork>();
  readonly logs = new Map<string, Buffer>();
  readonly gitRoots = new Map<string, string>();
  storesReports = true;
  /** what becomes of a change of keys: taken; stored but the answer is lost; lost before it is stored; refused */
  keyChanges: 'take' | 'lose answer' | 'lose request' | 'refuse' = 'take';
  readonly keyRequests = new Heard<RunnerRotation>();
  identityKey = '';
  agreementKey = '';
  url = '';
  confirmed = true;
  /** further kinds of message that it says it hears; undefined: as a release before */
  hears: string[] | undefined = ['read'];
  #issuer: Awaited<ReturnType<typeof makeIssuer>> | null = null;
  #viewers = 0;

  static async start(port: number): Promise<Platform> {
    const platform = new Platform();
    const server = createServer((request, response) => void platform.#answer(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (request.headers.authorization !== `Bearer ${platform.token}`) return socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      sockets.handleUpgrade(request, socket, head, (accepted) => platform.#accept(accepted, request.url ?? ''));
      return;
    });
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    platform.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    platform.#issuer = await makeIssuer(platform.url);
    onTestFinished(() => {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      server.close();
    });
    return platform;
  }

  send(message: ToRunner): void {
    this.connections.all.at(-1)?.send(JSON.stringify(message));
  }

  /** Wants something of a workspace, with the next generation. */
  want(order: WorkspaceOrder): void {
    this.orders.set(order.workspaceId, order);
    this.send({ kind: 'order', order: this.#signed(order) });
  }

  /** The order with its policy, unless it has one. */
  #signed(order: WorkspaceOrder): WorkspaceOrder {
    const { workspaceId } = order;
    const policy = order.policy ?? this.policyFor(workspaceId, this.policies.get(workspaceId));
    const reach = this.networks.get(workspaceId);
    const network = reach && this.#issuer?.network({ runnerId: this.runnerId, workspaceId, network: reach });
    return { ...order, ...(policy && { policy }), ...(network && { network }) };
  }

  /** A policy for one workspace, as the deployment signs it. */
  policyFor(workspaceId: string, policy: Record<string, unknown> = {}): string | undefined {
    return this.#issuer?.policy({ runnerId: this.runnerId, workspaceId, policy });
  }

  /** The first stored report of this phase and generation. */
  async reported(
    order: Pick<WorkspaceOrder, 'workspaceId' | 'generation'>,
    phase: WorkspaceReport['phase'],
    from = 0,
  ): Promise<WorkspaceReport> {
    const { workspaceId, generation } = order;
    const fits = ({ body }: Report) => body.workspaceId === workspaceId && body.generation === generation && body.phase === phase;
    return (await this.stored.wait(fits, from)).body;
  }

  /** Joins the newest link of a workspace as a viewer with a good grant. */
  async join(workspaceId: string): Promise<Page> {
    const link = this.links.all.filter((each) => each.workspaceId === workspaceId).at(-1);
    const tab = await makeTab();
    const grant = await this.#issuer?.grant({ runnerId: this.runnerId, workspaceId, jkt: tab.jkt });
    if (link === undefined || grant === undefined) throw new Error('no link');
    const viewer = ++this.#viewers;
    return new Page(await Browser.join(link.broker, viewer, { workspaceId, agreementKey: this.agreementKey, tab, grant }));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const [, , name = ''] = path.split('/');
    const root = this.gitRoots.get(name);
    if (path.startsWith('/git/')) return this.#serveGit(root ?? '/none', path.slice(`/git/${name}`.length), response);
    if (path === '/api/v1/runner/keys') return this.#changeKeys(request, response);
    if (path !== '/api/v1/runner/enroll') return void response.writeHead(this.token === '' ? 401 : 426).end();
    let text = '';
    for await (const piece of request) text += String(piece);
    const body = runnerEnroll.parse(JSON.parse(text));
    if (body.code !== this.code) {
      const fault = {
        type: 'about:blank',
        title: 'No longer there',
        status: 410,
        detail: 'The code was used',
        code: 'gone',
        requestId: mintId('request'),
      };
      return void response.writeHead(410).end(JSON.stringify(fault));
    }
    this.identityKey = body.identityKey;
    this.agreementKey = body.agreementKey;
    const answer = {
      runnerId: this.runnerId,
      tenant: { id: mintId('tenant'), name: 'Acme', slug: 'acme' },
      token: this.token,
      fingerprint: fingerprintOf(body),
      issuer: this.url,
      keys: this.#issuer?.keys,
    };
    response.writeHead(201).end(JSON.stringify(answer));
  }

  async #changeKeys(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const piece of request) text += String(piece);
    const rotation = runnerRotation.parse(JSON.parse(text));
    const { old, next } = rotation;
    const how = this.keyChanges;
    const isKnown = [old.identityKey, next.identityKey].includes(this.identityKey);
    if (how === 'refuse' || (how !== 'lose request' && !isKnown)) {
      const fault = { type: 'about:blank', title: 'That clashes', status: 409, detail: 'Not these keys', code: 'conflict' };
      response.writeHead(409).end(JSON.stringify({ ...fault, requestId: mintId('request') }));
    } else if (how !== 'lose request') {
      [this.identityKey, this.agreementKey] = [next.identityKey, next.agreementKey];
      if (how === 'take') response.writeHead(200).end(JSON.stringify({ fingerprint: fingerprintOf(next) }));
    }
    this.keyRequests.push(rotation);
  }

  async #serveGit(root: string, path: string, response: ServerResponse): Promise<void> {
    const file = await readFile(`${root}${path.split('?')[0] ?? ''}`).catch(() => null);
    response.writeHead(file === null ? 404 : 200).end(file ?? '');
  }

  #accept(socket: WebSocket, path: string): void {
    const nonce = randomBytes(16).toString('base64url');
    socket.on('message', (data: Buffer, binary: boolean) => {
      if (!binary && data.toString() === 'ping') socket.send('pong');
    });
    if (path.endsWith('/control')) this.#control(socket, path, nonce);
    else this.#link(socket, path, nonce);
  }

  #control(socket: WebSocket, path: string, nonce: string): void {
    socket.on('message', (data: Buffer) => {
      if (data.toString() === 'ping') return;
      const message = fromRunner.parse(JSON.parse(data.toString()));
      if (message.kind === 'proof') {
        if (!isProved(this.identityKey, message.signature, nonce, path)) return socket.close(4401, 'wrong proof');
        socket.send(
          JSON.stringify({
            kind: 'ready',
            runnerId: this.runnerId,
            confirmed: this.confirmed,
            hears: this.hears,
            orders: [...this.orders.values()].map((order) => this.#signed(order)),
          }),
        );
        this.connections.push(socket);
      }
      if (message.kind === 'report' || message.kind === 'happened') this.#store(message, socket);
      if (message.kind === 'log') this.#keepLog(message, socket);
      this.heard.push(message);
    });
    socket.send(JSON.stringify({ kind: 'challenge', nonce }));
  }

  #store(report: Report | Happened, socket: WebSocket): void {
    if (!this.storesReports) return;
    const isNew = ![...this.stored.all, ...this.happened.all].some((stored) => stored.report === report.report);
    if (isNew && report.kind === 'report') this.stored.push(report);
    if (isNew && report.kind === 'happened') this.happened.push(report);
    socket.send(JSON.stringify({ kind: 'stored', report: report.report }));
  }

  #keepLog({ workspaceId, generation, offset, text }: Extract<FromRunner, { kind: 'log' }>, socket: WebSocket): void {
    const key = `${workspaceId} ${generation}`;
    const kept = this.logs.get(key) ?? Buffer.alloc(0);
    if (offset === kept.byteLength) this.logs.set(key, Buffer.concat([kept, Buffer.from(text)]));
    const now = this.logs.get(key)?.byteLength ?? 0;
    socket.send(JSON.stringify({ kind: 'logged', workspaceId, generation, offset: now }));
  }

  #link(socket: WebSocket, path: string, nonce: string): void {
    const workspaceId = path.split('/').at(-2) ?? '';
    const broker = new Broker((message) => socket.send(message));
    socket.on('message', (data: Buffer, binary: boolean) => {
      if (binary) broker.receive(data);
    });
    void broker.controls
      .wait((control) => control.kind === 'proof')
      .then((proof) => {
        if (proof.kind !== 'proof' || !isProved(this.identityKey, proof.signature, nonce, path)) return socket.close(4401, 'wrong proof');
        broker.control({ kind: 'ready' });
        this.links.push({ workspaceId, broker, socket });
      });
    broker.control({ kind: 'challenge', nonce });
  }
}
