import type { resetBody, SERVICE_ERRORS } from '@gatehouse/core/protocol/services.ts';
import type { z } from 'zod';

export type StreamErrorCode = (typeof SERVICE_ERRORS)[number] | z.infer<typeof resetBody>['code'] | 'disconnected';

/** Why a stream or a call came to nothing. `message` is for people. */
export class StreamError extends Error {
  readonly code: StreamErrorCode;

  constructor(code: StreamErrorCode, message: string) {
    super(message);
    this.name = 'StreamError';
    this.code = code;
  }
}

export const disconnected = (): StreamError => new StreamError('disconnected', 'Not connected to the workspace');

/** Whatever was thrown, in words for people. */
export function wordsOf(thrown: unknown): string {
  return thrown instanceof StreamError ? thrown.message : 'Something unexpected happened on this page.';
}
