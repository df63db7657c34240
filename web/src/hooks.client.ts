import type { HandleError } from '@sveltejs/kit';
import { ApiProblem } from '#lib/api/problem.ts';

/** What the error page says about whatever went wrong while a page was loaded. */
export const handleError: HandleError = ({ error, status }) => {
  if (error instanceof ApiProblem) return { message: error.message, ...(error.requestId === null ? {} : { requestId: error.requestId }) };
  return { message: status === 404 ? 'Not found.' : 'The page met something it did not expect.' };
};
