/** Every error code that leaves Gatehouse, with its HTTP status and title (RFC 9457). */
export const ERRORS = {
  'invalid-filter': { status: 400, title: 'The filter can’t be read' },
  'not-signed-in': { status: 401, title: 'Sign in first' },
  'sign-in-failed': { status: 401, title: 'Organisation, e-mail or password is wrong' },
  'passkey-refused': { status: 401, title: 'This passkey isn’t registered here' },
  'code-refused': { status: 401, title: 'The code is wrong or was used' },
  'sso-failed': { status: 401, title: 'The sign-in at your provider did not work' },
  'sso-refused': { status: 403, title: 'Your provider’s account is not let in' },
  'sso-required': { status: 403, title: 'Your organisation signs in through its provider' },
  'permission-denied': { status: 403, title: 'You may not do this' },
  'browser-only': { status: 403, title: 'Only a browser may do this' },
  'network-refused': { status: 403, title: 'Not from this network' },
  'foreign-origin': { status: 403, title: 'The request came from another site' },
  'email-unverified': { status: 403, title: 'Verify your e-mail address first' },
  'step-up-required': { status: 403, title: 'Confirm that it is you' },
  'presence-required': { status: 403, title: 'Show your passkey' },
  'second-factor-required': { status: 403, title: 'Your organisation requires two factors' },
  'quota-exceeded': { status: 403, title: 'The organisation has reached its limit' },
  'tenant-suspended': { status: 403, title: 'The organisation is suspended' },
  'ticket-refused': { status: 403, title: 'The ticket is not valid' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'This resource has no such method' },
  conflict: { status: 409, title: 'That clashes with what is there' },
  'not-ready': { status: 409, title: 'Not in a state for this' },
  gone: { status: 410, title: 'No longer there' },
  'stale-version': { status: 412, title: 'Somebody changed it in the meantime' },
  'too-large': { status: 413, title: 'Too large' },
  'unsupported-media-type': { status: 415, title: 'Send JSON' },
  invalid: { status: 422, title: 'Some of the input is wrong' },
  'upgrade-required': { status: 426, title: 'This address speaks WebSocket' },
  'version-unsupported': { status: 426, title: 'No version of the protocol in common' },
  'precondition-required': { status: 428, title: 'Send If-Match with the version you saw' },
  'rate-limited': { status: 429, title: 'Too many attempts' },
  internal: { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Not available right now' },
} as const;

export type ErrorCode = keyof typeof ERRORS;

/** One wrong field: `path` is dotted (`user.email`), empty for the whole body. */
export interface FieldError {
  path: string;
  message: string;
  /** where in the text of the field, from 0 */
  position?: number | undefined;
}

/** The one error that use cases throw; HTTP, sockets and jobs translate it at their edge. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly errors: FieldError[] | undefined;
  readonly retryAfter: number | undefined;

  /** @param options.retryAfter seconds */
  constructor(code: ErrorCode, detail: string, options: { errors?: FieldError[]; retryAfter?: number; cause?: unknown } = {}) {
    super(detail, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.errors = options.errors;
    this.retryAfter = options.retryAfter;
  }
}
