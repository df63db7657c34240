import type { Socket } from 'node:net';
import { MAX_PAYLOAD, decodeJson, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { failure } from '@gatehouse/core/protocol/services.ts';
import { z } from 'zod';
import { messageOf } from '../failure.ts';
import { FrameReader, writeFrame, type ChannelFrame } from './framing.ts';
import { CHANNEL_VERSION, helperReady, type HelperRequest } from './requests.ts';

/** What the helper answers first: `ok`, and whatever belongs to the method. */
const helperHead = z.union([failure, z.looseObject({ ok: z.literal(true) })]);
export type HelperHead = z.infer<typeof helperHead>;

export interface HelperStreamEvents {
  head(head: HelperHead): void;
  /** @throws Error when it can't be so: that ends the sandbox */
  data?(bytes: Uint8Array, offset: number): void;
  message?(value: unknown): void;
  ack?(offset: number): void;
  fin?(): void;
  /** the helper has ended: nothing more comes */
  gone(): void;
}

export interface HelperStream {
  /** Running offsets, which go on from `offset` if it is given. The bytes are given away. */
  data(bytes: Uint8Array, offset?: number): void;
  message(value: object): void;
  ack(offset: number): void;
  fin(): void;
  reset(): void;
}

/**
 * The runner's end of the connection to a helper. The programs of a workspace may tamper with their helper, so what it
 * says is parsed like anything from outside; a broken grammar ends that sandbox and nothing else.
 */
export class HelperClient {
  readonly #socket: Socket;
  readonly #streams = new Map<number, HelperStreamEvents>();
  readonly #broken: (why: string) => void;
  #next = 1;
  #closed = false;
  #isReady: () => void = () => undefined;
  /** resolves once the helper serves */
  readonly ready = new Promise<void>((resolve) => (this.#isReady = resolve));

  /** @param broken the helper says what it must not, or speaks another version */
  constructor(socket: Socket, broken: (why: string) => void) {
    this.#socket = socket;
    this.#broken = broken;
    const reader = new FrameReader();
    socket.on('data', (piece: Uint8Array) => {
      if (this.#closed) return;
      try {
        for (const frame of reader.push(piece)) this.#take(frame);
      } catch (error) {
        this.#broken(`its helper broke the protocol: ${messageOf(error)}`);
      }
    });
  }

  /** What runs in the sandbox is to outlive this runner. */
  keep(): void {
    this.#send({ type: 'message', stream: 0, payload: encodeJson({ kind: 'keep' }) });
  }

  open(request: HelperRequest, events: HelperStreamEvents): HelperStream {
    const stream = this.#next++;
    if (this.#closed) {
      queueMicrotask(() => events.gone());
      return { data: () => undefined, message: () => undefined, ack: () => undefined, fin: () => undefined, reset: () => undefined };
    }
    this.#streams.set(stream, events);
    this.#send({ type: 'open', stream, payload: encodeJson(request) });
    let next = 0;
    return {
      data: (bytes, offset = next) => {
        for (let at = 0; at < bytes.byteLength; at += MAX_PAYLOAD) {
          this.#send({ type: 'data', stream, offset: offset + at, payload: bytes.subarray(at, at + MAX_PAYLOAD) });
        }
        next = offset + bytes.byteLength;
      },
      message: (value) => this.#send({ type: 'message', stream, payload: encodeJson(value) }),
      ack: (taken) => this.#send({ type: 'ack', stream, offset: taken }),
      fin: () => this.#send({ type: 'fin', stream }),
      reset: () => {
        this.#streams.delete(stream);
        this.#send({ type: 'reset', stream });
      },
    };
  }

  /** A request whose whole answer is its head. */
  call(request: HelperRequest): Promise<HelperHead> {
    return new Promise((resolve) => {
      this.open(request, { head: resolve, gone: () => resolve({ ok: false, code: 'internal', message: 'The sandbox has ended' }) });
    });
  }

  /** Tells every open stream that nothing more comes. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const open = [...this.#streams.values()];
    this.#streams.clear();
    for (const events of open) events.gone();
  }

  #send(frame: ChannelFrame): void {
    if (!this.#closed && !this.#socket.destroyed) writeFrame(this.#socket, frame);
  }

  #take(frame: Frame): void {
    if (frame.stream === 0) return this.#greet(frame);
    const events = this.#streams.get(frame.stream);
    if (events === undefined) return;
    if (frame.type === 'head') {
      const head = helperHead.parse(decodeJson(frame.payload));
      if (!head.ok) this.#streams.delete(frame.stream);
      events.head(head);
    } else if (frame.type === 'data') events.data?.(frame.payload, frame.offset);
    else if (frame.type === 'message') events.message?.(decodeJson(frame.payload));
    else if (frame.type === 'ack') events.ack?.(frame.offset);
    else if (frame.type === 'fin') {
      this.#streams.delete(frame.stream);
      events.fin?.();
    }
  }

  #greet(frame: Frame): void {
    const { version } = helperReady.parse(decodeJson(frame.payload));
    if (version === CHANNEL_VERSION) this.#isReady();
    else this.#broken(`its helper speaks version ${version} of the channel, and this runner ${CHANNEL_VERSION}`);
  }
}
