import type { Frame } from '@gatehouse/core/protocol/frame.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { Outbox, type OutboxPorts } from '@gatehouse/core/protocol/outbox.ts';
import type { Clock } from './ports.ts';
import type { StreamError } from './stream-error.ts';
import { Stream, type HeadOf, type Method, type RequestOf, type StreamEvents } from './stream.ts';

/** What a service of the IDE needs to speak with the runner. */
export interface Services {
  /** Opens a stream. When there is no connection, `ended` is called at once and null is the answer. */
  open<M extends Method>(request: RequestOf<M>, events: StreamEvents<M>): Stream<M> | null;
  /** A request whose answer is the head alone. @throws StreamError */
  call<M extends Method>(request: RequestOf<M>): Promise<HeadOf<M>>;
}

/** All streams of one connection, sharing one window (SPEC W2). SPEC S1: this side's numbers are odd and grow. */
export class Streams implements Services {
  readonly #outbox: Outbox;
  readonly #clock: Clock;
  readonly #streams = new Map<number, Pick<Stream, 'receive' | 'end'>>();
  #next = 1;

  constructor(ports: OutboxPorts) {
    this.#outbox = new Outbox(ports, LIMITS.window);
    this.#clock = ports.clock;
  }

  open<M extends Method>(request: RequestOf<M>, events: StreamEvents<M>): Stream<M> {
    const number = this.#next;
    this.#next += 2;
    const stream = new Stream(number, request, events, this.#outbox, this.#clock, () => this.#streams.delete(number));
    this.#streams.set(number, stream);
    return stream;
  }

  call<M extends Method>(request: RequestOf<M>): Promise<HeadOf<M>> {
    return new Promise((resolve, reject) => {
      const stream = this.open(request, {
        head: (head) => {
          stream.done();
          resolve(head);
        },
        ended: reject,
      });
    });
  }

  /** SPEC S6: frames of an unknown stream are dropped. */
  receive(frame: Pick<Frame, 'type' | 'stream' | 'offset' | 'payload'>): void {
    this.#streams.get(frame.stream)?.receive(frame);
  }

  /** The connection is gone, and every stream with it. */
  end(error: StreamError): void {
    this.#outbox.close();
    for (const stream of [...this.#streams.values()]) stream.end(error);
  }
}
