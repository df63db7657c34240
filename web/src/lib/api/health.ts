import { health } from '@gatehouse/core/api/health.ts';
import { read } from './answer.ts';
import { api } from './client.ts';
import { ApiProblem } from './problem.ts';

const SOON_MS = 2_000;

/** Whether the service answers, whatever it says. Never rejects. */
export const isThere = (): Promise<boolean> =>
  read(api.health.$get({}, { init: { signal: AbortSignal.timeout(SOON_MS), cache: 'no-store' } }), health).then(
    () => true,
    (thrown: unknown) => thrown instanceof ApiProblem && thrown.requestId !== null,
  );
