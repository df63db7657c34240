import { z } from 'zod';
import { auditEvent, AUDIT_ACTIONS, OUTCOMES, RESOURCE_TYPES, type AuditAction } from '../audit/event.ts';
import { idSchema } from '../ids.ts';
import { AUDIT_FORMATS } from '../audit/formats.ts';
import { listOf, page, text, time } from './common.ts';

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
  archivedAt: time.nullable().describe('when the archive took a segment last, and with it a signed checkpoint'),
  archiveWaitsSince: time.nullable().describe('when the oldest segment was closed that the archive does not have yet'),
  checkpointAt: time.nullable().describe('when a checkpoint was last recorded as an event, which the SIEMs get'),
  oldestHot: time.nullable(),
  erased: z.number().int().describe('events whose contents are erased: their numbers and leaves stay'),
  oldest: z
    .object({ seq: z.number().int(), time: time.nullable() })
    .nullable()
    .describe('the first event that can still be read; of an archived one, when its segment was closed'),
  retention: z.object({
    days: z.number().int(),
    heldBy: z.array(z.string()).describe('destinations that still need events past retention: nothing is deleted before they have them'),
  }),
  undeletedSince: time
    .nullable()
    .describe('since when the archive won’t delete small files whose events lie in larger ones, as under a bucket lock: no harm is done'),
});

const endpoint = z
  .string()
  .trim()
  .max(500)
  .refine((value) => URL.canParse(value), 'must be an address');
const named = (pattern: RegExp, message: string) => z.string().trim().regex(pattern, message);
const uuid = named(/^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'must be an id like 00000000-0000-0000-0000-000000000000');

