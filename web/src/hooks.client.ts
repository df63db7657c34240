import type { ClientInit, HandleClientError } from '@sveltejs/kit/hooks';
import { ApiProblem } from '#lib/api/problem.ts';

/** The page of a workspace begins its connection before its own code is there. */
export const init: ClientInit = () => {
  const workspaceId = /^\/w\/(\w+)$/.exec(location.pathname)?.[1];
  if (workspaceId !== undefined) void import('#lib/ide/ahead.ts').then(({ ahead }) => ahead.begin(workspaceId)).catch(() => undefined);
};

/** What the error page says about whatever went wrong while a page was loaded. */
export const handleError: HandleClientError = ({ kind, error }) => {
  if (error instanceof ApiProblem) return { message: error.message, ...(error.requestId === null ? {} : { requestId: error.requestId }) };
  return kind === 'framework' ? {} : { message: 'It met something it did not expect.' };
};
