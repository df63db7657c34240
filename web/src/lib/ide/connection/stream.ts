import { decodeJson, encodeJson, type Frame } from '@gatehouse/core/protocol/frame.ts';
import type { Outbox, Source } from '@gatehouse/core/protocol/outbox.ts';
import { failure, resetBody, SERVICE_HEADS, type ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import { Taken } from '@gatehouse/core/protocol/taken.ts';
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
  /** the runner has dealt with everything before this offset of what was fed */
  acknowledged?(offset: number): void;
  /** the runner will send no more data */
  finished?(): void;
  /** refused, reset or cut; nothing comes after it */
  ended(error: StreamError): void;
}

/** One stream that this browser opened: SPEC S2 to S6, W1. */
export class Stream<M extends Method = Method> {
  readonly number: number;
  readonly #method: M;
  readonly #events: StreamEvents<M>;
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #forget: () => void;

  #open = true;
  /** null before the head came */
  #taken: Taken | null = null;
  /** offset of the next byte that may come */
  #expected = 0;
  #finished = false;

  constructor(number: number, request: RequestOf<M>, events: StreamEvents<M>, outbox: Outbox, clock: Clock, forget: () => void) {
    this.number = number;
    this.#method = request.method as M;
    this.#events = events;
    this.#outbox = outbox;
    this.#clock = clock;
    this.#forget = forget;
    outbox.send(number, { type: 'open', payload: encodeJson(request) });
  }

  /** Sends what the source has, whenever the window has room. @param from offset of its first byte */
  feed(source: Source, from = 0): void {
    if (this.#open) this.#outbox.add(this.number, source, from);
  }

  /** The source has more to send. */
  wake(): void {
    if (this.#open) this.#outbox.pump();
  }

  /** SPEC S5: ordered with the data sent before. */
  message(body: unknown): void {
    if (this.#open) this.#outbox.send(this.number, { type: 'message', payload: encodeJson(body) });
  }

  /** Ends the stream from this side; no event follows. */
  cancel(): void {
    if (!this.#open) return;
    this.#reset('cancelled', 'No longer wanted');
    this.#close();
  }

  /** Everything before `offset` is dealt with: SPEC W1 acknowledges it soon. */
  took(offset: number): void {
    if (this.#open) this.#taken?.upTo(offset);
  }

  /** A frame of this stream. @throws AppError when a payload is not what the contract says */
  receive(frame: Pick<Frame, 'type' | 'offset' | 'payload'>): void {
    switch (frame.type) {
      case 'head':
        return this.#head(frame.payload);
      case 'data':
        return this.#data(frame.payload, frame.offset);
      case 'message':
        return this.#isDue() ? this.#events.message?.(decodeJson(frame.payload)) : this.#fail('A message came out of turn');
      case 'ack':
        return this.#acknowledged(frame.offset);
      case 'fin':
        if (!this.#isDue()) return this.#fail('An end came out of turn');
        this.#finished = true;
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
    this.#taken?.tell();
    this.#close();
  }

  #head(payload: Uint8Array): void {
    if (this.#taken !== null) return this.#fail('A second head came');
    const body = decodeJson(payload);
    const refused = failure.safeParse(body);
    if (refused.success) return this.end(new StreamError(refused.data.code, refused.data.message));
    const head = SERVICE_HEADS[this.#method].parse(body) as HeadOf<M>;
    if ('offset' in head) this.#expected = head.offset;
    this.#taken = new Taken(this.#clock, (offset) => this.#outbox.send(this.number, { type: 'ack', offset }), this.#expected);
    this.#events.head(head);
  }

  #data(payload: Uint8Array, offset: number): void {
    if (!this.#isDue() || offset !== this.#expected) return this.#fail('Bytes came out of order');
    this.#expected += payload.byteLength;
    this.#events.data?.(payload, offset);
  }

  #acknowledged(offset: number): void {
    if (!this.#outbox.acknowledge(this.number, offset)) return this.#fail('What was never sent was acknowledged');
    this.#events.acknowledged?.(offset);
  }

  /** SPEC S2, S4: between the head and the end of the other side's direction. */
  #isDue(): boolean {
    return this.#taken !== null && !this.#finished;
  }

  #fail(message: string): void {
    this.#reset('invalid', message);
    this.end(new StreamError('invalid', message));
  }

  #reset(code: 'cancelled' | 'invalid', message: string): void {
    this.#outbox.send(this.number, { type: 'reset', payload: encodeJson({ code, message }) });
  }

  #close(): void {
    this.#open = false;
    this.#taken?.end();
    this.#outbox.remove(this.number);
    this.#forget();
  }
}
