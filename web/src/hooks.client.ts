import type { HandleClientError } from '@sveltejs/kit/hooks';
import { ApiProblem } from '#lib/api/problem.ts';

/** What the error page says about whatever went wrong while a page was loaded. */
export const handleError: HandleClientError = ({ kind, error }) => {
  if (error instanceof ApiProblem) return { message: error.message, ...(error.requestId === null ? {} : { requestId: error.requestId }) };
  return kind === 'framework' ? {} : { message: 'It met something it did not expect.' };
};
