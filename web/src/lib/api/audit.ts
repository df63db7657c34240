import { auditList, auditStatus, type auditQuery } from '@gatehouse/core/api/audit.ts';
import type { z } from 'zod';
import { request, type Call } from './request.ts';

/** The filters as the API takes them; the pages ask for the newest first. */
export type AuditQuery = Partial<z.output<typeof auditQuery>>;

type Signal = Pick<Call, 'signal'>;

export const events = (query: AuditQuery, call: Signal = {}) => request('GET', '/audit/events', auditList, { ...call, query });
export const status = (call: Signal = {}) => request('GET', '/audit/status', auditStatus, call);
