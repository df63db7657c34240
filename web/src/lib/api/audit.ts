import {
  auditList,
  auditStatus,
  histogram as histogramShape,
  type auditQuery,
  type exportQuery,
  type histogramQuery,
  type streamQuery,
} from '@gatehouse/core/api/audit.ts';
import { auditCheckpoint, auditConsistency, auditInclusion, auditKeys } from '@gatehouse/core/api/proof.ts';
import type { z } from 'zod';
import { read } from './answer.ts';
import { abortable, api, fetchAnswer, type Call } from './client.ts';

/** The filters as the API takes them; the pages ask for the newest first. */
export type AuditQuery = Partial<Omit<z.output<typeof auditQuery>, 'format'>>;
export type HistogramQuery = z.output<typeof histogramQuery>;
export type AuditStatus = z.infer<typeof auditStatus>;

export const events = (query: AuditQuery, call: Call = {}) => read(api.audit.events.$get({ query }, abortable(call)), auditList);
export const status = (call: Call = {}) => read(api.audit.status.$get({}, abortable(call)), auditStatus);
export const histogram = (query: HistogramQuery, call: Call = {}) =>
  read(api.audit.histogram.$get({ query }, abortable(call)), histogramShape);

const asText = (query: Record<string, string | number | undefined>): string =>
  new URLSearchParams(Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]))).toString();

/** Where live events come from. */
export const streamPath = (query: z.input<typeof streamQuery>): string => `/api/v1/audit/stream?${asText(query as Record<string, string>)}`;

/** The log as a file, while it is made. The typed client knows answers of JSON only. */
export const openExport = (query: z.input<typeof exportQuery>, call: Call = {}): Promise<Response> =>
  fetchAnswer(`/api/v1/audit/export?${asText(query as Record<string, string>)}`, call);

export type Checkpoint = z.infer<typeof auditCheckpoint>;
export type Inclusion = z.infer<typeof auditInclusion>;
export type Consistency = z.infer<typeof auditConsistency>;
export type CheckpointKeys = z.infer<typeof auditKeys>['items'];

export const checkpoint = (call: Call = {}) => read(api.audit.checkpoint.$get({}, abortable(call)), auditCheckpoint);
export const keys = async (call: Call = {}) => (await read(api.audit.keys.$get({}, abortable(call)), auditKeys)).items;
export const inclusion = (query: { seq: number; size?: number }, call: Call = {}) =>
  read(api.audit.proof.$get({ query }, abortable(call)), auditInclusion);
export const consistency = (query: { first: number; second?: number }, call: Call = {}) =>
  read(api.audit.consistency.$get({ query }, abortable(call)), auditConsistency);
