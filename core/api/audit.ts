import { z } from 'zod';
import { auditEvent, AUDIT_ACTIONS, OUTCOMES, RESOURCE_TYPES, type AuditAction } from '../audit/event.ts';
import { idSchema } from '../ids.ts';
import { listOf, text, time } from './common.ts';

export const auditAction = z.enum(Object.keys(AUDIT_ACTIONS) as [AuditAction, ...AuditAction[]]);

export const auditQuery = z.object({
  limit: z.coerce.number<number | string>().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
  /** bounded mode: event time; without `until` the list is polled in order of `seq` */
  since: time.optional(),
  until: time.optional(),
  order: z.enum(['asc', 'desc']).default('asc'),
  action: auditAction.optional(),
  resourceType: z.enum(RESOURCE_TYPES).optional(),
  resourceId: z.string().max(100).optional(),
  actorId: z.string().max(100).optional(),
  outcome: z.enum(OUTCOMES).optional(),
});
export const auditList = listOf(auditEvent);

/** Head of the log: size and root of the RFC 6962 tree, and how far archive and delivery are. */
export const auditStatus = z.object({
  size: z.number().int(),
  root: z.string().describe('base64'),
  archivedTo: z.number().int(),
  oldestHot: time.nullable(),
});

const endpoint = z
  .string()
  .trim()
  .max(500)
  .refine((value) => URL.canParse(value), 'must be an address');
export const destinationConfig = z.discriminatedUnion('type', [
  z.object({ type: z.literal('splunk-hec'), url: endpoint, index: text(80, 0).default(''), source: text(80).default('gatehouse') }),
  z.object({ type: z.literal('webhook'), url: endpoint }),
]);
export type DestinationConfig = z.infer<typeof destinationConfig>;

/** `secret`: HEC token, or `whsec_…` of the webhook (made by us when left out and shown once). */
export const destinationCreate = z.object({ name: text(60), config: destinationConfig, secret: z.string().min(8).max(500).optional() });
export const destinationUpdate = z.object({ name: text(60), config: destinationConfig, secret: z.string().min(8).max(500) }).partial();
export const DESTINATION_STATES = ['active', 'paused', 'failing'] as const;
export const destination = z.object({
  id: idSchema('destination'),
  name: z.string(),
  config: destinationConfig,
  state: z.enum(DESTINATION_STATES),
  createdAt: time,
  deliveredTo: z.number().int(),
  lag: z.number().int().describe('events recorded and not yet delivered'),
  lastSuccessAt: time.nullable(),
  lastError: z.object({ at: time, message: z.string() }).nullable(),
});
export type Destination = z.infer<typeof destination>;
export const destinationList = listOf(destination);
export const destinationCreated = destination.extend({ secret: z.string().nullable() });
export const destinationTested = z.object({ ok: z.boolean(), status: z.number().int().nullable(), message: z.string() });
