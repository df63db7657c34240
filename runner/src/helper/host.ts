import type { Readable, Writable } from 'node:stream';
import { MAX_PAYLOAD, decodeJson, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { FrameReader, encodeChannelFrame, type ChannelFrame } from '../channel/framing.ts';
import { helperRequest, type HelperRequest } from '../channel/requests.ts';
import { asServiceFailure } from '../service-failure.ts';

/** One stream as the service behind it sees it. */
export interface Stream {
  head(value: object): void;
  /** any length; cut into frames, with running offsets */
  data(bytes: Uint8Array): void;
  message(value: object): void;
  ack(offset: number): void;
  fin(): void;
  /** answers {ok:false} with what the error means, and ends the stream */
  fail(error: unknown): void;
}

export interface StreamEvents {
  data?(bytes: Uint8Array): void;
  message?(value: unknown): void;
  ack?(offset: number): void;
  fin?(): void;
  /** the runner does not want the stream any more */
  reset?(): void;
}

export type Service = (request: HelperRequest, stream: Stream) => StreamEvents;

/** Something that produces by itself and can be held back while the pipe is full. */
export interface Source {
  pause(): void;
  resume(): void;
}

/** The helper's end of the pipe: opens services for the runner's streams. */
export class Host {
  readonly #output: Writable;
  readonly #streams = new Map<number, StreamEvents>();
  readonly #sources = new Set<Source>();

  constructor(input: Readable, output: Writable, service: Service, ended: () => void) {
    this.#output = output;
    const reader = new FrameReader();
    input.on('data', (piece: Uint8Array) => {
      for (const frame of reader.push(piece)) this.#take(frame, service);
    });
    input.on('end', ended);
    input.on('error', ended);
    output.on('error', ended);
    output.on('drain', () => this.#sources.forEach((source) => source.resume()));
  }

  /** @returns unwatch */
  holdBack(source: Source): () => void {
    this.#sources.add(source);
    return () => this.#sources.delete(source);
  }

  /** A message about the helper itself. */
  announce(value: object): void {
    this.#send({ type: 'message', stream: 0, payload: encodeJson(value) });
  }

  #send(frame: ChannelFrame): void {
    if (!this.#output.write(encodeChannelFrame(frame))) this.#sources.forEach((source) => source.pause());
  }

  #take(frame: Frame, service: Service): void {
    if (frame.type === 'open') return this.#open(frame, service);
    const events = this.#streams.get(frame.stream);
    if (events === undefined) return;
    if (frame.type === 'data') events.data?.(frame.payload);
    else if (frame.type === 'message') events.message?.(decodeJson(frame.payload));
    else if (frame.type === 'ack') events.ack?.(frame.offset);
    else if (frame.type === 'fin') events.fin?.();
    else if (frame.type === 'reset') {
      this.#streams.delete(frame.stream);
      events.reset?.();
    }
  }

  #open(frame: Frame, service: Service): void {
    const stream = this.#stream(frame.stream);
    try {
      this.#streams.set(frame.stream, service(helperRequest.parse(decodeJson(frame.payload)), stream));
    } catch (error) {
      stream.fail(error);
    }
  }

  #stream(stream: number): Stream {
    let offset = 0;
    const end = () => this.#streams.delete(stream);
    return {
      head: (value) => this.#send({ type: 'head', stream, payload: encodeJson(value) }),
      message: (value) => this.#send({ type: 'message', stream, payload: encodeJson(value) }),
      ack: (taken) => this.#send({ type: 'ack', stream, offset: taken }),
      data: (bytes) => {
        for (let at = 0; at < bytes.byteLength; at += MAX_PAYLOAD) {
          const payload = bytes.subarray(at, at + MAX_PAYLOAD);
          this.#send({ type: 'data', stream, offset, payload });
          offset += payload.byteLength;
        }
      },
      fin: () => {
        this.#send({ type: 'fin', stream });
        end();
      },
      fail: (error) => {
        const { code, message } = asServiceFailure(error);
        this.#send({ type: 'head', stream, payload: encodeJson({ ok: false, code, message }) });
        end();
      },
    };
  }
}
