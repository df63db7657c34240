import { TUNNEL } from '@gatehouse/core/protocol/tunnel.ts';

export interface AnswerEvents {
  /** the browser has taken so many bytes */
  taken(offset: number): void;
  /** the browser does not read any more */
  gone(): void;
  over(): void;
}

/** The body of an answer on its way to the browser. Holds what was not taken yet, and no more than the stream's credit. */
export class Answer {
  readonly body: ReadableStream;
  readonly #writer: WritableStreamDefaultWriter;
  readonly #events: AnswerEvents;
  #received = 0;
  #taken = 0;
  #told = 0;
  #over = false;

  /** @param length of the body, where the app has said it */
  constructor(length: number | null, events: AnswerEvents) {
    const { readable, writable } =
      length !== null && Number.isSafeInteger(length) && length >= 0 ? new FixedLengthStream(length) : new IdentityTransformStream();
    this.body = readable;
    this.#writer = writable.getWriter();
    this.#events = events;
    // Whoever writes or closes hears of it, too.
    this.#writer.closed.catch(() => undefined);
  }

  /** @throws Error for a gap, an overlap, or more than the credit */
  take(offset: number, bytes: Uint8Array): void {
    if (this.#over) return;
    if (offset !== this.#received) throw new Error('Data with a gap or an overlap');
    this.#received += bytes.byteLength;
    if (this.#received - this.#taken > TUNNEL.credit.most) throw new Error('More was sent than the credit allows');
    this.#writer.write(bytes).then(
      () => {
        this.#taken += bytes.byteLength;
        if (this.#taken - this.#told < TUNNEL.ackEvery && this.#taken !== this.#received) return;
        this.#told = this.#taken;
        if (!this.#over) this.#events.taken(this.#taken);
      },
      () => this.#leave(),
    );
  }

  end(): void {
    if (this.#over) return;
    this.#writer.close().then(
      () => this.#finish(),
      () => this.#leave(),
    );
  }

  abort(why: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#writer.abort(new Error(why)).catch(() => undefined);
  }

  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.over();
  }

  #leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.gone();
  }
}

export interface QuestionPorts {
  /** bytes that may be sent now */
  room(): number;
  send(bytes: Uint8Array): void;
  end(): void;
  /** the browser ended it before its time */
  broken(): void;
}

/** The body of a request on its way to the app: read only as far as there is credit. */
export class Question {
  readonly #reader: ReadableStreamDefaultReader;
  readonly #ports: QuestionPorts;
  #stopped = false;
  #wake: () => void = () => undefined;

  constructor(body: ReadableStream, ports: QuestionPorts) {
    this.#reader = body.getReader();
    this.#ports = ports;
    void this.#run();
  }

  /** There may be credit again. */
  wake(): void {
    this.#wake();
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#wake();
    this.#reader.cancel().catch(() => undefined);
  }

  async #run(): Promise<void> {
    try {
      for (;;) {
        await this.#room();
        const { done, value } = (await this.#reader.read()) as ReadableStreamReadResult<Uint8Array>;
        if (this.#isStopped()) return;
        if (done) return this.#ports.end();
        await this.#pass(value);
      }
    } catch {
      if (!this.#isStopped()) this.#ports.broken();
    }
  }

  async #pass(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength;) {
      const room = await this.#room();
      if (this.#isStopped()) return;
      const piece = bytes.subarray(at, at + room);
      this.#ports.send(piece);
      at += piece.byteLength;
    }
  }

  async #room(): Promise<number> {
    for (;;) {
      const room = this.#isStopped() ? 1 : this.#ports.room();
      if (room > 0) return room;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** A look at what may have changed while something was awaited. */
  #isStopped(): boolean {
    return this.#stopped;
  }
}
