import { Credit } from '@gatehouse/core/protocol/credit.ts';
import {
  decodeFrame,
  decodeJson,
  encodeControl,
  encodeFrame,
  encodeJson,
  MAX_PAYLOAD,
  type Frame,
} from '@gatehouse/core/protocol/frame.ts';
import {
  fromTunnel,
  TUNNEL,
  tunnelHead,
  tunnelOpen,
  type FromTunnel,
  type ToTunnel,
  type TunnelFailure,
  type TunnelHead,
  type TunnelOpen,
} from '@gatehouse/core/protocol/tunnel.ts';
import { Deferred } from './deferred.ts';
import { Answer, Question } from './tunnel-bodies.ts';
import { WaitingLine } from './waiting-line.ts';

/** Why nothing was answered: `away`, there is no link; `busy`, too many wait already. */
export type Unanswered = { failed: TunnelFailure | 'away' | 'busy'; message: string };

export interface Answered {
  head: Extract<TunnelHead, { ok: true }>;
  /** null where the answer has none */
  body: ReadableStream | null;
}

/** Whose a stream is, and what is to be told of it. */
export interface StreamOwner {
  connectionId: string;
  /** bytes of bodies from the browser, and to it */
  moved(bytesIn: number, bytesOut: number): void;
  ended(): void;
}

interface Stream {
  number: number;
  owner: StreamOwner;
  /** its answer has no body, whatever its head says of one */
  bodiless: boolean;
  head: Deferred<TunnelHead>;
  question: Question | null;
  answer: Answer | null;
  /** of a WebSocket */
  socket: { key: string; end: WebSocket | null; dialled: Deferred<boolean> } | null;
}

export interface TunnelPorts {
  /** the link broke the protocol */
  close(link: WebSocket, why: string): void;
  prove(link: WebSocket, signature: string): void;
  /** writes down the number of the newest stream, so that none is used twice after the object slept */
  keep(link: WebSocket, last: number): void;
  /** a WebSocket's end was asked for: unless it is told within that time, nothing else ends it */
  mustClose(withinMs: number): void;
}

/**
 * SPEC A: the object's end of the runner's tunnel. Streams live in memory alone: while one is open the object does not
 * sleep, and with the object they go. WebSockets are no streams here but two ends that the platform joins.
 */
export class Tunnel {
  readonly #ports: TunnelPorts;
  readonly #streams = new Map<number, Stream>();
  readonly #line = new WaitingLine(TUNNEL.streams, TUNNEL.waiting);
  /** WebSockets whose end the runner has yet to tell, by stream */
  readonly #ending = new Set<number>();
  #credit = new Credit(TUNNEL.credit);
  #link: WebSocket | null = null;
  /** the link was lost with WebSockets open, and no other has come */
  #loose = false;
  #last = 0;

  constructor(ports: TunnelPorts) {
    this.#ports = ports;
  }

  /** WebSockets that were to be closed and are not known to be. */
  get unclosed(): boolean {
    return this.#ending.size > 0 || this.#loose;
  }

