import type { Transport } from '@codemirror/lsp-client';
import { z } from 'zod';

const id = z.union([z.number(), z.string()]);
const asked = z.object({ id, method: z.string(), params: z.unknown().optional() });
const answered = z.object({ id });
/** How servers begin an answer to a request. */
const ANSWER = /^\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*(\d+)\s*,\s*"(?:result|error)"\s*:/;

/** How requests of a server are answered; undefined: this page can't do that. May be a promise. */
export type Answer = (method: string, params: unknown) => unknown;

const METHOD_NOT_FOUND = -32_601;
const SERVER_ENDED = -32_099;
const INTERNAL = -32_603;

/** What the client of the editor speaks through, from one start of its server to the next. */
export class ServerTransport implements Transport {
  readonly #send: (message: string) => void;
  readonly #answer: Answer;
  /** adds what the client does not say itself to its first words */
  readonly #introduce: (params: object) => object;
  readonly #open = new Map<number | string, string>();
  #handler: (message: string) => void = () => undefined;
  #over = false;

  constructor(send: (message: string) => void, answer: Answer, introduce: (params: object) => object) {
    this.#send = send;
    this.#answer = answer;
    this.#introduce = introduce;
  }

  subscribe(handler: (message: string) => void): void {
    this.#handler = handler;
  }

  unsubscribe(): void {
    this.#handler = () => undefined;
  }

  /** Of the client. What can't be sent is answered with its failure: nobody waits for it in vain. */
  send(message: string): void {
    const body = JSON.parse(message) as { id?: number; method?: string; params?: object };
    if (this.#over) {
      if (body.id !== undefined && body.method !== undefined) queueMicrotask(() => this.#fail(body.id ?? 0, body.method ?? ''));
      return;
    }
    if (body.id !== undefined && body.method !== undefined) this.#open.set(body.id, body.method);
    const said = body.method === 'initialize' ? JSON.stringify({ ...body, params: this.#introduce(body.params ?? {}) }) : message;
    try {
      this.#send(said);
    } catch {
      this.end();
    }
  }

  /** Of the server. @throws Error when it is no message */
  receive(message: string): void {
    // Long as they may be, and read by the client anyway: once is enough.
    const answers = ANSWER.exec(message)?.[1];
    if (answers !== undefined) {
      this.#open.delete(Number(answers));
      return this.#handler(message);
    }
    const body: unknown = JSON.parse(message);
    const request = asked.safeParse(body);
    if (request.success) return void this.#reply(request.data);
    const answer = answered.safeParse(body);
    if (answer.success) this.#open.delete(answer.data.id);
    if (typeof body === 'object' && body !== null) this.#handler(message);
  }

  /** The server has ended: whatever waits for it is told. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    for (const [open, method] of this.#open) this.#fail(open, method);
    this.#open.clear();
  }

  /** A client whose first words failed would never be used again: it is told that the server can do nothing. */
  #fail(open: number | string, method: string): void {
    const outcome =
      method === 'initialize'
        ? { result: { capabilities: {} } }
        : { error: { code: SERVER_ENDED, message: 'The language server has ended' } };
    this.#handler(JSON.stringify({ jsonrpc: '2.0', id: open, ...outcome }));
  }

  async #reply({ id: request, method, params }: z.infer<typeof asked>): Promise<void> {
    let outcome: object;
    try {
      const result = await this.#answer(method, params);
      outcome = result === undefined ? { error: { code: METHOD_NOT_FOUND, message: `${method} is not offered` } } : { result };
    } catch (thrown) {
      outcome = { error: { code: INTERNAL, message: thrown instanceof Error ? thrown.message : String(thrown) } };
    }
    if (!this.#over) this.#send(JSON.stringify({ jsonrpc: '2.0', id: request, ...outcome }));
  }
}
