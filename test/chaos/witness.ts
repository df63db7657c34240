import type { AuditAction } from '@gatehouse/core/audit/event.ts';

/** One change that somebody asked for. Without an answer nobody knows whether it happened. */
export interface Attempt {
  action: AuditAction;
  /** name of the thing, given by us: it is known without an answer too */
  name: string;
  answer: Answer | null;
}

export interface Answer {
  requestId: string;
  status: number;
  etag: string;
  body: Record<string, unknown>;
}

/** What all witnesses have seen, in no particular order. */
export class Journal {
  readonly attempts: Attempt[] = [];
  /** requests that were answered, however */
  answered = 0;

  /** Those that were told that their change is made. */
  made(action: AuditAction): Array<{ name: string; answer: Answer }> {
    return this.attempts.flatMap(({ name, answer, ...rest }) =>
      rest.action === action && answer !== null && answer.status < 300 ? [{ name, answer }] : [],
    );
  }
}

/** A person at the API who writes down what was answered. */
export class Witness {
  readonly #origin: string;
  readonly #cookie: string;
  readonly #journal: Journal;

  constructor(origin: string, cookie: string, journal: Journal) {
    this.#origin = origin;
    this.#cookie = cookie;
    this.#journal = journal;
  }

  /** Asks for a change. @returns null when no answer came, or none that says what happened */
  async change(
    [action, name]: [AuditAction, string],
    [method, path]: [string, string],
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer | null> {
    const attempt: Attempt = { action, name, answer: null };
    this.#journal.attempts.push(attempt);
    const answer = await this.#ask(method, path, body, headers);
    if (answer && answer.status < 500) attempt.answer = answer;
    return attempt.answer;
  }

  /** Reads, again and again until there is an answer. */
  async read(path: string): Promise<Answer> {
    for (;;) {
      const answer = await this.#ask('GET', path);
      if (answer && answer.status < 500) return answer;
    }
  }

  async #ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer | null> {
    try {
      const response = await fetch(`${this.#origin}/api/v1${path}`, {
        method,
        headers: {
          Origin: this.#origin,
          ...(this.#cookie === '' ? {} : { Cookie: this.#cookie }),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await response.text();
      this.#journal.answered++;
      return {
        requestId: response.headers.get('X-Request-Id') ?? '',
        status: response.status,
        etag: response.headers.get('ETag') ?? '',
        body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
      };
    } catch (error) {
      // Nobody was there, so nothing was asked.
      if (isRefused(error)) return this.#ask(method, path, body, headers);
      return null;
    }
  }
}

const isRefused = (error: unknown): boolean =>
  error instanceof TypeError && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ECONNREFUSED';
