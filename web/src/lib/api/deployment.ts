import { deploymentSecurity, localMailList } from '@gatehouse/core/api/deployment.ts';
import type { z } from 'zod';
import { request, type Call } from './request.ts';

export type Control = z.infer<typeof deploymentSecurity>['controls'][number];

type Signal = Pick<Call, 'signal'>;

export const security = (call: Signal = {}) => request('GET', '/deployment/security', deploymentSecurity, call);
/** What a local deployment would have mailed; 404 where mail is really sent. */
export const localMails = (call: Signal = {}) => request('GET', '/local/mails', localMailList, call);
