import { deploymentSecurity, health, localMailList } from '@gatehouse/core/api/deployment.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { ApiProblem } from './problem.ts';
import { abortable, api, type Call } from './client.ts';

export type Security = z.infer<typeof deploymentSecurity>;
export type Control = Security['controls'][number];

export const security = (call: Call = {}) => read(api.deployment.security.$get({}, abortable(call)), deploymentSecurity);
/** What a local deployment would have mailed; 404 where mail is really sent. */
export const localMails = (call: Call = {}) => read(api.local.mails.$get({}, abortable(call)), localMailList);

const SOON_MS = 2_000;

/** Whether the service answers, whatever it says. Never rejects. */
export const isThere = (): Promise<boolean> =>
  read(api.health.$get({}, { init: { signal: AbortSignal.timeout(SOON_MS), cache: 'no-store' } }), health).then(
    () => true,
    (thrown: unknown) => thrown instanceof ApiProblem && thrown.requestId !== null,
  );
