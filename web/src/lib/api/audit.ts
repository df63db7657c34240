import { auditList, auditStatus, type auditQuery } from '@gatehouse/core/api/audit.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, type Call } from './client.ts';

/** The filters as the API takes them; the pages ask for the newest first. */
export type AuditQuery = Partial<z.output<typeof auditQuery>>;

export const events = (query: AuditQuery, call: Call = {}) => read(api.audit.events.$get({ query }, abortable(call)), auditList);
export const status = (call: Call = {}) => read(api.audit.status.$get({}, abortable(call)), auditStatus);
