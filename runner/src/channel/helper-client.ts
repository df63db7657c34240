import type { Readable, Writable } from 'node:stream';
import { MAX_PAYLOAD, decodeJson, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { failure } from '@gatehouse/core/protocol/services.ts';
import { z } from 'zod';
import { messageOf } from '../failure.ts';
import { FrameReader, encodeChannelFrame, type ChannelFrame } from './framing.ts';
import { helperReady, type HelperRequest } from './requests.ts';

/** What the helper answers first: `ok`, and whatever belongs to the method. */
const helperHead = z.union([failure, z.looseObject({ ok: z.literal(true) })]);
export type HelperHead = z.infer<typeof helperHead>;

export interface HelperStreamEvents {
  head(head: HelperHead): void;
  data?(bytes: Uint8Array): void;
  message?(value: unknown): void;
  ack?(offset: number): void;
  fin?(): void;
  /** the helper has ended: nothing more comes */
  gone(): void;
}

export interface HelperStream {
  data(bytes: Uint8Array): void;
  message(value: object): void;
  ack(offset: number): void;
  fin(): void;
  reset(): void;
}

/**
 * The runner's end of the pipe to a helper. The programs of a workspace may tamper with their helper, so what it
 * says is parsed like anything from outside; a broken grammar ends that sandbox and nothing else.
 */
export class HelperClient {
  readonly #output: Writable;
  readonly #streams = new Map<number, HelperStreamEvents>();
  readonly #broken: (why: string) => void;
  #next = 1;
  #closed = false;
  #isReady: () => void = () => undefined;
  /** resolves once the helper serves */
  readonly ready = new Promise<void>((resolve) => (this.#isReady = resolve));

  constructor(input: Readable, output: Writable, broken: (why: string) => void) {
    this.#output = output;
    this.#broken = broken;
    const reader = new FrameReader();
    // A helper that ends while it is written to is noticed by its exit.
    output.on('error', () => undefined);
    input.on('data', (piece: Uint8Array) => {
      if (this.#closed) return;
      try {
        for (const frame of reader.push(piece)) this.#take(frame);
      } catch (error) {
        this.#broken(`its helper broke the protocol: ${messageOf(error)}`);
      }
    });
  }

  open(request: HelperRequest, events: HelperStreamEvents): HelperStream {
    const stream = this.#next++;
    if (this.#closed) {
      queueMicrotask(() => events.gone());
      return { data: () => undefined, message: () => undefined, ack: () => undefined, fin: () => undefined, reset: () => undefined };
    }
    this.#streams.set(stream, events);
    this.#send({ type: 'open', stream, payload: encodeJson(request) });
    let offset = 0;
    return {
      data: (bytes) => {
        for (let at = 0; at < bytes.byteLength; at += MAX_PAYLOAD) {
          const payload = bytes.subarray(at, at + MAX_PAYLOAD);
          this.#send({ type: 'data', stream, offset, payload });
          offset += payload.byteLength;
        }
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
    if (!this.#closed) this.#output.write(encodeChannelFrame(frame));
  }

  #take(frame: Frame): void {
    if (frame.stream === 0) {
      helperReady.parse(decodeJson(frame.payload));
      return this.#isReady();
    }
    const events = this.#streams.get(frame.stream);
    if (events === undefined) return;
    if (frame.type === 'head') {
      const head = helperHead.parse(decodeJson(frame.payload));
      if (!head.ok) this.#streams.delete(frame.stream);
      events.head(head);
    } else if (frame.type === 'data') events.data?.(frame.payload);
    else if (frame.type === 'message') events.message?.(decodeJson(frame.payload));
    else if (frame.type === 'ack') events.ack?.(frame.offset);
    else if (frame.type === 'fin') {
      this.#streams.delete(frame.stream);
      events.fin?.();
    }
  }
}