  /** whether that connection has anything under way */
  busy(connectionId: string): boolean {
    return [...this.#streams.values()].some(({ owner }) => owner.connectionId === connectionId);
  }

  /** The proved link, at its beginning or after the object slept. */
  use(link: WebSocket, last: number): void {
    this.#link = link;
    this.#loose = false;
    this.#last = last;
    this.#credit = new Credit(TUNNEL.credit);
  }

  lost(link: WebSocket): void {
    if (link !== this.#link) return;
    this.#link = null;
    this.#loose ||= [...this.#streams.values()].some(({ socket }) => socket !== null);
    this.#ending.clear();
    for (const number of [...this.#streams.keys()]) this.#fail(number, 'The runner’s connection was lost');
  }

  /** A request and its answer's head. @param body of the request */
  async ask(open: TunnelOpen, body: ReadableStream | null, owner: StreamOwner): Promise<Answered | Unanswered> {
    if (!(await this.#line.enter())) return { failed: 'busy', message: 'Too many requests wait for this workspace' };
    const stream = this.#open(open, owner);
    if (stream === null) return AWAY;
    if (body !== null) stream.question = this.#question(stream.number, body);
    const head = await stream.head.promise;
    return head.ok ? { head, body: stream.answer?.body ?? null } : { failed: head.code, message: head.message };
  }

  /** A WebSocket with its app: the browser's end, once the runner has dialled for it. */
  async join(
    open: Extract<TunnelOpen, { kind: 'socket' }>,
    owner: StreamOwner,
  ): Promise<(Answered & { end: WebSocket | null }) | Unanswered> {
    if (!(await this.#line.enter())) return { failed: 'busy', message: 'Too many requests wait for this workspace' };
    const stream = this.#open(open, owner);
    if (stream === null) return AWAY;
    const { 0: browser, 1: runner } = new WebSocketPair();
    const socket = { key: open.key, end: runner, dialled: new Deferred<boolean>() };
    stream.socket = socket;
    const head = await stream.head.promise;
    if (!head.ok) return { failed: head.code, message: head.message };
    if (head.status !== 101) return { head, body: stream.answer?.body ?? null, end: null };
    const late = scheduler.wait(TUNNEL.dialWithin).then(() => false);
    if (await Promise.race([socket.dialled.promise, late])) return { head, body: null, end: browser };
    this.#fail(stream.number, 'The runner did not dial');
    return { failed: 'broken', message: 'The runner did not dial for this WebSocket in time' };
  }

  /** SPEC A6: the runner dials for a WebSocket. @returns its end, or null for what nobody waits for */
  dial(number: number, key: string): WebSocket | null {
    const socket = this.#streams.get(number)?.socket;
    if (!socket?.end || socket.key !== key) return null;
    const { end } = socket;
    socket.end = null;
    socket.dialled.resolve(true);
    return end;
  }

  /** SPEC A4: nothing more of that connection. */
  cut(connectionId: string, why: string, close: number): void {
    let sockets = this.#loose;
    for (const [number, { owner, socket }] of [...this.#streams]) {
      if (owner.connectionId !== connectionId) continue;
      this.#send({ type: 'reset', stream: number, payload: encodeJson({ why: why.slice(0, 120), close }) });
      if (socket === null || socket.end !== null) this.#end(number, why);
      else {
        sockets = true;
        this.#ending.add(number);
      }
    }
    if (sockets) this.#ports.mustClose(TUNNEL.closeWithin);
  }

  /** A binary message of a link, proved or not. */
  receive(link: WebSocket, message: Uint8Array): void {
    try {
      const frame = decodeFrame(message);
      if (frame.type === 'control') this.#control(link, fromTunnel.parse(decodeJson(frame.payload)));
      else if (link === this.#link) this.#take(frame);
      else throw new Error('It is not proved');
    } catch (error) {
      this.#ports.close(link, String(error));
    }
  }

  #control(link: WebSocket, said: FromTunnel): void {
    if (said.kind === 'proof') return this.#ports.prove(link, said.signature);
    if (link !== this.#link) throw new Error('It is not proved');
    this.#ending.delete(said.stream);
    const stream = this.#streams.get(said.stream);
    if (!stream?.socket) return;
    stream.owner.moved(said.bytesIn, said.bytesOut);
    this.#end(said.stream, 'closed');
  }

  #take(frame: Frame): void {
    const { stream: number } = frame;
    const stream = this.#streams.get(number);
    // SPEC S6: it may have crossed a reset.
    if (stream === undefined) return;
    switch (frame.type) {
      case 'head':
        return this.#head(number, stream, tunnelHead.parse(decodeJson(frame.payload)));
      case 'data':
        stream.owner.moved(0, frame.payload.byteLength);
        return stream.answer?.take(frame.offset, frame.payload);
      case 'fin':
        if (stream.answer === null) return this.#end(number, 'done');
        return stream.answer.end();
      case 'ack':
        if (!this.#credit.taken(number, frame.offset)) throw new Error('An acknowledgement of what was not sent');
        return stream.question?.wake();
      case 'reset':
        return this.#fail(number, 'The app ended the answer');
      default:
        throw new Error('Not a frame of the tunnel');
    }
  }

  /** SPEC A2 */
  #head(number: number, stream: Stream, head: TunnelHead): void {
    stream.bodiless ||= head.ok && BODILESS.has(head.status);
    if (head.ok && !stream.bodiless) {
      const length = head.headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1];
      stream.answer = new Answer(length === undefined ? null : Number(length), {
        taken: (offset) => this.#send({ type: 'ack', stream: number, offset }),
        gone: () => this.#drop(number),
        over: () => this.#end(number, 'done'),
      });
    }
    stream.head.resolve(head);
    if (!head.ok) this.#end(number, head.message);
  }

  #open(open: TunnelOpen, owner: StreamOwner): Stream | null {
    if (this.#link === null) {
      this.#line.leave();
      return null;
    }
    const number = ++this.#last;
    const bodiless = open.kind === 'request' && open.method === 'HEAD';
    const stream: Stream = { number, owner, bodiless, head: new Deferred<TunnelHead>(), question: null, answer: null, socket: null };
    this.#credit.open(number);
    this.#streams.set(number, stream);
    this.#ports.keep(this.#link, number);
    this.#send({ type: 'open', stream: number, payload: encodeJson(tunnelOpen.parse(open)) });
    return stream;
  }

  #question(number: number, body: ReadableStream): Question {
    return new Question(body, {
      room: () => Math.min(MAX_PAYLOAD, this.#credit.room(number)),
      send: (payload) => {
        const offset = this.#credit.sent(number, payload.byteLength);
        this.#streams.get(number)?.owner.moved(payload.byteLength, 0);
        this.#send({ type: 'data', stream: number, offset, payload });
      },
      end: () => this.#send({ type: 'fin', stream: number }),
      broken: () => this.#drop(number),
    });
  }

  /** The browser does not want it any more. */
  #drop(number: number): void {
    if (!this.#streams.has(number)) return;
    this.#send({ type: 'reset', stream: number, payload: encodeJson({ why: 'The browser has gone' }) });
    this.#end(number, 'gone');
  }

  #fail(number: number, why: string): void {
    this.#streams.get(number)?.head.resolve({ ok: false, code: 'broken', message: why });
    this.#end(number, why);
  }

  /** Frees all that a stream used; what waits for it hears that it is over. */
  #end(number: number, why: string): void {
    const stream = this.#streams.get(number);
    if (stream === undefined) return;
    this.#streams.delete(number);
    this.#credit.close(number);
    this.#line.leave();
    stream.head.resolve({ ok: false, code: 'broken', message: why });
    stream.question?.stop();
    stream.answer?.abort(why);
    stream.socket?.dialled.resolve(false);
    stream.owner.ended();
  }

  #send(frame: Pick<Frame, 'type' | 'stream'> & Partial<Frame>): void {
    if (this.#link?.readyState !== WebSocket.OPEN) return;
    this.#link.send(encodeFrame({ sealed: false, viewer: 0, offset: 0, payload: NOTHING, ...frame }));
  }
}

const NOTHING = new Uint8Array();
const AWAY: Unanswered = { failed: 'away', message: 'The runner is away' };
/** RFC 9110 §6.4.1 */
const BODILESS: ReadonlySet<number> = new Set([101, 204, 205, 304]);

/** What the object says to a link about the link itself. */
export const sayToTunnel = (link: WebSocket, message: ToTunnel): void => link.send(encodeControl(message));
