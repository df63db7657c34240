import { z } from 'zod';
import { auditEvent, AUDIT_ACTIONS, OUTCOMES, RESOURCE_TYPES, type AuditAction } from '../audit/event.ts';
import { idSchema } from '../ids.ts';
import { listOf, text, time } from './common.ts';

export const auditAction = z.enum(Object.keys(AUDIT_ACTIONS) as [AuditAction, ...AuditAction[]]);

/** In which form events leave: the API's own list, lines of JSON, a table, or lines of OCSF 1.8.0. */
export const AUDIT_LIST_FORMATS = ['json', 'ndjson', 'csv', 'ocsf'] as const;
export type AuditListFormat = (typeof AUDIT_LIST_FORMATS)[number];

/** What events are asked for by. `filter` is in SCIM's grammar (core/audit/filter.ts). */
const wanted = {
  filter: z.string().optional().describe('SCIM filter (RFC 7644 §3.4.2.2) over the attributes of an event'),
  q: text(200, 0).optional().describe('words that names, addresses or the reason contain, or one of the event’s ids'),
  action: auditAction.optional(),
  resourceType: z.enum(RESOURCE_TYPES).optional(),
  resourceId: z.string().max(100).optional(),
  actorId: z.string().max(100).optional(),
  outcome: z.enum(OUTCOMES).optional(),
};

export const auditQuery = z.object({
  limit: z.coerce.number<number | string>().int().min(1).max(1000).default(100),
  cursor: z.string().max(500).optional(),
  /** bounded mode: event time; without `until` the list is polled in order of `seq` */
  since: time.optional(),
  until: time.optional(),
  order: z.enum(['asc', 'desc']).default('asc'),
  ...wanted,
  format: z.enum(AUDIT_LIST_FORMATS).optional().describe('instead of the Accept header'),
});
export const auditList = listOf(auditEvent).extend({
  hasMore: z.boolean().describe('another page follows now; `nextCursor` is there for pollers even when none does'),
  progress: z
    .object({ seq: z.number().int(), time: time.nullable() })
    .nullable()
    .describe('the page was read from the archive, and has come so far; follow `nextCursor` even when it is empty'),
});

/** Whole pages of the log as a file. `proof`: as the archive has it, for `verify-audit`. */
export const EXPORT_FORMATS = ['ndjson', 'csv', 'ocsf', 'proof'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export const exportQuery = z.object({
  ...wanted,
  format: z.enum(EXPORT_FORMATS).default('ndjson'),
  since: time.optional(),
  until: time.optional(),
  after: z.coerce.number<number | string>().int().min(0).optional().describe('goes on behind the event of that number'),
});

export const streamQuery = z.object({
  ...wanted,
  after: z.coerce
    .number<number | string>()
    .int()
    .min(0)
    .optional()
    .describe('begins behind that event; as Last-Event-ID, which goes before'),
});

export const MOST_BUCKETS = 200;
export const histogramQuery = z.object({
  ...wanted,
  since: time,
  until: time,
  buckets: z.coerce.number<number | string>().int().min(1).max(MOST_BUCKETS).default(60),
});
/** Events by the time of their recording. */
export const histogram = z.object({
  buckets: z.array(z.object({ from: time, success: z.number().int(), failure: z.number().int(), denied: z.number().int() })),
  /** what was recorded before is not counted: it is in the archive, or there was too much to look at */
  countedFrom: time.nullable(),
});
export type Histogram = z.infer<typeof histogram>;

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
