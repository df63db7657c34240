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

export const findingsQuery = page.extend({
  state: state.optional(),
  rule: ruleId.optional(),
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
export const findingList = listOf(finding).extend({ counts: z.record(state, z.number().int()) });

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
