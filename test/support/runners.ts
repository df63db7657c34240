import { UNDERSTOOD } from '@gatehouse/core/api/template-needs.ts';
import { exports } from 'cloudflare:workers';
import type { z } from 'zod';
import { enrollmentCreated, runnerEnrolled } from '@gatehouse/core/api/runners.ts';
import {
  challengeText,
  toRunnerLink,
  toViewer,
  type FromRunnerLink,
  type ToRunnerLink,
  type ToViewer,
} from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeControl, encodeFrame, SUBPROTOCOL, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { HEARD_BY_RUNNER } from '@gatehouse/core/protocol/heard.ts';
import { rotationText, type RunnerRotation } from '@gatehouse/core/protocol/runner-rotation.ts';
import { toRunner, type FromRunner, type ToRunner } from '@gatehouse/core/protocol/runner-control.ts';
import { base64url } from '../../worker/platform/encoding.ts';
import { api, call, ORIGIN, read, unique, type Answer, type Tenant } from './tenants.ts';

/** A runner's identity as it makes it on its own machine. */
export interface RunnerKeys {
  sign(text: string): Promise<string>;
  identityKey: string;
  agreementKey: string;
}

export async function makeKeys(): Promise<RunnerKeys> {
  const pair = (await crypto.subtle.generateKey('Ed25519', true, ['sign', 'verify'])) as CryptoKeyPair;
  const raw = (await crypto.subtle.exportKey('raw', pair.publicKey)) as ArrayBuffer;
  return {
    identityKey: base64url(new Uint8Array(raw)),
    agreementKey: base64url(crypto.getRandomValues(new Uint8Array(32))),
    sign: async (text) => base64url(new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, new TextEncoder().encode(text)))),
  };
}

export interface EnrolledRunner {
  id: string;
  name: string;
  token: string;
  fingerprint: string;
  keys: RunnerKeys;
}

/** Enrolling is throttled by address. */
const randomAddress = () => `10.${[1, 2, 3].map(() => Math.floor(Math.random() * 250)).join('.')}`;

export const enrollCall = (code: string, keys: RunnerKeys, name: string): Promise<Answer> =>
  call('POST', '/runner/enroll', {
    body: { code, name, identityKey: keys.identityKey, agreementKey: keys.agreementKey, version: '0.1.0', platform: 'linux-x64' },
    headers: { Authorization: 'none', 'CF-Connecting-IP': randomAddress() },
  });

/** Code, enrolment and, unless told otherwise, the administrator's confirmation. */
export async function enrollRunner(tenant: Tenant, options: { confirm?: boolean } = {}): Promise<EnrolledRunner> {
  const owner = api(tenant.owner);
  const { code } = read(await owner.post('/runner-enrollments', {}), enrollmentCreated);
  const keys = await makeKeys();
  const name = `runner-${unique()}`;
  const { runnerId, token, fingerprint } = read(await enrollCall(code, keys, name), runnerEnrolled);
  if (options.confirm !== false) await owner.post(`/runners/${runnerId}/confirm`, { fingerprint });
  return { id: runnerId, name, token, fingerprint, keys };
}

/** New keys for a runner, and the statement of both that it has them from now on. @param by whose key signs as the old one */
export async function rotationOf(
  runner: Pick<EnrolledRunner, 'id' | 'keys'>,
  by: RunnerKeys = runner.keys,
): Promise<{ keys: RunnerKeys; rotation: RunnerRotation }> {
  const keys = await makeKeys();
  const publicOf = ({ identityKey, agreementKey }: RunnerKeys) => ({ identityKey, agreementKey });
  const [old, next] = [publicOf(runner.keys), publicOf(keys)];
  const text = rotationText(runner.id, old, next);
  return { keys, rotation: { old, next, oldSignature: await by.sign(text), newSignature: await keys.sign(text) } };
}

/** A socket whose messages wait in order until somebody asks for them. */
export class TestSocket<T> {
  readonly socket: WebSocket;
  readonly closed: Promise<{ code: number; reason: string }>;
  readonly #parse: (data: string | ArrayBuffer) => T;
  #waiting: T[] = [];
  #asking: Array<(message: T) => void> = [];

  constructor(socket: WebSocket, parse: (data: string | ArrayBuffer) => T) {
    this.socket = socket;
    this.#parse = parse;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', ({ data }) => this.#take(this.#parse(data as string | ArrayBuffer)));
    this.closed = new Promise((resolve) => socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })));
    socket.accept();
  }

  next(): Promise<T> {
    const message = this.#waiting.shift();
    return message === undefined ? new Promise((resolve) => this.#asking.push(resolve)) : Promise.resolve(message);
  }

  /** The first message that fits; those before it are dropped. */
  async until(fits: (message: T) => boolean): Promise<T> {
    for (;;) {
      const message = await this.next();
      if (fits(message)) return message;
    }
  }

  #take(message: T): void {
    const asking = this.#asking.shift();
    if (asking) asking(message);
    else this.#waiting.push(message);
  }
}

