import { ERRORS, type ErrorCode, type FieldError } from '@gatehouse/core/errors.ts';
import { problem as problemSchema } from '@gatehouse/core/api/common.ts';

/** A refusal of the API (RFC 9457), or what stands for one when no answer came. `message` is for people. */
export class ApiProblem extends Error {
  readonly code: ErrorCode;
  readonly title: string;
  readonly errors: readonly FieldError[];
  /** null when the request never reached Gatehouse */
  readonly requestId: string | null;
  /** seconds */
  readonly retryAfter: number | null;

  constructor(
    code: ErrorCode,
    detail: string,
    more: { title?: string; errors?: readonly FieldError[]; requestId?: string | null; retryAfter?: number | null; cause?: unknown } = {},
  ) {
    super(detail, { cause: more.cause });
    this.name = 'ApiProblem';
    this.code = code;
    this.title = more.title ?? ERRORS[code].title;
    this.errors = more.errors ?? [];
    this.requestId = more.requestId ?? null;
    this.retryAfter = more.retryAfter ?? null;
  }
}

/** Whatever was thrown, as a problem that a page can show. */
export function asProblem(thrown: unknown): ApiProblem {
  if (thrown instanceof ApiProblem) return thrown;
  return new ApiProblem('internal', 'This page met something it did not expect. Reload it to go on.', { cause: thrown });
}

/** The problem that a refusing answer carries. */
export async function problemOf(response: Response): Promise<ApiProblem> {
  const seconds = Number(response.headers.get('retry-after') ?? Number.NaN);
  const retryAfter = Number.isFinite(seconds) ? seconds : null;
  const requestId = response.headers.get('x-request-id');
  const parsed = problemSchema.safeParse(await response.json().catch(() => null));
  if (!parsed.success) {
    return new ApiProblem(
      response.status === 503 ? 'unavailable' : 'internal',
      `The server answered ${response.status}, without saying why.`,
      {
        requestId,
        retryAfter,
      },
    );
  }
  const { code, title, detail, errors } = parsed.data;
  return new ApiProblem(code, detail, { title, errors: errors ?? [], requestId: parsed.data.requestId, retryAfter });
}