/** Where a destination is and how it wants its events; the secret is kept apart. */
export const destinationConfig = z.discriminatedUnion('type', [
  z.object({ type: z.literal('splunk-hec'), url: endpoint, index: text(80, 0).default(''), source: text(80).default('gatehouse') }),
  z.object({
    type: z.literal('webhook'),
    url: endpoint,
    signing: z.enum(['hmac', 'ed25519']).default('hmac').describe('`v1` or `v1a` of Standard Webhooks'),
  }),
  z.object({
    type: z.literal('s3'),
    url: endpoint.describe('of the service, without the bucket'),
    bucket: named(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket'),
    region: named(/^[a-z0-9-]{1,40}$/, 'must be a region like eu-central-1').default('us-east-1'),
    prefix: named(/^([A-Za-z0-9._=-]+\/)*[A-Za-z0-9._=-]*$/, 'must be like logs/gatehouse')
      .max(200)
      .default('gatehouse'),
    accessKeyId: named(/^[A-Za-z0-9_-]{3,128}$/, 'must be the id of an access key'),
  }),
  z.object({
    type: z.literal('sentinel'),
    url: endpoint.describe('of the data collection endpoint'),
    ruleId: named(/^dcr-[0-9a-f]{32}$/, 'must be the immutable id of the rule, dcr-…'),
    stream: named(/^Custom-[A-Za-z0-9_]{1,100}$/, 'must be a stream like Custom-Gatehouse_CL'),
    directoryId: uuid,
    clientId: uuid,
    authority: endpoint.default('https://login.microsoftonline.com'),
  }),
  z.object({
    type: z.literal('datadog'),
    url: endpoint.describe('of the intake, like https://http-intake.logs.datadoghq.eu'),
    service: text(100).default('gatehouse'),
    tags: text(200, 0).default('').describe('like env:prod,team:soc'),
  }),
  z.object({
    type: z.literal('elastic'),
    url: endpoint,
    index: named(/^[a-z0-9][a-z0-9._-]{0,200}$/, 'must be the name of an index or data stream').default('logs-gatehouse.audit-default'),
  }),
]);
export type DestinationConfig = z.infer<typeof destinationConfig>;
export type DestinationType = DestinationConfig['type'];

const secret = z.string().min(8).max(500);
const filter = z.string().trim().max(2000).describe('SCIM filter; empty: every event');
const format = z.enum(AUDIT_FORMATS);

/**
 * `secret`: HEC token; `whsec_…` or `whsk_…` of the webhook (made by us when left out and shown once); secret access key; client
 * secret; API key.
 */
export const destinationCreate = z.object({
  name: text(60),
  config: destinationConfig,
  filter: filter.default(''),
  format: format.default('native'),
  secret: secret.optional(),
});
export const destinationUpdate = z.object({ name: text(60), config: destinationConfig, filter, format, secret }).partial();

/** `failing`: nothing arrives, it is tried on; `held`: it refuses us until somebody changes something, it is tried seldom. */
export const DESTINATION_STATES = ['active', 'paused', 'failing', 'held'] as const;

/** A range that is sent once more, beside live delivery. */
export const replay = z.object({
  first: z.number().int(),
  last: z.number().int(),
  deliveredTo: z.number().int().describe('`first` - 1 in the beginning, `last` in the end'),
  state: z.enum(['running', 'finished', 'cancelled']),
  startedAt: time,
  endedAt: time.nullable(),
  lastError: z.object({ at: time, message: z.string() }).nullable(),
});
export type Replay = z.infer<typeof replay>;

export const destination = z.object({
  id: idSchema('destination'),
  name: z.string(),
  config: destinationConfig,
  filter,
  format,
  state: z.enum(DESTINATION_STATES),
  createdAt: time,
  deliveredTo: z.number().int(),
  lag: z.number().int().describe('events recorded and not yet delivered or passed over'),
  waitingSince: time.nullable().describe('when the first of them was recorded'),
  lastSuccessAt: time.nullable(),
  lastError: z.object({ at: time, message: z.string() }).nullable(),
  lastNote: z
    .object({ at: time, message: z.string() })
    .nullable()
    .describe('what a delivery that worked had to do, like dating old events anew'),
  setAside: z.number().int().describe('events that the destination refused for good'),
  replay: replay.nullable().describe('the last one'),
  publicKey: z.string().nullable().describe('`whpk_…` that verifies `v1a` signatures'),
  rotatesUntil: time.nullable().describe('until then the former secret signs, too'),
});
export type Destination = z.infer<typeof destination>;
export const destinationList = listOf(destination);
export const destinationCreated = destination.extend({ secret: z.string().nullable() });
export const destinationTested = z.object({ ok: z.boolean(), status: z.number().int().nullable(), message: z.string() });

const position = z.union([z.number().int().min(1), time]);
/** Both ends are included; by number, or by the time of recording. Without `to`: as far as the log goes now. */
export const replayStart = z.object({ from: position, to: position.optional() });

export const setAsideQuery = page;
/** An event that a destination refused for good, while the others went on. */
export const setAsideEvent = z.object({
  seq: z.number().int(),
  eventId: z.string(),
  action: auditAction,
  time,
  at: time,
  reason: z.string(),
  status: z.number().int().nullable(),
  attempts: z.number().int(),
});
export type SetAsideEvent = z.infer<typeof setAsideEvent>;
export const setAsideList = listOf(setAsideEvent);
export const setAsideChoice = z.object({ seqs: z.array(z.number().int().min(1)).min(1).max(50) });
export const setAsideRetried = z.object({
  items: z.array(z.object({ seq: z.number().int(), ok: z.boolean(), status: z.number().int().nullable(), message: z.string() })),
});
export const setAsideDismissed = z.object({ dismissed: z.number().int() });

/** What came of the requests of an hour or a day, by class of status. `none`: no answer. */
export const ANSWER_CLASSES = ['2xx', '3xx', '4xx', '5xx', 'none'] as const;
export const healthQuery = z.object({ by: z.enum(['hour', 'day']).default('day') });
export const health = z.object({
  since: time,
  items: z.array(z.object({ at: time, events: z.number().int(), requests: z.record(z.enum(ANSWER_CLASSES), z.number().int()) })),
});
export type Health = z.infer<typeof health>;

/** For the overview: how many destinations there are in each state, and how far the one is that is furthest behind. */
export const siemSummary = z.object({
  states: z.record(z.enum(DESTINATION_STATES), z.number().int()),
  lag: z.number().int(),
  waitingSince: time.nullable(),
  setAside: z.number().int(),
});