/** Opens a WebSocket at the Worker; the answer itself where it is refused. */
export async function openSocket(
  path: string,
  headers: Record<string, string>,
): Promise<{ socket: WebSocket; response: Response } | { socket: null; response: Response }> {
  const response = await exports.default.fetch(new Request(`${ORIGIN}/api/v1${path}`, { headers: { Upgrade: 'websocket', ...headers } }));
  return response.webSocket ? { socket: response.webSocket, response } : { socket: null, response };
}

const proofFacts = {
  version: '0.1.0',
  platform: 'linux-x64',
  labels: { rack: 'a' },
  drivers: ['bubblewrap', 'process'] as ('bubblewrap' | 'process')[],
  moreDrivers: [] as string[],
  enforces: ['upload', 'download', 'clipboardOut', 'clipboardIn', 'recording', 'egress', 'egressHosts', 'git'],
  understands: [...UNDERSTOOD, 'snapshots'],
  hears: [...HEARD_BY_RUNNER],
  warnings: [],
  inventory: [],
};

/** The runner's control socket, proved and `ready`. */
export async function connectControl(
  runner: EnrolledRunner,
  facts: Partial<typeof proofFacts> | { enforces: undefined } | { understands: undefined } | { hears: undefined } = {},
): Promise<{ control: TestSocket<ToRunner>; ready: Extract<ToRunner, { kind: 'ready' }>; tell(message: FromRunner): void }> {
  const { socket } = await openSocket('/runner/control', { Authorization: `Bearer ${runner.token}` });
  if (!socket) throw new Error('The control socket was refused');
  const control = new TestSocket(socket, (data) => toRunner.parse(JSON.parse(data as string)));
  const tell = (message: FromRunner) => socket.send(JSON.stringify(message));
  const challenge = await control.next();
  if (challenge.kind !== 'challenge') throw new Error(`Expected a challenge, not ${challenge.kind}`);
  tell({
    kind: 'proof',
    signature: await runner.keys.sign(challengeText(challenge.nonce, '/api/v1/runner/control')),
    ...proofFacts,
    ...facts,
  });
  const ready = await control.next();
  if (ready.kind !== 'ready') throw new Error(`Expected ready, not ${ready.kind}`);
  return { control, ready, tell };
}

const controlOf = <T extends z.ZodType>(schema: T, frame: Frame): z.infer<T> => schema.parse(decodeJson(frame.payload));

/** The runner's data socket of one workspace, proved. @param options.version that it offers; null: none, as the release before did */
export async function connectLink(
  runner: EnrolledRunner,
  workspaceId: string,
  { version = SUBPROTOCOL, beforeProof }: { version?: string | null; beforeProof?: () => Promise<void> } = {},
) {
  const path = `/runner/workspaces/${workspaceId}/link`;
  const offer = version === null ? {} : { 'Sec-WebSocket-Protocol': version };
  const { socket, response } = await openSocket(path, { Authorization: `Bearer ${runner.token}`, ...offer });
  if (!socket) throw new Error(`The link was refused: ${response.status}`);
  const link = new TestSocket(socket, (data) => decodeFrame((data as ArrayBuffer).slice(0)));
  const control = (each: Frame): ToRunnerLink => controlOf(toRunnerLink, each);
  const say = (message: FromRunnerLink): void => socket.send(encodeControl(message));
  const challenge = control(await link.next());
  if (challenge.kind !== 'challenge') throw new Error(`Expected a challenge, not ${challenge.kind}`);
  await beforeProof?.();
  say({ kind: 'proof', signature: await runner.keys.sign(challengeText(challenge.nonce, `/api/v1${path}`)) });
  await link.until((each) => each.type === 'control' && control(each).kind === 'ready');
  return { link, response, control, say };
}

/** A frame of which the broker may read the header only. */
export const frame = (part: Partial<Frame>): Uint8Array<ArrayBuffer> =>
  encodeFrame({ type: 'data', sealed: true, viewer: 0, stream: 1, offset: 0, payload: new Uint8Array(), ...part });

/** A browser's socket with its ticket, welcomed or closed. */
export async function connectViewer(
  workspaceId: string,
  ticket: string,
): Promise<{ viewer: TestSocket<Frame>; control(frame: Frame): ToViewer; response: Response }> {
  const { socket, response } = await openSocket(`/workspaces/${workspaceId}/connect`, {
    Origin: ORIGIN,
    'Sec-WebSocket-Protocol': `gatehouse.v1, ticket.${ticket}`,
  });
  if (!socket) throw new Error(`The connection was refused: ${response.status} ${await response.text()}`);
  return {
    viewer: new TestSocket(socket, (data) => decodeFrame((data as ArrayBuffer).slice(0))),
    control: (frame) => controlOf(toViewer, frame),
    response,
  };
}
