import type { Context as HonoContext } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { AppError, ERRORS, type ErrorCode } from '@gatehouse/core/errors.ts';
import type { Problem } from '@gatehouse/core/api/common.ts';

/** Any error as the problem document that leaves (RFC 9457). What is unexpected leaves as `internal`, without its words. */
export function problemOf(error: unknown, requestId: string): Problem & { retryAfter?: number } {
  const known = error instanceof AppError ? error : fromFramework(error);
  const { status, title } = ERRORS[known.code];
  return {
    type: `https://gatehouse.dev/problems/${known.code}`,
    title,
    status,
    detail: known.code === 'internal' ? 'The error is in our log under the request id.' : known.message,
    code: known.code,
    requestId,
    ...(known.errors ? { errors: known.errors } : {}),
    ...(known.retryAfter === undefined ? {} : { retryAfter: known.retryAfter }),
  };
}

function fromFramework(error: unknown): AppError {
  if (!(error instanceof HTTPException)) return new AppError('internal', 'unexpected', { cause: error });
  if (error.status === 400) return new AppError('invalid', 'The body is not JSON', { errors: [{ path: '', message: 'must be JSON' }] });
  const code = (Object.keys(ERRORS) as ErrorCode[]).find((name) => ERRORS[name].status === error.status);
  return new AppError(code ?? 'internal', code ? ERRORS[code].title : 'unexpected', { cause: error });
}

/** The answer that carries a problem document. */
export function answerProblem(c: HonoContext, error: unknown, requestId: string): Response {
  const { retryAfter, ...problem } = problemOf(error, requestId);
  if (retryAfter !== undefined) c.header('Retry-After', String(Math.ceil(retryAfter)));
  c.header('Content-Type', 'application/problem+json');
  return c.body(JSON.stringify(problem), problem.status as ContentfulStatusCode);
}
