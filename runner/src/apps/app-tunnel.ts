import { challengeText } from '@gatehouse/core/protocol/connection.ts';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { Credit } from '@gatehouse/core/protocol/credit.ts';
import { decodeFrame, decodeJson, encodeControl, encodeFrame, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import type { RunnerOpens } from '@gatehouse/core/protocol/runner-policy.ts';
import {
  toTunnel,
  TUNNEL,
  tunnelOpen,
  tunnelPath,
  tunnelReset,
  type FromTunnel,
  type TunnelHead,
  type TunnelOpen,
} from '@gatehouse/core/protocol/tunnel.ts';
import type { HelperClient } from '../channel/helper-client.ts';
import { keepConnected, type Connection } from '../connection/keep-connected.ts';
import type { DialStream, Socket } from '../connection/socket.ts';
import { messageOf } from '../failure.ts';
import type { LinkContext } from '../link/workspace-link.ts';
import { RequestStream } from './request-stream.ts';
import { SocketStream } from './socket-stream.ts';
import type { TunnelPort, TunnelStream } from './tunnel-stream.ts';

export type TunnelContext = Pick<LinkContext, 'dial' | 'refusal' | 'clock' | 'log' | 'sign' | 'reads'> & { dialStream: DialStream };

/** SPEC A: the runner's end of a workspace's tunnel: there while the policy opens ports, and closed to everything else. */
export class AppTunnel {
  readonly #context: TunnelContext;
  readonly #workspaceId: string;
  readonly #helper: HelperClient;
  readonly #streams = new Map<number, TunnelStream>();
  #credit = new Credit(TUNNEL.credit);
  #opens: RunnerOpens | null = null;
  #connection: Connection | null = null;
  #socket: Socket | null = null;
  #stopped = false;

  constructor(context: TunnelContext, workspaceId: string, helper: HelperClient) {
    this.#context = context;
    this.#workspaceId = workspaceId;
    this.#helper = helper;
  }

  /** What the policy opens from now on. */
  allow(opens: RunnerOpens | null): void {
    if (this.#stopped) return;
    this.#opens = opens;
    if (opens === null) this.#disconnect();
    else this.#connection ??= this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    this.#disconnect();
  }

  #connect(): Connection {
    const { dial, refusal, clock, log } = this.#context;
    return keepConnected({
      path: tunnelPath(this.#workspaceId),
      dial,
      refusal,
      clock,
      opened: (socket) => {
        this.#forgetStreams();
        this.#socket = socket;
      },
      text: () => this.#connection?.redial(CLOSE_CODES.protocol.code, 'text on a tunnel'),
      binary: (message) => this.#receive(message),
      lost: () => this.#forgetStreams(),
      // A service of an older release has no such address: the workspace runs without web apps.
      refused: (why) => {
        this.#forgetStreams();
        this.#connection = null;
        log.info(`${this.#workspaceId} has no tunnel for web apps: ${why}`);
      },
    });
  }

  #disconnect(): void {
    this.#connection?.stop();
    this.#connection = null;
    this.#forgetStreams();
  }

  #forgetStreams(): void {
    this.#socket = null;
    for (const stream of this.#streams.values()) stream.cancel('The connection was cut', CLOSE_CODES.unavailable.code);
    this.#streams.clear();
    this.#credit = new Credit(TUNNEL.credit);
  }

  #receive(message: Uint8Array): void {
    try {
      const frame = decodeFrame(message);
      if (frame.type === 'control') this.#control(frame);
      else if (frame.type === 'open') this.#open(frame.stream, tunnelOpen.parse(decodeJson(frame.payload)));
      else this.#pass(frame);
    } catch (error) {
      this.#connection?.redial(CLOSE_CODES.protocol.code, messageOf(error).slice(0, 100));
    }
  }

  #control(frame: Frame): void {
    const said = toTunnel.parse(decodeJson(frame.payload));
    if (said.kind === 'ready') return this.#connection?.settled();
    // SPEC A1
    const signature = this.#context.sign(challengeText(said.nonce, tunnelPath(this.#workspaceId)));
    this.#say({ kind: 'proof', signature });
  }

  #pass(frame: Frame): void {
    const stream = this.#streams.get(frame.stream);
    // It may have crossed its end.
    if (stream === undefined) return;
    if (frame.type === 'data') stream.data(frame);
    else if (frame.type === 'fin') stream.fin();
    else if (frame.type === 'ack') {
      if (!this.#credit.taken(frame.stream, frame.offset)) throw new Error('an acknowledgement of what was not sent');
      // What one gives back is the others', too.
      for (const each of this.#streams.values()) each.wake();
    } else if (frame.type === 'reset') {
      const { why, close = CLOSE_CODES.revoked.code } = tunnelReset.parse(decodeJson(frame.payload));
      if (stream instanceof RequestStream) this.#forget(frame.stream);
      stream.cancel(why, close);
    }
  }

  #open(number: number, open: TunnelOpen): void {
    const refused = this.#refusal(open);
    if (refused !== null) return this.#send({ type: 'head', stream: number, payload: encodeJson(refused) });
    if (this.#streams.size >= TUNNEL.streams) throw new Error('too many streams');
    this.#credit.open(number);
    const port = this.#port(number);
    if (open.kind === 'request') this.#streams.set(number, new RequestStream(port, this.#helper, open));
    else {
      const dial = () => this.#context.dialStream(`${tunnelPath(this.#workspaceId)}/${number}`, open.key);
      this.#streams.set(number, new SocketStream(port, this.#helper, open, dial, this.#context.clock));
    }
  }

  /** SPEC A3: whatever the platform asks, only what the signed policy opens. */
  #refusal({ port }: TunnelOpen): TunnelHead | null {
    const only = this.#opens?.ports.only;
    if (only === null || only?.includes(port)) return null;
    return { ok: false, code: 'refused', message: 'The policy of this workspace opens no such port' };
  }

  #port(number: number): TunnelPort {
    return {
      head: (head) => {
        this.#send({ type: 'head', stream: number, payload: encodeJson(head) });
        if (!head.ok) this.#forget(number);
      },
      room: () => this.#credit.room(number),
      data: (payload) => {
        this.#context.reads.app(payload.byteLength);
        this.#send({ type: 'data', stream: number, offset: this.#credit.sent(number, payload.byteLength), payload });
      },
      ack: (offset) => this.#send({ type: 'ack', stream: number, offset }),
      fin: () => {
        this.#send({ type: 'fin', stream: number });
        this.#forget(number);
      },
      reset: (why) => {
        this.#send({ type: 'reset', stream: number, payload: encodeJson({ why: why.slice(0, 300) }) });
        this.#forget(number);
      },
      closed: (bytesIn, bytesOut) => {
        this.#context.reads.app(bytesOut);
        this.#say({ kind: 'closed', stream: number, bytesIn, bytesOut });
        this.#forget(number);
      },
    };
  }

  #forget(number: number): void {
    this.#streams.delete(number);
    this.#credit.close(number);
  }

  #say(control: FromTunnel): void {
    this.#socket?.send(encodeControl(control));
  }

  #send(frame: Pick<Frame, 'type' | 'stream'> & Partial<Frame>): void {
    this.#socket?.send(encodeFrame({ sealed: false, viewer: 0, offset: 0, payload: NOTHING, ...frame }));
  }
}

const NOTHING = new Uint8Array();
