import { CLOSE_CODES, mayRetry } from '@gatehouse/core/protocol/close.ts';
import { runnerHello, toViewer, type RunnerHello, type ViewerFacts } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { backoff } from './backoff.ts';
import { endOf } from './close-reason.ts';
import { Heartbeat } from './heartbeat.ts';
import type { Attach, AttachOutcome, Clock, Ended, OpenSocket, Socket, Waiting } from './ports.ts';
import { disconnected } from './stream-error.ts';
import { Streams, type Services } from './streams.ts';
import type { HeadOf, Method, RequestOf, Stream, StreamEvents } from './stream.ts';

export type ConnectionState =
  | { kind: 'connecting' }
  | { kind: 'waiting'; waiting: Waiting }
  | { kind: 'connected'; runner: RunnerHello }
  /** `since` and `retryAt` in milliseconds since the epoch; `retryAt` is null while dialling */
  | { kind: 'reconnecting'; since: number; retryAt: number | null }
  | { kind: 'ended'; ended: Ended };

export interface ConnectionEvents {
  changed(state: ConnectionState): void;
  /** a new connection stands: streams of the old one are gone, reopen what is wanted */
  connected(runner: RunnerHello): void;
  people(viewers: ViewerFacts[]): void;
  /** milliseconds to the broker and back */
  latency(ms: number): void;
}

export interface ConnectionPorts {
  attach: Attach;
  openSocket: OpenSocket;
  clock: Clock;
  /** 0 ≤ random < 1 */
  random: () => number;
  /** kept per tab */
  clientId: string;
}

const GREETING_MS = 10_000;
const POLL_MS = 2_000;
const POLL_MOST_MS = 10_000;

/** The browser's end of a workspace connection. It dials until it is told to stop or that dialling can't help. */
export class Connection implements Services {
  readonly #ports: ConnectionPorts;
  readonly #events: ConnectionEvents;
  readonly #heartbeat: Heartbeat;
  #state: ConnectionState = { kind: 'connecting' };
  #socket: Socket | null = null;
  #streams: Streams | null = null;
  #viewer = 0;
  #grant: string | null = null;
  /** grows with every dial, so that what an older one still has to say is not heard */
  #dial = 0;
  #attempt = 0;
  #polls = 0;
  #downSince: number | null = null;
  #cancelTimer: (() => void) | null = null;

