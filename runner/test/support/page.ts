import { decodeJson, encodeJson } from '@gatehouse/core/protocol/frame.ts';
import type { PlainFrame } from '@gatehouse/core/protocol/seal.ts';
import { StringDecoder } from 'node:string_decoder';
import type { Browser } from './browser.ts';
import { Heard } from './heard.ts';

/** what is waited for stands in the newest output */
const FAR_ENOUGH = 100_000;

/** A viewer's page: opens streams, joins what it receives, acknowledges unless told not to. */
export class Page {
  readonly browser: Browser;
  acknowledges = true;
  #next = 1;

  constructor(browser: Browser) {
    this.browser = browser;
  }

  open(request: object): PageStream {
    const stream = this.#next;
    this.#next += 2;
    return new PageStream(this.browser, stream, request, () => this.acknowledges);
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
  readonly #browser: Browser;
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
  /** typed before the head said from where input counts (SPEC T5); null: it has, or nobody types here */
  #early: Uint8Array[] | null;

  constructor(browser: Browser, stream: number, request: object, acknowledges: () => boolean) {
    this.#browser = browser;
    this.#acknowledges = acknowledges;
    this.number = stream;
    this.#early = 'method' in request && String(request.method).startsWith('pty.') ? [] : null;
    let answer: (head: Record<string, unknown>) => void = () => undefined;
    this.head = new Promise((resolve) => (answer = resolve));
    let taken = browser.frames.all.length;
    const take = () => {
      while (taken < browser.frames.all.length) {
        const frame = browser.frames.all[taken++];
        if (frame !== undefined && frame.stream === stream) this.#take(frame, answer);
      }
      return false;
    };
    void browser.frames.wait(take);
    browser.frame('open', stream, { payload: encodeJson(request) });
  }

  /** Waits until the output contains something. */
  async shows(text: string | RegExp): Promise<void> {
    const shown = () => this.text.slice(-FAR_ENOUGH);
    await this.data.wait(() => (typeof text === 'string' ? shown().includes(text) : text.test(shown())));
  }

  write(data: string | Uint8Array): void {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    if (this.#early !== null) return void this.#early.push(payload);
    this.#browser.frame('data', this.number, { offset: this.written, payload });
    this.written += payload.byteLength;
  }

  message(value: object): void {
    this.#browser.frame('message', this.number, { payload: encodeJson(value) });
  }

  acknowledge(offset = this.next): void {
    this.#browser.frame('ack', this.number, { offset });
  }

  fin(): void {
    this.#browser.frame('fin', this.number);
  }

  reset(): void {
    this.#browser.frame('reset', this.number, { payload: encodeJson({ code: 'cancelled', message: '' }) });
  }

  #take(frame: PlainFrame, answer: (head: Record<string, unknown>) => void): void {
    const json = () => decodeJson(frame.payload) as Record<string, unknown>;
    if (frame.type === 'head') {
      answer(json());
      const [early, { input }] = [this.#early ?? [], json()];
      this.#early = null;
      if (typeof input === 'number') this.written = input;
      for (const payload of early) this.write(payload);
    } else if (frame.type === 'message') this.messages.push(json());
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
