import { WebSocket } from 'ws';
import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import { LIMITS, runnerHello, toViewer } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, SUBPROTOCOL, type Frame } from '@gatehouse/core/protocol/frame.ts';
import { fileRead, fileStat, ptyList, ptyOpened, type ServiceRequest } from '@gatehouse/core/protocol/services.ts';
import { Person } from '../../scripts/api.ts';
import { within } from './measure.ts';

const NOTHING = new Uint8Array(0);

/** As often as the page asks whether the broker is there. */
const PING_MS = 20_000;

interface Opened {
  head: unknown;
  stream: ClientStream;
}

/** One stream of a connection, opened by us. Data is acknowledged as a page would (SPEC W1). */
export class ClientStream {
  onData: (bytes: Uint8Array) => void = () => undefined;
  readonly head: Promise<unknown>;
  readonly finished: Promise<void>;
  readonly #send: (frame: Pick<Frame, 'type' | 'offset' | 'payload'>) => void;
  #answer: { head(value: unknown): void; finish(): void; fail(error: Error): void };
  #received = 0;
  #acknowledged = 0;
  #sent = 0;
  #taken = 0;
  #waiting: Uint8Array[] = [];
  #finishing = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (frame: Pick<Frame, 'type' | 'offset' | 'payload'>) => void) {
    this.#send = send;
    const head = Promise.withResolvers<unknown>();
    const end = Promise.withResolvers<undefined>();
    this.head = head.promise;
    this.finished = end.promise;
    this.#answer = {
      head: head.resolve,
      finish: () => end.resolve(undefined),
      fail: (error) => [head, end].forEach(({ reject }) => reject(error)),
    };
    // Who waits for neither does not want to hear of it.
    head.promise.catch(() => undefined);
    end.promise.catch(() => undefined);
  }

  /** What exceeds the window waits for acknowledgements, as on the page. */
  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; at += LIMITS.payload) this.#waiting.push(bytes.subarray(at, at + LIMITS.payload));
    this.#drain();
  }

  /** Ends this direction behind what was written. */
  finish(): void {
    this.#finishing = true;
    this.#drain();
  }

  /** @throws Error when bytes are missing or come twice (SPEC S3) */
  receive(frame: Frame): void {
    if (frame.type === 'head') {
      const value = decodeJson(frame.payload);
      this.#received = this.#acknowledged = ptyOpened.safeParse(value).data?.offset ?? 0;
      this.#answer.head(value);
    } else if (frame.type === 'data') {
      if (frame.offset !== this.#received) throw new Error(`Data at ${frame.offset} where ${this.#received} was due`);
      this.#received += frame.payload.byteLength;
      this.#settle();
      this.onData(frame.payload);
    } else if (frame.type === 'ack') {
      this.#taken = frame.offset;
      this.#drain();
    } else if (frame.type === 'fin') this.end();
    else if (frame.type === 'reset') this.fail(new Error(`The stream was reset: ${JSON.stringify(decodeJson(frame.payload))}`));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#answer.finish();
  }

  fail(error: Error): void {
    clearTimeout(this.#timer);
    this.#answer.fail(error);
  }

  #drain(): void {
    while (this.#waiting[0] !== undefined && this.#sent - this.#taken < LIMITS.driverWindow) {
      const payload = this.#waiting[0];
      this.#waiting.shift();
      this.#send({ type: 'data', offset: this.#sent, payload });
      this.#sent += payload.byteLength;
    }
    if (!this.#finishing || this.#waiting.length > 0) return;
    this.#finishing = false;
    this.#send({ type: 'fin', offset: 0, payload: NOTHING });
  }

  #settle(): void {
    if (this.#received - this.#acknowledged >= LIMITS.ackEvery) this.#acknowledge();
    else this.#timer ??= setTimeout(() => this.#acknowledge(), LIMITS.ackWithin);
  }

  #acknowledge(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#acknowledged = this.#received;
    this.#send({ type: 'ack', offset: this.#received, payload: NOTHING });
  }
}

/** A workspace connection as the page has it, without the page: what is measured is the product, not a browser. */
export class WorkspaceClient {
  readonly socket: WebSocket;
  readonly #streams = new Map<number, ClientStream>();
  readonly #ready = Promise.withResolvers<undefined>();
  readonly #hello: Uint8Array;
  readonly #heartbeat: NodeJS.Timeout;
  /** when the connection is gone, whoever ended it */
  readonly closed: Promise<void>;
  #viewer = 0;
  #next = 1;
  #broken: Error | null = null;