  constructor(ports: ConnectionPorts, events: ConnectionEvents) {
    this.#ports = ports;
    this.#events = events;
    this.#heartbeat = new Heartbeat(ports.clock, {
      ping: () => this.#socket?.send('ping'),
      alive: (ms) => events.latency(ms),
      dead: () => this.#drop(CLOSE_CODES.slow.code, 'no answer to ping'),
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Dials now, from any state: at the start, after an end, or when somebody does not want to wait. */
  start(): void {
    if (this.#socket !== null) return;
    void this.#attach();
  }

  /** Something suggests that the network changed: look at once instead of waiting. */
  nudge(): void {
    if (this.#state.kind === 'connected') this.#heartbeat.beat();
    else if (this.#cancelTimer !== null && this.#socket === null) this.start();
  }

  stop(): void {
    this.#dial += 1;
    this.#release(1000, 'left');
  }

  open<M extends Method>(request: RequestOf<M>, events: StreamEvents<M>): Stream<M> | null {
    if (this.#state.kind === 'connected' && this.#streams !== null) return this.#streams.open(request, events);
    events.ended(disconnected());
    return null;
  }

  call<M extends Method>(request: RequestOf<M>): Promise<HeadOf<M>> {
    if (this.#state.kind === 'connected' && this.#streams !== null) return this.#streams.call(request);
    return Promise.reject(disconnected());
  }

  async #attach(): Promise<void> {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#dial += 1;
    const dial = this.#dial;
    if (this.#downSince !== null) this.#become({ kind: 'reconnecting', since: this.#downSince, retryAt: null });
    else if (this.#state.kind === 'ended') this.#become({ kind: 'connecting' });
    const outcome = await this.#ports.attach();
    if (dial === this.#dial) this.#act(outcome, dial);
  }

  #act(outcome: AttachOutcome, dial: number): void {
    if (outcome.kind !== 'waiting') this.#polls = 0;
    switch (outcome.kind) {
      case 'admitted':
        return this.#connect(outcome.attachment.ticket, outcome.attachment.grant, dial);
      case 'waiting': {
        const { kind: _kind, ...waiting } = outcome;
        this.#become({ kind: 'waiting', waiting });
        const wait = Math.min(POLL_MOST_MS, POLL_MS * 1.2 ** this.#polls);
        this.#polls += 1;
        this.#later(wait);
        return;
      }
      case 'ended': {
        const { kind: _kind, ...ended } = outcome;
        return this.#end(ended);
      }
      case 'unreachable':
        return this.#retry((outcome.retryAfter ?? 0) * 1000);
    }
  }

  #connect(ticket: string, grant: string, dial: number): void {
    this.#grant = grant;
    this.#cancelTimer = this.#ports.clock.after(GREETING_MS, () => this.#drop(CLOSE_CODES.slow.code, 'no greeting'));
    this.#socket = this.#ports.openSocket(ticket, {
      received: (message) => {
        if (dial === this.#dial) this.#receive(message);
      },
      closed: (code, reason) => {
        if (dial === this.#dial) this.#closed(code, reason);
      },
    });
  }

  #receive(message: string | ArrayBuffer): void {
    if (typeof message === 'string') {
      if (message === 'pong') this.#heartbeat.pong();
      return;
    }
    try {
      const frame = decodeFrame(message);
      if (frame.type === 'control') this.#control(frame);
      else if (frame.type === 'hello') this.#greeted(frame);
      else this.#streams?.receive(frame);
    } catch {
      this.#drop(CLOSE_CODES.protocol.code, CLOSE_CODES.protocol.reason);
    }
  }

  #control(frame: Frame): void {
    const body = toViewer.parse(decodeJson(frame.payload));
    if (body.kind === 'presence') return this.#events.people(body.viewers);
    if (this.#grant === null) return;
    this.#viewer = body.viewer;
    // SPEC O4: the grant is good for one hello
    this.#send('hello', 0, 0, encodeJson({ grant: this.#grant, clientId: this.#ports.clientId }));
    this.#grant = null;
  }

  #greeted(frame: Frame): void {
    const runner = runnerHello.parse(decodeJson(frame.payload));
    if (this.#state.kind === 'connected') return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#streams = new Streams((...parts) => this.#send(...parts), this.#ports.clock);
    this.#attempt = 0;
    this.#downSince = null;
    this.#become({ kind: 'connected', runner });
    this.#heartbeat.start();
    this.#events.connected(runner);
  }

  #send(type: FrameType, stream: number, offset: number, payload: Uint8Array): void {
    this.#socket?.send(encodeFrame({ type, sealed: false, viewer: this.#viewer, stream, offset, payload }));
  }

  /** Closes from this side, and then behaves as if the other had. */
  #drop(code: number, reason: string): void {
    this.#socket?.close(code, reason);
    this.#closed(code, reason);
  }

  #closed(code: number, reason: string): void {
    this.#dial += 1;
    this.#socket = null;
    this.#release(code, reason);
    if (mayRetry(code)) this.#retry(0);
    else this.#end(endOf(code));
  }

  #release(code: number, reason: string): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#heartbeat.stop();
    const streams = this.#streams;
    this.#streams = null;
    this.#socket?.close(code, reason);
    this.#socket = null;
    streams?.end(disconnected());
  }

  #retry(atLeast: number): void {
    this.#downSince ??= this.#ports.clock.now();
    const wait = Math.max(atLeast, backoff(this.#attempt, this.#ports.random()));
    this.#attempt += 1;
    this.#become({ kind: 'reconnecting', since: this.#downSince, retryAt: this.#ports.clock.now() + wait });
    this.#later(wait);
  }

  #later(ms: number): void {
    this.#cancelTimer = this.#ports.clock.after(ms, () => void this.#attach());
  }

  #end(ended: Ended): void {
    this.#downSince = null;
    this.#attempt = 0;
    this.#events.people([]);
    this.#become({ kind: 'ended', ended });
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#events.changed(state);
  }
}
