import type { Presence } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { answerHandshake, importResponderKey, prologueOf } from '@gatehouse/core/protocol/noise.ts';
import { Opener, Sealer, type PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { serviceRequest, type ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import type { OpenSocket, SocketEvents } from '../connection/ports.ts';
import { immediateAead } from './immediate-aead.ts';

export const WORKSPACE = 'wsp_1';
export const VIEWER = 7;
const EMPTY = new Uint8Array(0);

const AGREEMENT = {
  kty: 'OKP',
  crv: 'X25519',
  d: 'CBOKal_S8uRXCQsRdj4QHIhjtYLjDBFkjSl5fAY2-XM',
  x: 'bZVL4iQWfkXllxjOaAHMwqqT-3msvj4221QfW2WQ_UE',
};

/** What an attachment says of the runner that these tests speak with. */
export const RUNNER = {
  id: 'run_1',
  name: 'fra-1',
  identityKey: 'U5Ypa1zVkln9UpgsrzXOkkdR2cph0sWOEk-wPnYZbB4',
  agreementKey: AGREEMENT.x,
  fingerprint: 'SHA256:d5a993ea8712920527735966c341c96adb229d575ec06948c2062f77a19652c1',
  rotations: [],
};

/** The person of the page alone, driving. */
export const ALONE: Presence = {
  kind: 'presence',
  driver: 'usr_1',
  viewers: [{ viewer: VIEWER, userId: 'usr_1', name: 'Priya', access: 'own', asks: false }],
};

/** a view of any realm: in tests with a DOM, TextEncoder's arrays are not this realm's */
const bytesOf = (body: unknown): Uint8Array<ArrayBuffer> =>
  ArrayBuffer.isView(body) ? new Uint8Array(body.buffer, body.byteOffset, body.byteLength).slice() : encodeJson(body);

/** One dialled socket, seen from the other end: broker and runner in one, speaking the real frames under real keys. */
export class FakeLink {
  readonly ticket: string;
  /** every sealed frame of the browser, opened, in order */
  readonly frames: PlainFrame[] = [];
  /** every frame that it sent in clear */
  readonly clear: Frame[] = [];
  readonly texts: string[] = [];
  /** every binary message as it went over the wire */
  readonly wire: Uint8Array<ArrayBuffer>[] = [];
  closed: { code: number; reason: string } | null = null;
  buffered = 0;
  /** what the broker makes of a message of the runner on its way */
  broker: (message: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>[] = (message) => [message];
  readonly #events: SocketEvents;
  readonly #arrived = new Set<() => void>();
  #viewer = VIEWER;
  #sealer: Sealer | null = null;
  #opener: Opener | null = null;

  constructor(ticket: string, events: SocketEvents) {
    this.ticket = ticket;
    this.#events = events;
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (typeof message === 'string') return void this.texts.push(message);
    this.wire.push(message.slice());
    const frame = decodeFrame(message.slice());
    if (frame.sealed) this.#opener?.open(frame);
    else this.clear.push(frame);
    for (const arrived of this.#arrived) arrived();
  }

  /** Resolves when the browser has sent what the test waits for. */
  until(isThere: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const arrived = (): void => {
        if (!isThere()) return;
        this.#arrived.delete(arrived);
        resolve();
      };
      this.#arrived.add(arrived);
      arrived();
    });
  }

  /** Sends a sealed frame. */
  send(type: FrameType, stream: number, offset: number, body: unknown = EMPTY): void {
    if (this.#sealer === null) throw new Error('No handshake was made');
    this.#sealer.seal({ type, viewer: this.#viewer, stream, offset, payload: bytesOf(body) });
  }

  /** Sends a frame in clear. */
  say(type: FrameType, body: unknown, more: Partial<Frame> = {}): void {
    this.raw(encodeFrame({ type, sealed: false, viewer: 0, stream: 0, offset: 0, payload: bytesOf(body), ...more }));
  }

  text(message: string): void {
    this.#events.received(message);
  }

  raw(bytes: Uint8Array<ArrayBuffer>): void {
    this.#events.received(bytes.slice().buffer);
  }

  /** The broker's `welcome`, then the runner's half of the handshake. */
  async shake(viewer = VIEWER): Promise<void> {
    this.#viewer = viewer;
    this.say('control', { kind: 'welcome', viewer });
    await this.until(() => this.clear.some(({ type }) => type === 'handshake'));
    const message = this.clear.find(({ type }) => type === 'handshake')?.payload ?? EMPTY;
    const staticKey = await importResponderKey(AGREEMENT);
    const { reply, keys } = await answerHandshake({ prologue: prologueOf(WORKSPACE, viewer), staticKey, message });
    const broken = (): never => {
      throw new Error('The browser’s frames do not open');
    };
    const deliver = (sealed: Uint8Array<ArrayBuffer>) => this.broker(sealed).forEach((each) => this.raw(each));
    this.#opener = new Opener(keys.receive, immediateAead, (frame) => this.frames.push(frame), broken);
    this.#sealer = new Sealer(keys.send, immediateAead, deliver, broken);
    this.handshakeHash = keys.hash;
    this.say('handshake', reply, { viewer });
    await this.until(() => this.frames.some(({ type }) => type === 'hello'));
  }

  handshakeHash: Uint8Array = EMPTY;

  /** All of the greeting: afterwards the browser is let in, and knows who is here. */
  async greet(presence: Presence = ALONE): Promise<void> {
    await this.shake();
    this.hello();
    this.presence(presence);
  }

  hello(): void {
    this.send('hello', 0, 0, { workspaceId: WORKSPACE, generation: 1, root: '/home/dev', sandbox: 'bubblewrap', viewer: this.#viewer });
  }

  presence(presence: Presence): void {
    this.send('message', 0, 0, presence);
  }

  cut(code = 1006): void {
    this.#events.closed(code, '');
  }

  /** The streams that were opened for a method, oldest first. */
  opened<M extends ServiceRequest['method']>(method: M): { stream: number; request: Extract<ServiceRequest, { method: M }> }[] {
    const isOf = (request: ServiceRequest): request is Extract<ServiceRequest, { method: M }> => request.method === method;
    return this.frames.flatMap((frame) => {
      if (frame.type !== 'open') return [];
      const request = serviceRequest.parse(decodeJson(frame.payload));
      return isOf(request) ? [{ stream: frame.stream, request }] : [];
    });
  }

  /** Frames of one stream and type that came from the browser. */
  of(stream: number, type: FrameType): PlainFrame[] {
    return this.frames.filter((frame) => frame.stream === stream && frame.type === type);
  }
}

/** Where sockets are dialled to; each one is kept. */
export class FakeRunner {
  readonly links: FakeLink[] = [];
  #dialled: () => void = () => undefined;

  readonly openSocket: OpenSocket = (ticket, events) => {
    const link = new FakeLink(ticket, events);
    this.links.push(link);
    this.#dialled();
    return {
      send: (message) => link.receive(message),
      close: (code, reason) => {
        // as browsers do: a page may not claim what only a browser says
        if (code !== 1000 && (code < 3000 || code > 4999)) throw new DOMException('invalid code', 'InvalidAccessError');
        link.closed ??= { code, reason };
      },
      buffered: () => link.buffered,
    };
  };

  /** Resolves when the next socket is dialled. */
  next(): Promise<void> {
    return new Promise((resolve) => (this.#dialled = resolve));
  }

  /** the newest socket */
  get link(): FakeLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error('Nobody dialled');
    return link;
  }
}
