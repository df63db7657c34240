import { setTimeout as sleep } from 'node:timers/promises';
import { stateOf, type ConfigState } from '@gatehouse/core/access/config-state.ts';
import { problem } from '@gatehouse/core/api/common.ts';
import { configLine, type ConfigLine } from '@gatehouse/core/api/config.ts';
import { tokenSelf } from '@gatehouse/core/api/tokens.ts';
import type { z } from 'zod';
import { Fault, NoAnswer, Refused } from './fault.ts';

const ANSWER_MS = 60_000;
/** Reading a large organisation takes longer than any one change. */
const EXPORT_MS = 600_000;
/** How often one request is repeated that was told to come again later, and how long it waits at most each time. */
const ATTEMPTS = 8;
const LONGEST_WAIT_SECONDS = 120;

export interface Sent {
  body?: unknown;
  /** version of what is changed, as it was seen */
  revision?: number;
}
export interface Answered {
  body: unknown;
  /** version of what was changed, now */
  revision: number;
}

/** The public API, with one token. It waits where it is told to come later. */
export class Api {
  readonly origin: string;
  readonly #token: string;
  readonly #waiting: (seconds: number) => void;

  /** @param waiting hears how long nothing will happen */
  constructor(origin: string, token: string, waiting: (seconds: number) => void) {
    this.origin = origin;
    this.#token = token;
    this.#waiting = waiting;
  }

  /** Whose token it is, and what it may do now. @throws Fault */
  async self(): Promise<z.infer<typeof tokenSelf>> {
    return tokenSelf.parse(await (await this.#ask('GET', '/token', {}, ANSWER_MS)).json());
  }

  /** The rules as they stand. @throws Fault; ConfigIncomplete when the answer broke off */
  async state(): Promise<ConfigState> {
    const response = await this.#ask('GET', '/config/export', {}, EXPORT_MS);
    const lines: ConfigLine[] = [];
    try {
      for await (const line of linesOf(response)) lines.push(configLine.parse(JSON.parse(line)));
    } catch (error) {
      throw new Fault(`The export can’t be read: ${error instanceof Error ? error.message : String(error)}`);
    }
    return stateOf(lines);
  }

  /** Changes something. @throws Refused, NoAnswer */
  async change(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, sent: Sent = {}): Promise<Answered> {
    const response = await this.#ask(method, path, sent, ANSWER_MS);
    const text = await response.text();
    return {
      body: text === '' ? null : JSON.parse(text),
      revision: Number(/^"(\d+)"$/.exec(response.headers.get('ETag') ?? '')?.[1] ?? 0),
    };
  }

  async #ask(method: string, path: string, { body, revision }: Sent, timeoutMs: number): Promise<Response> {
    for (let attempt = 1; ; attempt++) {
      const response = await this.#fetch(path, {
        ...{ method, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) },
        headers: {
          Authorization: `Bearer ${this.#token}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...(revision === undefined ? {} : { 'If-Match': `"${revision}"` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.ok) return response;
      const wait = waitOf(response);
      if (wait === null || attempt === ATTEMPTS) throw await this.#refusal(response);
      await response.body?.cancel();
      this.#waiting(wait);
      await sleep(wait * 1000);
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(`${this.origin}/api/v1${path}`, init);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new NoAnswer(`${this.origin} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  }

  async #refusal(response: Response): Promise<Fault> {
    const document = problem.safeParse(await response.json().catch(() => null));
    if (document.success) return new Refused(document.data);
    return new NoAnswer(`${this.origin} answered ${response.status}, and not as Gatehouse does.`);
  }
}

async function* linesOf(response: Response): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

/** Seconds until it may be asked again; null when that would not help. */
function waitOf(response: Response): number | null {
  const told = response.headers.get('Retry-After');
  if (response.status !== 429 && !(response.status === 503 && told !== null)) return null;
  const seconds = Number(told ?? 5);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 1), LONGEST_WAIT_SECONDS) : 5;
}
