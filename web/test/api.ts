import { vi, type Mock } from 'vitest';
import { ERRORS, type ErrorCode } from '@gatehouse/core/errors.ts';

export interface Sent {
  method: string;
  path: string;
  body: unknown;
}

/** Answers every request of the page by `answer`; what was sent can be read from the returned mock. */
export function answerWith(answer: (sent: Sent) => Response): Mock<(sent: Sent) => Response> {
  const recorded = vi.fn(answer);
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) =>
    recorded({ method: init.method ?? 'GET', path: url, body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined }),
  );
  return recorded;
}

export function problemAnswer(
  code: ErrorCode,
  detail: string,
  more: { errors?: { path: string; message: string }[]; retryAfter?: number } = {},
): Response {
  const { status, title } = ERRORS[code];
  return new Response(JSON.stringify({ type: 'about:blank', title, status, detail, code, requestId: 'req_test', errors: more.errors }), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(more.retryAfter === undefined ? {} : { 'retry-after': String(more.retryAfter) }),
    },
  });
}

export const jsonAnswer = (body: unknown, status = 200): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } });
