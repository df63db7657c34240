import { deploymentSecurity, localMailList } from '@gatehouse/core/api/deployment.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, type Call } from './client.ts';

export type Security = z.infer<typeof deploymentSecurity>;
export type Control = Security['controls'][number];

export const security = (call: Call = {}) => read(api.deployment.security.$get({}, abortable(call)), deploymentSecurity);
/** What a local deployment would have mailed; 404 where mail is really sent. */
export const localMails = (call: Call = {}) => read(api.local.mails.$get({}, abortable(call)), localMailList);
