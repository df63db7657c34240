import { z } from 'zod';
import { QUOTA_FIELDS } from '../access/quotas.ts';
import { idSchema } from '../ids.ts';
import { QUOTAS } from './directory.ts';

const number = z
  .number('must be a number')
  .int('must be a whole number')
  .min(0, 'must not be below 0')
  .max(QUOTAS.workspaces, `must be at most ${QUOTAS.workspaces.toLocaleString('en-GB')}`)
  .nullable();

/** How many workspaces each person may have, and how many may run at once; null says nothing. */
export const quotaValues = z.object({ workspaces: number, running: number });
export type QuotaPut = z.infer<typeof quotaValues>;

const subject = z.object({ type: z.enum(['tenant', 'group', 'user']), id: z.string(), name: z.string() });
const allowance = z.object({
  used: z.number().int(),
  limit: z.number().int().nullable(),
  from: subject.nullable(),
  /** why, as a sentence */
  why: z.string(),
});

/** What one level says. */
export const quotaShown = z.object({ subject, values: quotaValues });
export type QuotaShown = z.infer<typeof quotaShown>;

/** Every level that says something, the organisation first. */
export const quotaList = z.object({ items: z.array(quotaShown), truncated: z.boolean() });

/** What is in force for somebody, how much of it they use, and what they are told of it. */
export const ownQuota = z.object({
  workspaces: allowance,
  running: allowance,
  /** who can give more */
  ask: z.object({ people: z.array(z.object({ id: idSchema('user'), name: z.string() })), more: z.number().int() }),
});
export type OwnQuota = z.infer<typeof ownQuota>;

/** A person's: what is set for them, beside what comes of it. */
export const userQuota = quotaShown.extend({ inForce: ownQuota.omit({ ask: true }) });
export type UserQuota = z.infer<typeof userQuota>;

export const quotaSubject = z.discriminatedUnion('type', [
  z.object({ type: z.literal('tenant') }),
  z.object({ type: z.literal('group'), id: idSchema('group') }),
  z.object({ type: z.literal('user'), id: idSchema('user') }),
]);
export const quotaPreviewAsk = z.object({ subject: quotaSubject, values: quotaValues });
/** Who would have more than a change allows. Nothing of theirs is stopped or deleted by it. */
export const quotaPreview = z.object({
  over: z.array(
    z.object({
      ...{ user: z.object({ id: z.string(), name: z.string() }), field: z.enum(QUOTA_FIELDS) },
      ...{ used: z.number().int(), limit: z.number().int() },
    }),
  ),
  /** there may be more than were looked at */
  truncated: z.boolean(),
});
export type QuotaPreview = z.infer<typeof quotaPreview>;
