import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { WebSocket } from 'ws';
import { challengeText } from '../../../core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeControl, SUBPROTOCOL } from '../../../core/protocol/frame.ts';
import type { FromRunner, ToRunner } from '../../../core/protocol/runner-control.ts';
import type { Person } from '../../../scripts/api.ts';
import { within } from '../measure.ts';

/** As the runner does: one that is silent counts as away. */
const PING_MS = 20_000;

const CONTROL = '/api/v1/runner/control';

/**
 * A runner that starts nothing: it enrols, proves its key, says of each workspace that it runs, and keeps its link. For
 * measurements of the service alone, with more workspaces than one machine could run.
 */
export class StandInRunner {
  readonly id: string;
  readonly #origin: string;
  readonly #token: string;
  readonly #key: KeyObject;
  readonly #sockets: WebSocket[] = [];
  readonly #started = new Map<string, () => void>();
  readonly #stored = new Set<string>();
  readonly #pinging = setInterval(() => this.#ping(), PING_MS);
  #reports = 0;

  private constructor(id: string, origin: string, token: string, key: KeyObject) {
    this.id = id;
    this.#origin = origin;
    this.#token = token;
    this.#key = key;
  }

  /** Enrolled, confirmed and online. */
  static async start(owner: Person, origin: string): Promise<StandInRunner> {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const { code } = await owner.call<{ code: string }>('POST', '/runner-enrollments', { name: 'stand-in' });
    const identityKey = publicKey.export({ format: 'jwk' }).x ?? '';
    const response = await fetch(`${origin}/api/v1/runner/enroll`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({
        ...{ code, name: 'stand-in', identityKey, agreementKey: randomBytes(32).toString('base64url'), version: '0.1.0' },
        platform: 'linux-x64',
      }),
    });
    if (!response.ok) throw new Error(`The enrolment was refused: ${await response.text()}`);
    const { runnerId, token, fingerprint } = (await response.json()) as { runnerId: string; token: string; fingerprint: string };
    await owner.call('POST', `/runners/${runnerId}/confirm`, { fingerprint });
    const runner = new StandInRunner(runnerId, origin, token, privateKey);
    await within(15, 'the stand-in runner is ready', runner.#control());
    return runner;
  }

  /** The workspace is reported running, and its link stands. */
  async serve(workspaceId: string): Promise<void> {
    if (!this.#stored.has(workspaceId))
      await within(30, 'the workspace was ordered', new Promise<void>((resolve) => this.#started.set(workspaceId, resolve)));
    await within(15, 'the link stands', this.#link(workspaceId));
  }

  stop(): void {
    clearInterval(this.#pinging);
    for (const socket of this.#sockets) socket.terminate();
  }

  #ping(): void {
    for (const socket of this.#sockets) if (socket.readyState === WebSocket.OPEN) socket.send('ping');
  }

  #dial(path: string, protocols: string[]): WebSocket {
    const headers = { Authorization: `Bearer ${this.#token}` };
    const socket = new WebSocket(`${this.#origin.replace('http', 'ws')}${path}`, protocols, { headers, perMessageDeflate: false });
    this.#sockets.push(socket);
    return socket;
  }

  #proof(nonce: string, path: string): string {
    return sign(null, Buffer.from(challengeText(nonce, path)), this.#key).toString('base64url');
  }

  #control(): Promise<void> {
    const socket = this.#dial(CONTROL, []);
    const say = (message: FromRunner) => socket.send(JSON.stringify(message));
    const reports = new Map<number, string>();
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', (code) => reject(new Error(`The control socket closed with ${code}`)));
      socket.on('message', (data: Buffer, isBinary) => {
        if (!isBinary && data.toString() === 'pong') return;
        const message = JSON.parse(data.toString()) as ToRunner;
        if (message.kind === 'challenge') {
          const facts = { version: '0.1.0', platform: 'linux-x64', labels: {}, drivers: ['process' as const], warnings: [], inventory: [] };
          say({ kind: 'proof', signature: this.#proof(message.nonce, CONTROL), ...facts });
        } else if (message.kind === 'ready') {
          resolve();
        } else if (message.kind === 'order' && message.order.desired === 'running') {
          const { workspaceId, generation } = message.order;
          const report = ++this.#reports;
          reports.set(report, workspaceId);
          say({ kind: 'report', report, time: new Date().toISOString(), body: { workspaceId, generation, phase: 'running' } });
        } else if (message.kind === 'stored') {
          const workspaceId = reports.get(message.report) ?? '';
          this.#stored.add(workspaceId);
          this.#started.get(workspaceId)?.();
        }
      });
    });
  }

  #link(workspaceId: string): Promise<void> {
    const path = `/api/v1/runner/workspaces/${workspaceId}/link`;
    const socket = this.#dial(path, [SUBPROTOCOL]);
    return new Promise((resolve, reject) => {
      socket.once('error', reject);
      socket.once('close', (code) => reject(new Error(`The link closed with ${code}`)));
      socket.on('message', (data: Buffer, isBinary) => {
        if (!isBinary) return;
        const frame = decodeFrame(new Uint8Array(data));
        if (frame.type !== 'control') return;
        const said = decodeJson(frame.payload) as { kind?: string; nonce?: string };
        if (said.kind === 'challenge') socket.send(encodeControl({ kind: 'proof', signature: this.#proof(said.nonce ?? '', path) }));
        else if (said.kind === 'ready') resolve();
      });
    });
  }
}
