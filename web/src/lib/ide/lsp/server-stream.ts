import { lspMessage, type ServerId } from '@gatehouse/core/protocol/language-servers.ts';
import type { OutFrame, Source } from '@gatehouse/core/protocol/outbox.ts';
import type { StreamError } from '../connection/stream-error.ts';
import type { Stream } from '../connection/stream.ts';
import type { Services } from '../connection/streams.ts';
import { frameOf, MessageReader } from './framing.ts';

/** What waits to be sent; a file of ten megabytes is one message. */
const MOST_WAITING = 32 * 1024 * 1024;

export interface ServerEvents {
  opened(program: string): void;
  received(message: string): void;
  /** a piece of what it prints on its error output */
  log(text: string): void;
  /** it has ended, or the stream to it; null: by itself */
  ended(error: StreamError | null, how: string): void;
}

/** Messages on their way to a server. */
class Outgoing implements Source {
  readonly bulk = true;
  #pieces: Uint8Array[] = [];
  pending = 0;
  #sent = 0;

  add(bytes: Uint8Array): void {
    if (this.pending + bytes.byteLength > MOST_WAITING) throw new Error('Too much waits for the language server');
    this.#pieces.push(bytes);
    this.pending += bytes.byteLength;
  }

  next(room: number): OutFrame | null {
    const [piece] = this.#pieces;
    if (piece === undefined || room === 0) return null;
    const payload = piece.subarray(0, room);
    if (payload.byteLength === piece.byteLength) this.#pieces.shift();
    else this.#pieces[0] = piece.subarray(room);
    const offset = this.#sent;
    this.#sent += payload.byteLength;
    this.pending -= payload.byteLength;
    return { type: 'data', offset, payload };
  }
}

/** One run of a language server, from its start to its end. */
export class ServerStream {
  readonly #events: ServerEvents;
  readonly #outgoing = new Outgoing();
  readonly #reader = new MessageReader();
  #stream: Stream<'lsp.open'> | null = null;
  #over = false;
  #how = 'It has ended';

  constructor(services: Services, { server, root }: { server: ServerId; root: string }, events: ServerEvents) {
    this.#events = events;
    this.#stream = services.open(
      { method: 'lsp.open', server, root },
      {
        head: ({ program }) => {
          // Behind the head: the runner keeps little of what comes before it.
          this.#stream?.feed(this.#outgoing);
          if (!this.#over) events.opened(program);
        },
        data: (bytes, offset) => this.#data(bytes, offset),
        message: (body) => this.#told(body),
        finished: () => {
          this.#stream?.done();
          this.#end(null);
        },
        ended: (error) => this.#end(error),
      },
    );
  }

  /** @throws Error when more waits than is kept */
  send(message: string): void {
    if (this.#over) throw new Error('The language server has ended');
    this.#outgoing.add(frameOf(message));
    this.#stream?.wake();
  }

  /** Ends the server; no event follows. */
  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stream?.cancel();
  }

  #data(bytes: Uint8Array, offset: number): void {
    this.#stream?.took(offset + bytes.byteLength);
    if (this.#over) return;
    try {
      // The payload is a view on what came; it is kept until its message is whole.
      for (const message of this.#reader.push(bytes)) this.#events.received(message);
    } catch (thrown) {
      this.#stream?.cancel();
      this.#how = thrown instanceof Error ? thrown.message : String(thrown);
      this.#end(null);
    }
  }

  #told(body: unknown): void {
    const message = lspMessage.parse(body);
    if (message.kind === 'log') this.#events.log(message.text);
    else this.#how = message.signal === null ? `It ended with code ${message.code ?? 'unknown'}` : `It was ended by ${message.signal}`;
  }

  #end(error: StreamError | null): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.ended(error, error?.message ?? this.#how);
  }
}
