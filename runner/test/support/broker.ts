import { createPublicKey, verify } from 'node:crypto';
import { challengeText, fromRunnerLink, type FromRunnerLink, type ToRunnerLink } from '@gatehouse/core/protocol/connection.ts';
import { decodeFrame, decodeJson, encodeFrame, encodeJson, type Frame, type FrameType } from '@gatehouse/core/protocol/frame.ts';
import { StringDecoder } from 'node:string_decoder';
import { Heard } from './heard.ts';

const NOTHING = new Uint8Array(0);
/** what is waited for stands in the newest output */
const FAR_ENOUGH = 100_000;

/** The broker's end of one workspace link, whatever carries its messages. */
export class Broker {
  readonly frames = new Heard<Frame>();
  readonly controls = new Heard<FromRunnerLink>();
  readonly #send: (message: Uint8Array<ArrayBuffer>) => void;

  constructor(send: (message: Uint8Array<ArrayBuffer>) => void) {
    this.#send = send;
  }

  receive(message: Uint8Array): void {
    const frame = decodeFrame(Uint8Array.from(message));
    if (frame.type === 'control') this.controls.push(fromRunnerLink.parse(decodeJson(frame.payload)));
    else this.frames.push(frame);
  }

  control(control: ToRunnerLink): void {
    this.frame('control', 0, 0, { payload: encodeJson(control) });
  }

  frame(type: FrameType, viewer: number, stream: number, rest: Partial<Frame> = {}): void {
    this.#send(encodeFrame({ type, viewer, stream, offset: 0, sealed: false, payload: NOTHING, ...rest }));
  }

  raw(bytes: Uint8Array<ArrayBuffer>): void {
    this.#send(bytes);
  }
}

/** @param identityKey 32 bytes in base64url */
export function isProved(identityKey: string, signature: string, nonce: string, path: string): boolean {
  const key = createPublicKey({ format: 'jwk', key: { kty: 'OKP', crv: 'Ed25519', x: identityKey } });
  return verify(null, Buffer.from(challengeText(nonce, path)), key, Buffer.from(signature, 'base64url'));
}

/** A viewer's page: opens streams, joins what it receives, acknowledges unless told not to. */
export class Page {
  readonly #broker: Broker;
  readonly #viewer: number;
  acknowledges = true;
  #next = 1;

  constructor(broker: Broker, viewer: number) {
    this.#broker = broker;
    this.#viewer = viewer;
  }

  open(request: object): PageStream {
    const stream = this.#next;
    this.#next += 2;
    return new PageStream(this.#broker, this.#viewer, stream, request, () => this.acknowledges);
  }

  /** Goes on with this stream number. */
  skipTo(stream: number): void {
    this.#next = stream;
  }

  /** A request whose whole answer is its head. */
  async call(request: object): Promise<Record<string, unknown>> {
    return this.open(request).head;
  }
}

export class PageStream {
  readonly #broker: Broker;
  readonly #viewer: number;
  readonly #acknowledges: () => boolean;
  readonly number: number;
  readonly data = new Heard<Buffer>();
  readonly messages = new Heard<Record<string, unknown>>();
  readonly ends = new Heard<{ type: 'fin' | 'reset'; body: unknown }>();
  readonly acks = new Heard<number>();
  readonly head: Promise<Record<string, unknown>>;
  /** offset of the first byte, and the next one expected */
  from: number | null = null;
  next = 0;
  gaps = 0;
  text = '';
  readonly #decoder = new StringDecoder('utf8');
  /** bytes of input so far */
  written = 0;

  constructor(broker: Broker, viewer: number, stream: number, request: object, acknowledges: () => boolean) {
    this.#broker = broker;
    this.#viewer = viewer;
    this.#acknowledges = acknowledges;
    this.number = stream;
    let answer: (head: Record<string, unknown>) => void = () => undefined;
    this.head = new Promise((resolve) => (answer = resolve));
    let taken = broker.frames.all.length;
    const take = () => {
      while (taken < broker.frames.all.length) {
        const frame = broker.frames.all[taken++];
        if (frame !== undefined && frame.viewer === viewer && frame.stream === stream) this.#take(frame, answer);
      }
      return false;
    };
    void broker.frames.wait(take);
    broker.frame('open', viewer, stream, { payload: encodeJson(request) });
  }

  /** Waits until the output contains something. */
  async shows(text: string | RegExp): Promise<void> {
    const shown = () => this.text.slice(-FAR_ENOUGH);
    await this.data.wait(() => (typeof text === 'string' ? shown().includes(text) : text.test(shown())));
  }

  write(data: string | Uint8Array): void {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    this.#broker.frame('data', this.#viewer, this.number, { offset: this.written, payload });
    this.written += payload.byteLength;
  }

  message(value: object): void {
    this.#broker.frame('message', this.#viewer, this.number, { payload: encodeJson(value) });
  }

  acknowledge(offset = this.next): void {
    this.#broker.frame('ack', this.#viewer, this.number, { offset });
  }

  fin(): void {
    this.#broker.frame('fin', this.#viewer, this.number);
  }

  reset(): void {
    this.#broker.frame('reset', this.#viewer, this.number, { payload: encodeJson({ code: 'cancelled', message: '' }) });
  }

  #take(frame: Frame, answer: (head: Record<string, unknown>) => void): void {
    const json = () => decodeJson(frame.payload) as Record<string, unknown>;
    if (frame.type === 'head') answer(json());
    else if (frame.type === 'message') this.messages.push(json());
    else if (frame.type === 'ack') this.acks.push(frame.offset);
    else if (frame.type === 'fin') this.ends.push({ type: 'fin', body: null });
    else if (frame.type === 'reset') this.ends.push({ type: 'reset', body: json() });
    else if (frame.type === 'data') {
      this.from ??= frame.offset;
      if (this.next !== 0 && frame.offset !== this.next) this.gaps += 1;
      this.next = frame.offset + frame.payload.byteLength;
      if (this.#acknowledges()) this.acknowledge();
      this.text += this.#decoder.write(Buffer.from(frame.payload));
      this.data.push(Buffer.from(frame.payload));
    }
  }
}
