import { z } from 'zod';
import { auditEvent } from '../audit/event.ts';
import { FINDING_RULE_IDS, FINDING_STATES, SEVERITIES } from '../audit/findings.ts';
import { idSchema } from '../ids.ts';
import { listOf, page, text, time } from './common.ts';

const ruleId = z.enum(FINDING_RULE_IDS);
const state = z.enum(FINDING_STATES);

export const detectionRule = z.object({
  id: ruleId,
  title: z.string(),
  says: z.string(),
  advice: z.string(),
  severity: z.enum(SEVERITIES),
});
export const detectionRuleList = z.object({ items: z.array(detectionRule) });

const severity = z.enum(SEVERITIES);

export const findingsQuery = page.extend({
  state: state.optional(),
  rule: ruleId.optional(),
  severity: severity.optional(),
  subject: text(100).optional().describe('what the name of whom or what it is about has in it'),
  event: z.coerce.number<number | string>().int().min(1).optional().describe('those that rest on the event of that number'),
});

export const finding = z.object({
  id: idSchema('finding'),
  rule: detectionRule.omit({ says: true, advice: true }),
  /** whom or what it is about */
  subject: z.string(),
  state,
  openedAt: time,
  /** when the last of its events happened */
  lastAt: time,
  events: z.number().int(),
  /** what was said when it was last moved */
  note: z.string(),
  moved: z.object({ by: z.string(), at: time }).nullable(),
});
export type Finding = z.infer<typeof finding>;
/** How many findings there are, whatever the list is narrowed to. */
export const findingsOverview = z.object({
  /** in each state */
  counts: z.record(state, z.number().int()),
  /** of those that are open */
  open: z.record(severity, z.number().int()),
  /** opened within the last 7 and 30 days */
  opened: z.object({ week: z.number().int(), month: z.number().int() }),
  /** mean time until somebody looked, of those of the last 30 days that were looked at; null: none was */
  secondsToLook: z.number().int().nullable(),
});
export type FindingsOverview = z.infer<typeof findingsOverview>;
export const findingList = listOf(finding).extend(findingsOverview.shape);

export const findingDetail = finding.extend({
  rule: detectionRule,
  /** the events that it rests on, at most 200, as far as the hot index has them */
  evidence: z.array(auditEvent),
  /** numbers of those that only the archive has */
  archived: z.array(z.number().int()),
});
export type FindingDetail = z.infer<typeof findingDetail>;

/** `from`: where the caller saw it, so that two people don't undo each other's word. */
export const findingMove = z
  .object({ from: state, to: state, note: text(1000, 0).default('') })
  .refine(({ from, to }) => from !== to, { path: ['to'], message: 'must be another state' });
