import type { Socket } from 'node:net';
import { MAX_PAYLOAD, decodeJson, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { FrameReader, writeFrame, type ChannelFrame } from '../channel/framing.ts';
import { CHANNEL_VERSION, helperKeep, helperRequest, type HelperRequest } from '../channel/requests.ts';
import { asServiceFailure } from '../service-failure.ts';

/** With more than this waiting for the runner to read, nothing is added that can wait. */
const FULL = 256 * 1024;

/** One stream as the service behind it sees it. */
export interface Stream {
  head(value: object): void;
  /** Any length; cut into frames, with running offsets, which go on from `offset` if it is given. The bytes are given away. */
  data(bytes: Uint8Array, offset?: number): void;
  message(value: object): void;
  ack(offset: number): void;
  fin(): void;
  /** answers {ok:false} with what the error means, and ends the stream */
  fail(error: unknown): void;
}

export interface StreamEvents {
  /** @throws AppError when the runner breaks the grammar */
  data?(bytes: Uint8Array, offset: number): void;
  message?(value: unknown): void;
  ack?(offset: number): void;
  fin?(): void;
  /** the runner does not want the stream any more, or is gone */
  reset?(): void;
}

export type Service = (request: HelperRequest, stream: Stream, host: Host) => StreamEvents;

/** Something that produces by itself and can be held back while the socket is full. */
export interface Source {
  pause(): void;
  resume(): void;
}

/** The helper's end of the connection to one runner: opens services for the runner's streams. */
export class Host {
  readonly #socket: Socket;
  readonly #streams = new Map<number, StreamEvents>();
  readonly #sources = new Set<Source>();
  readonly #keep: () => void;

  /** @param keep what runs is to outlive the connection */
  constructor(socket: Socket, service: Service, keep: () => void) {
    this.#socket = socket;
    this.#keep = keep;
    const reader = new FrameReader();
    socket.on('data', (piece: Uint8Array) => {
      try {
        for (const frame of reader.push(piece)) this.#take(frame, service);
      } catch {
        // Only a runner of another kind breaks the grammar; it may dial again.
        socket.destroy();
      }
    });
    socket.on('drain', () => this.#sources.forEach((source) => source.resume()));
    socket.on('close', () => this.#close());
    this.#send({ type: 'message', stream: 0, payload: encodeJson({ kind: 'ready', version: CHANNEL_VERSION }) });
  }

  /** whether what can wait should */
  get full(): boolean {
    return this.#socket.writableLength > FULL;
  }

  /** @returns unwatch */
  holdBack(source: Source): () => void {
    this.#sources.add(source);
    return () => this.#sources.delete(source);
  }

  #close(): void {
    const open = [...this.#streams.values()];
    this.#streams.clear();
    for (const events of open) events.reset?.();
  }

  #send(frame: ChannelFrame): void {
    if (this.#socket.destroyed) return;
    writeFrame(this.#socket, frame);
    if (this.full) this.#sources.forEach((source) => source.pause());
  }

  #take(frame: Frame, service: Service): void {
    if (frame.stream === 0) {
      helperKeep.parse(decodeJson(frame.payload));
      return this.#keep();
    }
    if (frame.type === 'open') return this.#open(frame, service);
    const events = this.#streams.get(frame.stream);
    if (events === undefined) return;
    if (frame.type === 'data') events.data?.(frame.payload, frame.offset);
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
    this.#streams.set(frame.stream, {});
    try {
      const events = service(helperRequest.parse(decodeJson(frame.payload)), stream, this);
      // It may have been answered to its end already.
      if (this.#streams.has(frame.stream)) this.#streams.set(frame.stream, events);
    } catch (error) {
      stream.fail(error);
    }
  }

  #stream(stream: number): Stream {
    let next = 0;
    const end = () => this.#streams.delete(stream);
    return {
      head: (value) => this.#send({ type: 'head', stream, payload: encodeJson(value) }),
      message: (value) => this.#send({ type: 'message', stream, payload: encodeJson(value) }),
      ack: (taken) => this.#send({ type: 'ack', stream, offset: taken }),
      data: (bytes, offset = next) => {
        for (let at = 0; at < bytes.byteLength; at += MAX_PAYLOAD) {
          this.#send({ type: 'data', stream, offset: offset + at, payload: bytes.subarray(at, at + MAX_PAYLOAD) });
        }
        next = offset + bytes.byteLength;
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