  private constructor(origin: string, dialled: string, workspaceId: string, attached: Attachment, cookie: string) {
    this.#hello = encodeJson({ grant: attached.grant, clientId: crypto.randomUUID() });
    const url = `${dialled.replace('http', 'ws')}/api/v1/workspaces/${workspaceId}/connect`;
    this.socket = new WebSocket(url, [SUBPROTOCOL, `ticket.${attached.ticket}`], {
      headers: { Origin: origin, Cookie: cookie },
      perMessageDeflate: false,
    });
    this.socket.on('message', (message: Buffer, binary: boolean) => binary && this.#receive(decodeFrame(message)));
    this.socket.on('error', (error) => this.#fail(error));
    this.#heartbeat = setInterval(() => this.socket.readyState === WebSocket.OPEN && this.socket.send('ping'), PING_MS);
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code) => {
        this.#fail(new Error(`The connection was closed with ${code}`));
        resolve();
      });
    });
  }

  /**
   * Attaches, dials and says hello.
   * @param via port to dial instead of the server's own
   */
  static async connect(person: Person, origin: string, workspaceId: string, via?: number): Promise<WorkspaceClient> {
    const dialled = via === undefined ? origin : `http://127.0.0.1:${via}`;
    const attached = await new Person(dialled, person.cookie).call<Attachment>('POST', `/workspaces/${workspaceId}/attach`, undefined, {
      Origin: origin,
      'Sec-Fetch-Site': 'same-origin',
    });
    const client = new WorkspaceClient(origin, dialled, workspaceId, attached, person.cookie);
    try {
      await within(15, 'the hello of the runner', client.#ready.promise);
      return client;
    } catch (error) {
      client.socket.terminate();
      throw error;
    }
  }

  async openTerminal(
    size: { cols: number; rows: number },
    onData: (bytes: Uint8Array) => void,
  ): Promise<{ terminalId: string; stream: ClientStream }> {
    const { head, stream } = await this.#open({ method: 'pty.open', ...size }, onData);
    return { terminalId: ptyOpened.parse(head).terminal.terminalId, stream };
  }

  /** @param from offset of the first byte of output that is wanted */
  async attachTerminal(
    terminalId: string,
    from: number,
    size: { cols: number; rows: number },
    onData: (bytes: Uint8Array) => void,
  ): Promise<{ offset: number; stream: ClientStream }> {
    const { head, stream } = await this.#open({ method: 'pty.attach', terminalId, from, ...size }, onData);
    return { offset: ptyOpened.parse(head).offset, stream };
  }

  async terminalIds(): Promise<string[]> {
    const { head } = await this.#open({ method: 'pty.list' });
    return ptyList.parse(head).terminals.map(({ terminalId }) => terminalId);
  }

  async closeTerminal(terminalId: string): Promise<void> {
    await this.#open({ method: 'pty.close', terminalId });
  }

  /** All bytes of a file. */
  async read(path: string): Promise<Buffer> {
    const pieces: Uint8Array[] = [];
    const { head, stream } = await this.#open({ method: 'files.read', path }, (bytes) => pieces.push(bytes));
    fileRead.parse(head);
    await within(60, `reading ${path}`, stream.finished);
    return Buffer.concat(pieces);
  }

  /** Writes a file, whatever was there. */
  async write(path: string, bytes: Uint8Array): Promise<void> {
    const stream = this.#begin({ method: 'files.write', path, etag: '*', size: bytes.byteLength });
    stream.write(bytes);
    stream.finish();
    fileStat.parse(await within(120, `writing ${path}`, stream.head));
  }

  close(): Promise<void> {
    for (const stream of this.#streams.values()) stream.end();
    if (this.socket.readyState === WebSocket.CLOSED) return Promise.resolve();
    return new Promise((resolve) => {
      this.socket.once('close', () => resolve());
      this.socket.close(1000);
    });
  }

  async #open(request: ServiceRequest, onData: (bytes: Uint8Array) => void = () => undefined): Promise<Opened> {
    const stream = this.#begin(request);
    stream.onData = onData;
    return { head: await within(15, request.method, stream.head), stream };
  }

  #begin(request: ServiceRequest): ClientStream {
    if (this.#broken) throw this.#broken;
    const number = this.#next;
    this.#next += 2;
    const stream = new ClientStream((frame) => this.#send({ ...frame, stream: number }));
    this.#streams.set(number, stream);
    this.#send({ type: 'open', stream: number, offset: 0, payload: encodeJson(request) });
    return stream;
  }

  #send(frame: Pick<Frame, 'type' | 'stream' | 'offset' | 'payload'>): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(encodeFrame({ sealed: false, viewer: this.#viewer, ...frame }));
  }

  #receive(frame: Frame): void {
    if (frame.type === 'control') {
      const message = toViewer.parse(decodeJson(frame.payload));
      if (message.kind !== 'welcome') return;
      this.#viewer = message.viewer;
      return this.#send({ type: 'hello', stream: 0, offset: 0, payload: this.#hello });
    }
    if (frame.type === 'hello') {
      runnerHello.parse(decodeJson(frame.payload));
      return this.#ready.resolve(undefined);
    }
    try {
      this.#streams.get(frame.stream)?.receive(frame);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      this.socket.terminate();
    }
  }

  #fail(error: Error): void {
    clearInterval(this.#heartbeat);
    this.#broken ??= error;
    this.#ready.reject(this.#broken);
    for (const stream of this.#streams.values()) stream.fail(this.#broken);
  }
}
