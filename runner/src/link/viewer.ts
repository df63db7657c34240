import type { Crew, Member } from '@gatehouse/core/protocol/crew.ts';
import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeJson, encodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { Outbox, type OutFrame } from '@gatehouse/core/protocol/outbox.ts';
import { serviceRequest, type ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import type { Clock } from '../connection/clock.ts';
import { messageOf } from '../failure.ts';
import type { Admitted } from './admission.ts';
import type { Channel } from './channel.ts';
import type { Intake } from './intake.ts';
import type { Reading, ReadKind } from './reads.ts';
import { openService, type Services } from './services.ts';
import type { ResetCode, StreamPort, StreamService } from './stream.ts';
import { Untaken } from './untaken.ts';

const MOST_EARLY = 64;

const readBy = (method: ServiceRequest['method']): ReadKind =>
  method === 'files.read' || method === 'files.archive'
    ? 'files'
    : method === 'pty.open' || method === 'pty.attach'
      ? 'terminals'
      : 'other';

export interface ViewerContext {
  services: Services;
  crew: Crew;
  clock: Clock;
  intake: Intake;
  reading: Reading;
  refuse(reason: string): void;
}

/** One admitted viewer: its streams and what goes to it. */
export class Viewer {
  readonly member: Member;
  readonly #clientId: string;
  readonly #context: ViewerContext;
  readonly #outbox: Outbox;
  /** frames: what arrived while the service is just being opened */
  readonly #streams = new Map<number, StreamService | PlainFrame[]>();
  /** what each stream reads */
  readonly #kinds = new Map<number, ReadKind>();
  readonly #untaken = new Untaken();
  #latest = 0;
  #left = false;

  constructor(number: number, { grant, clientId, channel }: Admitted, context: ViewerContext) {
    this.member = { viewer: number, userId: grant.sub, name: grant.name, access: grant.access };
    this.#clientId = clientId;
    this.#context = context;
    this.#outbox = new Outbox(
      { send: (stream, frame) => this.#send(channel, stream, frame), buffered: () => channel.buffered, clock: context.clock },
      LIMITS.passiveWindow,
    );
  }

  /** About the connection itself: stream 0. */
  tell(type: 'hello' | 'message', value: object): void {
    this.#outbox.send(0, { type, payload: encodeJson(value) });
  }

  /** SPEC W2 */
  set window(bytes: number) {
    if (this.#outbox.window !== bytes) this.#outbox.window = bytes;
  }

  /** Never throws: what is wrong with a frame costs its stream, or the viewer. */
  receive(frame: PlainFrame): void {
    try {
      if (frame.type === 'open') this.#open(frame);
      else if (frame.type === 'ack') this.#acknowledge(frame);
      else if (frame.type === 'reset') this.#end(frame.stream);
      else this.#hand(frame);
    } catch (error) {
      this.#reset(frame.stream, 'invalid', messageOf(error));
    }
  }

  /** Frees all that the viewer used; its terminals live on. */
  leave(): void {
    this.#left = true;
    for (const stream of [...this.#streams.keys()]) this.#end(stream);
    this.#outbox.close();
    this.#context.reading.end();
  }

  /** SPEC D5 */
  #send(channel: Channel, stream: number, frame: OutFrame): void {
    const kind = this.#kinds.get(stream);
    if (kind !== undefined) this.#context.reading.count(kind, frame.payload?.byteLength ?? 0);
    channel.send(stream, frame);
  }

  #open(frame: PlainFrame): void {
    const { stream } = frame;
    // SPEC S1
    if (stream % 2 === 0 || stream <= this.#latest) return this.#context.refuse('A stream number was used against the rules');
    this.#latest = stream;
    if (this.#streams.size >= LIMITS.streams) return this.#reset(stream, 'limit', `A viewer has at most ${LIMITS.streams} streams`);
    const request = serviceRequest.safeParse(decodeJson(frame.payload));
    if (!request.success) return this.#reset(stream, 'invalid', 'Not a request that the runner knows');
    const early: PlainFrame[] = [];
    this.#streams.set(stream, early);
    this.#kinds.set(stream, readBy(request.data.method));
    const { services, crew, intake } = this.#context;
    const caller = { viewer: this.member.viewer, clientId: this.#clientId, crew, intake };
    openService(services, caller, request.data, this.#port(stream), (service) => {
      // The viewer may have gone while a terminal was starting.
      if (!this.#streams.has(stream)) return service.cancel();
      this.#streams.set(stream, service);
      for (const frame of early) this.receive(frame);
    });
  }

  #hand(frame: PlainFrame): void {
    const { stream, offset, payload } = frame;
    const there = this.#streams.get(stream);
    // SPEC S6
    if (there === undefined) return;
    if (frame.type === 'data' && !this.#untaken.received(stream, offset, payload.byteLength)) {
      return this.#context.refuse('More was sent than the window allows');
    }
    if (!Array.isArray(there)) return there.receive(frame);
    if (there.length >= MOST_EARLY) this.#reset(frame.stream, 'limit', 'Too much before the answer to "open"');
    else there.push(frame);
  }

  #acknowledge(frame: PlainFrame): void {
    if (!this.#outbox.acknowledge(frame.stream, frame.offset)) {
      this.#reset(frame.stream, 'invalid', 'Acknowledged more than was sent');
    }
  }

  #port(stream: number): StreamPort {
    const open = () => !this.#left && this.#streams.has(stream);
    const done = () => {
      this.#streams.delete(stream);
      this.#kinds.delete(stream);
      this.#untaken.forget(stream);
      this.#outbox.finish(stream);
    };
    return {
      clock: this.#context.clock,
      send: (frame: OutFrame) => {
        if (!open()) return;
        if (frame.type === 'ack') this.#untaken.taken(stream, frame.offset ?? 0);
        this.#outbox.send(stream, frame);
      },
      head: (value) => {
        if (!open()) return;
        this.#outbox.send(stream, { type: 'head', payload: encodeJson(value) });
        if (!('ok' in value) || value.ok !== false) return;
        this.#outbox.send(stream, { type: 'fin' });
        done();
      },
      provide: (source, from) => {
        if (open()) this.#outbox.add(stream, source, from);
      },
      ready: () => {
        if (!this.#left) this.#outbox.pump();
      },
      done,
      reset: (code, message) => this.#reset(stream, code, message),
    };
  }

  #reset(stream: number, code: ResetCode, message: string): void {
    if (this.#left) return;
    this.#outbox.send(stream, { type: 'reset', payload: encodeJson({ code, message: message.slice(0, 300) }) });
    this.#end(stream);
  }

  #end(stream: number): void {
    const service = this.#streams.get(stream);
    this.#streams.delete(stream);
    this.#kinds.delete(stream);
    this.#untaken.forget(stream);
    if (service !== undefined && !Array.isArray(service)) service.cancel();
    this.#outbox.remove(stream);
  }
}
