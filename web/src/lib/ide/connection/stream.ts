import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeJson, encodeJson, MAX_PAYLOAD, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { failure, resetBody, SERVICE_HEADS, type ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import type { z } from 'zod';
import type { Clock } from './ports.ts';
import { StreamError } from './stream-error.ts';

export type Method = ServiceRequest['method'];
export type RequestOf<M extends Method> = Extract<ServiceRequest, { method: M }>;
export type HeadOf<M extends Method> = z.output<(typeof SERVICE_HEADS)[M]>;

export interface StreamEvents<M extends Method> {
  head(head: HeadOf<M>): void;
  /** bytes in order, without gap or overlap; tell `stream.took` when they are dealt with */
  data?(bytes: Uint8Array, offset: number): void;
  message?(body: unknown): void;
  /** the runner will send no more data */
  finished?(): void;
  /** refused, reset or cut; nothing comes after it */
  ended(error: StreamError): void;
}

export type SendFrame = (type: FrameType, stream: number, offset: number, payload: Uint8Array) => void;

const EMPTY = new Uint8Array(0);

/** One stream that this browser opened: SPEC S2 to S6, W1. */
export class Stream<M extends Method = Method> {
  readonly number: number;
  readonly #method: M;
  readonly #events: StreamEvents<M>;
  readonly #send: SendFrame;
  readonly #clock: Clock;
  readonly #forget: () => void;

  #open = true;
  #headed = false;
  /** offset of the next byte that may come */
  #expected = 0;
  #took = 0;
  #acknowledged = 0;
  #cancelAck: (() => void) | null = null;

  #sent = 0;
  #sentAcknowledged = 0;
  #waiting: Uint8Array[] = [];
  #finishing = false;
  #finished = false;

  constructor(number: number, request: RequestOf<M>, events: StreamEvents<M>, send: SendFrame, clock: Clock, forget: () => void) {
    this.number = number;
    this.#method = request.method as M;
    this.#events = events;
    this.#send = send;
    this.#clock = clock;
    this.#forget = forget;
    send('open', number, 0, encodeJson(request));
  }

  /** Sends bytes in order; what exceeds the window waits for acknowledgements (as W2 asks of the runner). */
  write(bytes: Uint8Array): void {
    if (!this.#open || this.#finishing || bytes.byteLength === 0) return;
    for (let at = 0; at < bytes.byteLength; at += MAX_PAYLOAD) this.#waiting.push(bytes.subarray(at, at + MAX_PAYLOAD));
    this.#drain();
  }

  /** Ends this direction once everything written has been sent. */
  finish(): void {
    if (!this.#open || this.#finishing) return;
    this.#finishing = true;
    this.#drain();
  }

  /** SPEC S5: ordered with the data written before. */
  message(body: unknown): void {
    if (this.#open) this.#send('message', this.number, 0, encodeJson(body));
  }

  /** Ends the stream from this side; no event follows. */
  cancel(): void {
    if (!this.#open) return;
    this.#send('reset', this.number, 0, encodeJson({ code: 'cancelled', message: 'No longer wanted' }));
    this.#close();
  }

  /** Everything before `offset` is dealt with: SPEC W1 acknowledges it soon. */
  took(offset: number): void {
    if (!this.#open || offset <= this.#took) return;
    this.#took = offset;
    if (this.#took - this.#acknowledged >= LIMITS.ackEvery) this.#acknowledge();
    else this.#cancelAck ??= this.#clock.after(LIMITS.ackWithin, () => this.#acknowledge());
  }

  /** A frame of this stream. @throws AppError when a payload is not what the contract says */
  receive(frame: Frame): void {
    switch (frame.type) {
      case 'head':
        return this.#head(frame.payload);
      case 'data':
        return this.#data(frame);
      case 'message':
        return this.#events.message?.(decodeJson(frame.payload));
      case 'ack':
        this.#sentAcknowledged = Math.min(this.#sent, Math.max(this.#sentAcknowledged, frame.offset));
        return this.#drain();
      case 'fin':
        return this.#events.finished?.();
      case 'reset': {
        const { code, message } = resetBody.parse(decodeJson(frame.payload));
        return this.end(new StreamError(code, message));
      }
    }
  }

  /** The stream is over without a word from this side: reset by the runner, or the connection is gone. */
  end(error: StreamError): void {
    if (!this.#open) return;
    this.#close();
    this.#events.ended(error);
  }

  /** The exchange is complete: late frames are dropped (S6). What was taken is acknowledged first. */
  done(): void {
    if (!this.#open) return;
    if (this.#took > this.#acknowledged) this.#acknowledge();
    this.#close();
  }

  #head(payload: Uint8Array): void {
    if (this.#headed) return this.#fail('A second head came');
    const body = decodeJson(payload);
    const refused = failure.safeParse(body);
    if (refused.success) return this.end(new StreamError(refused.data.code, refused.data.message));
    const head = SERVICE_HEADS[this.#method].parse(body) as HeadOf<M>;
    this.#headed = true;
    if ('offset' in head) this.#expected = this.#took = this.#acknowledged = head.offset;
    this.#events.head(head);
  }

  #data(frame: Frame): void {
    if (!this.#headed || frame.offset !== this.#expected) return this.#fail('Bytes came out of order');
    this.#expected += frame.payload.byteLength;
    this.#events.data?.(frame.payload, frame.offset);
  }

  #fail(message: string): void {
    this.#send('reset', this.number, 0, encodeJson({ code: 'invalid', message }));
    this.end(new StreamError('invalid', message));
  }

  #drain(): void {
    while (this.#waiting[0] !== undefined && this.#sent - this.#sentAcknowledged < LIMITS.driverWindow) {
      const chunk = this.#waiting[0];
      this.#waiting.shift();
      this.#send('data', this.number, this.#sent, chunk);
      this.#sent += chunk.byteLength;
    }
    if (this.#finishing && !this.#finished && this.#waiting.length === 0) {
      this.#finished = true;
      this.#send('fin', this.number, 0, EMPTY);
    }
  }

  #acknowledge(): void {
    this.#cancelAck?.();
    this.#cancelAck = null;
    this.#acknowledged = this.#took;
    this.#send('ack', this.number, this.#took, EMPTY);
  }

  #close(): void {
    this.#open = false;
    this.#cancelAck?.();
    this.#cancelAck = null;
    this.#waiting = [];
    this.#forget();
  }
}
