import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { serviceRequest, type ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import type { OpenSocket, SocketEvents } from '../connection/ports.ts';

const VIEWER = 7;
const EMPTY = new Uint8Array(0);

/** One dialled socket, seen from the other end: broker and runner in one, speaking the real frames. */
export class FakeLink {
  readonly ticket: string;
  /** everything that the browser sent, in order */
  readonly frames: Frame[] = [];
  readonly texts: string[] = [];
  closed: { code: number; reason: string } | null = null;
  readonly #events: SocketEvents;

  constructor(ticket: string, events: SocketEvents) {
    this.ticket = ticket;
    this.#events = events;
  }

  receive(message: string | Uint8Array<ArrayBuffer>): void {
    if (typeof message === 'string') this.texts.push(message);
    else this.frames.push(decodeFrame(message.slice()));
  }

  send(type: FrameType, stream: number, offset: number, body: unknown = EMPTY): void {
    const payload = body instanceof Uint8Array ? body : encodeJson(body);
    this.#events.received(encodeFrame({ type, sealed: false, viewer: VIEWER, stream, offset, payload }).buffer);
  }

  text(message: string): void {
    this.#events.received(message);
  }

  raw(bytes: Uint8Array<ArrayBuffer>): void {
    this.#events.received(bytes.buffer);
  }

  /** `welcome`, and when the grant came, the runner's `hello`. */
  greet(): void {
    this.send('control', 0, 0, { kind: 'welcome', viewer: VIEWER, limits: LIMITS });
    this.send('hello', 0, 0, { workspaceId: 'wsp_1', generation: 1, root: '/home/dev', sandbox: 'bubblewrap' });
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
  of(stream: number, type: FrameType): Frame[] {
    return this.frames.filter((frame) => frame.stream === stream && frame.type === type);
  }
}

/** Where sockets are dialled to; each one is kept. */
export class FakeRunner {
  readonly links: FakeLink[] = [];

  readonly openSocket: OpenSocket = (ticket, events) => {
    const link = new FakeLink(ticket, events);
    this.links.push(link);
    return {
      send: (message) => link.receive(message),
      close: (code, reason) => (link.closed ??= { code, reason }),
    };
  };

  /** the newest socket */
  get link(): FakeLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error('Nobody dialled');
    return link;
  }
}
