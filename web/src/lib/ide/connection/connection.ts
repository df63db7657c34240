import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import { CLOSE_CODES, mayRetry, type CloseName } from '@gatehouse/core/protocol/close.ts';
import { toldByRunner, type RunnerHello } from '@gatehouse/core/protocol/connection.ts';
import { decodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { backoff } from './backoff.ts';
import { Channel } from './channel.ts';
import { endOf } from './close-reason.ts';
import { Heartbeat } from './heartbeat.ts';
import { recognize } from './pins.ts';
import type { AttachOutcome, ConnectionEvents, ConnectionPorts, ConnectionState, Ended, KnownRunner, ProofKey, Socket } from './ports.ts';
import { Search } from './search.ts';
import { SleepWatch } from './sleep-watch.ts';
import { disconnected } from './stream-error.ts';
import { Streams, type Services } from './streams.ts';
import type { HeadOf, Method, RequestOf, Stream, StreamEvents } from './stream.ts';

/** What one dialled socket has. */
interface Line {
  socket: Socket;
  channel: Channel;
  streams: Streams;
}

/** for the answer to an attachment, and then for the runner's hello */
const PATIENCE_MS = 10_000;
/** A connection that stood for so long was good: what ends it is no reason to wait. */
const GOOD_MS = 5_000;
/** So many attachments within a minute may follow cuts at once, however short the connections were: half of what the service grants. */
const AT_ONCE = 30;
const MINUTE_MS = 60_000;
/** Who breaks the protocol more often than this in a row is not dialled again. */
const MOST_BREAKS = 3;
const OFFLINE_MS = 15_000;
const POLL_MS = 500;
const POLL_MOST_MS = 10_000;

/** The browser's end of a workspace connection. It dials until it is told to stop or that dialling can't help. */
export class Connection implements Services {
  readonly #ports: ConnectionPorts;
  readonly #events: ConnectionEvents;
  readonly #heartbeat: Heartbeat;
  readonly #sleep: SleepWatch;
  readonly #search: Search;
  #state: ConnectionState = { kind: 'connecting' };
  #line: Line | null = null;
  /** grows with every dial, so that what an older one still has to say is not heard */
  #dial = 0;
  #attempt = 1;
  /** when this page was let in, within the last minute */
  #admitted: number[] = [];
  /** whether the service was searched for since the last connection */
  #searched = false;
  #polls = 0;
  #breaks = 0;
  #downSince: number | null = null;
  #upSince: number | null = null;
  #cancelTimer: (() => void) | null = null;
  /** whether nothing is done but waiting until it is time for the next dial */
  #planned = false;

  constructor(ports: ConnectionPorts, events: ConnectionEvents) {
    this.#ports = ports;
    this.#events = events;
    this.#sleep = new SleepWatch(ports.clock, () => this.nudge());
    this.#search = new Search(ports.clock, ports.isThere);
    this.#heartbeat = new Heartbeat(ports.clock, {
      ping: () => this.#line?.socket.send('ping'),
      alive: (ms) => events.latency(ms),
      dead: () => this.#drop('slow'),
    });
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Dials now, from any state: at the start, after an end, or when somebody does not want to wait. */
  start(): void {
    if (this.#line !== null) return;
    this.#sleep.start();
    void this.#attach();
  }

  /** Something suggests that the network or the machine changed: looks at once instead of waiting. */
  nudge(): void {
    if (this.#state.kind === 'connected') this.#heartbeat.doubt();
    else if (this.#planned) this.start();
  }

  /** The network is back: what was begun without it leads nowhere. */
  networkReturned(): void {
    if (this.#state.kind === 'connected') return this.#heartbeat.doubt();
    if (this.#state.kind === 'ended') return;
    this.#attempt = 1;
    this.#leave();
    this.start();
  }

  stop(): void {
    this.#sleep.stop();
    this.#leave();
  }

  /** SPEC O6: a person has compared the fingerprint that an end for `runner-changed` showed. Dials again. */
  trust(runnerId: string, fingerprint: string): void {
    this.#ports.pins.set(runnerId, fingerprint);
    this.start();
  }

  open<M extends Method>(request: RequestOf<M>, events: StreamEvents<M>): Stream<M> | null {
    if (this.#state.kind === 'connected' && this.#line !== null) return this.#line.streams.open(request, events);
    events.ended(disconnected());
    return null;
  }

  call<M extends Method>(request: RequestOf<M>): Promise<HeadOf<M>> {
    if (this.#state.kind === 'connected' && this.#line !== null) return this.#line.streams.call(request);
    return Promise.reject(disconnected());
  }

  async #attach(): Promise<void> {
    this.#dial += 1;
    const dial = this.#dial;
    if (this.#downSince !== null) this.#reconnecting(this.#downSince, null);
    else if (this.#state.kind === 'ended') this.#become({ kind: 'connecting' });
    this.#later(PATIENCE_MS, () => this.#drop('slow'));
    const key = await this.#ports.key();
    const outcome = dial === this.#dial ? await this.#ports.attach(key) : null;
    if (outcome === null || dial !== this.#dial) return;
    if (outcome.kind !== 'admitted') return this.#notAdmitted(outcome);
    const recognition = await recognize(outcome.attachment.runner, this.#ports.pins);
    if (dial !== this.#dial) return;
    if (recognition.ok) this.#connect(outcome.attachment, key, recognition.runner);
    else this.#end(recognition.ended);
  }

  #notAdmitted(outcome: Exclude<AttachOutcome, { kind: 'admitted' }>): void {
    switch (outcome.kind) {
      case 'waiting': {
        const { kind: _kind, ...waiting } = outcome;
        this.#become({ kind: 'waiting', waiting });
        const wait = Math.min(POLL_MOST_MS, POLL_MS * 1.3 ** this.#polls);
        this.#polls += 1;
        return this.#plan(wait);
      }
      case 'ended': {
        const { kind: _kind, ...ended } = outcome;
        return this.#end(ended);
      }
      case 'unreachable':
        return outcome.answered ? this.#retry((outcome.retryAfter ?? 0) * 1000) : this.#retryUnanswered();
    }
  }

  #connect(attachment: Attachment, key: ProofKey, runner: KnownRunner): void {
    const { workspaceId, clientId, clock, makeAead } = this.#ports;
    const dial = this.#dial;
    this.#admitted = [...this.#admitted, clock.now()].filter((at) => clock.now() - at < MINUTE_MS);
    this.#polls = 0;
    this.#later(PATIENCE_MS, () => this.#drop('slow'));
    const socket = this.#ports.openSocket(attachment.ticket, {
      received: (message) => {
        if (dial === this.#dial) this.#receive(message);
      },
      closed: (code) => {
        if (dial === this.#dial) this.#closed(code);
      },
    });
    const channel = new Channel(
      { send: (message) => socket.send(message), makeAead },
      { workspaceId, attachment, clientId, key },
      {
        greeted: (hello) => this.#greeted(hello, runner),
        received: (frame) => this.#received(frame),
        closing: (code) => this.#closing(code),
        broken: () => this.#drop('protocol'),
      },
    );
    const send = (stream: number, { type, offset, payload }: { type: PlainFrame['type']; offset: number; payload: Uint8Array }): void =>
      channel.send(type, stream, offset, payload);
    this.#line = { socket, channel, streams: new Streams({ send, buffered: () => socket.buffered(), clock }) };
  }

  #receive(message: string | ArrayBuffer): void {
    if (typeof message !== 'string') {
      this.#heartbeat.heard();
      this.#line?.channel.receive(message);
    } else if (message === 'pong') this.#heartbeat.pong();
  }

  #greeted(hello: RunnerHello, runner: KnownRunner): void {
    this.#rest();
    this.#searched = false;
    this.#downSince = null;
    this.#upSince = this.#ports.clock.now();
    this.#become({ kind: 'connected', hello, runner });
    this.#heartbeat.start();
    this.#events.connected(hello);
  }

  /** Stream 0 is the connection itself: there the runner tells who is here. */
  #received(frame: PlainFrame): void {
    if (frame.stream !== 0) return this.#line?.streams.receive(frame);
    if (frame.type !== 'message') throw new Error('The connection itself carries messages only');
    const said = toldByRunner.safeParse(decodeJson(frame.payload));
    // A later runner may say what this page does not know.
    if (!said.success) return;
    if (said.data.kind === 'presence') this.#events.people(said.data);
    else this.#events.notice(said.data.text);
  }

  /** Closes from this side, and then behaves as if the other had. */
  #drop(name: CloseName): void {
    const { code, reason } = CLOSE_CODES[name];
    this.#line?.socket.close(code, reason);
    this.#closed(code);
  }

  /** K7: does not wait for the browser to say so. */
  #closing(code: number): void {
    this.#line?.socket.close(1000, 'closed by the broker');
    this.#closed(code);
  }

  #closed(code: number): void {
    this.#dial += 1;
    const isGood = this.#upSince !== null && this.#ports.clock.now() - this.#upSince >= GOOD_MS;
    if (isGood) this.#breaks = 0;
    if (isGood || (this.#upSince !== null && this.#admitted.length <= AT_ONCE)) this.#attempt = 0;
    this.#release();
    const isBroken = code === CLOSE_CODES.protocol.code;
    if (isBroken) this.#breaks += 1;
    if (isBroken ? this.#breaks <= MOST_BREAKS : mayRetry(code)) this.#retry(0);
    else this.#end(endOf(code));
  }

  #leave(): void {
    this.#dial += 1;
    this.#line?.socket.close(1000, 'left');
    this.#release();
  }

  #release(): void {
    this.#rest();
    this.#heartbeat.stop();
    this.#upSince = null;
    const line = this.#line;
    this.#line = null;
    line?.channel.end();
    line?.streams.end(disconnected());
  }

  #retry(atLeast: number): void {
    this.#downSince ??= this.#ports.clock.now();
    const isOnline = this.#ports.online();
    const wait = Math.max(atLeast, isOnline ? backoff(this.#attempt, this.#ports.random()) : OFFLINE_MS);
    // what can't succeed is no attempt
    if (isOnline) this.#attempt += 1;
    this.#reconnecting(this.#downSince, this.#ports.clock.now() + wait);
    this.#plan(wait);
  }

  /** Nobody answered. Once in each outage the network is waited for closely. */
  #retryUnanswered(): void {
    if (this.#searched || !this.#ports.online()) return this.#retry(0);
    this.#searched = true;
    this.#downSince ??= this.#ports.clock.now();
    this.#reconnecting(this.#downSince, null);
    this.#rest();
    this.#planned = true;
    this.#search.start((found) => (found ? void this.#attach() : this.#retry(0)));
  }

  #reconnecting(since: number, retryAt: number | null): void {
    this.#become({ kind: 'reconnecting', since, retryAt, offline: !this.#ports.online() });
  }

  #plan(ms: number): void {
    this.#later(ms, () => void this.#attach());
    this.#planned = true;
  }

  #later(ms: number, run: () => void): void {
    this.#rest();
    this.#cancelTimer = this.#ports.clock.after(ms, run);
  }

  #rest(): void {
    this.#search.stop();
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#planned = false;
  }

  #end(ended: Ended): void {
    this.#rest();
    this.#sleep.stop();
    this.#downSince = null;
    this.#attempt = 1;
    this.#breaks = 0;
    this.#become({ kind: 'ended', ended });
  }

  #become(state: ConnectionState): void {
    this.#state = state;
    this.#events.changed(state);
  }
}
