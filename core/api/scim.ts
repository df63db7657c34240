import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { listOf, page, searchText, time } from './common.ts';

/** Live at once, so that a new token can take over from the old one. */
export const SCIM_TOKENS_LIVE = 2;
export const SCIM_TOKEN_DAYS = { min: 1, max: 730, usual: 365 } as const;

export const scimTokenCreate = z.object({
  expiresInDays: z
    .number('must be a number')
    .int('must be a whole number')
    .min(SCIM_TOKEN_DAYS.min, 'must be at least 1 day')
    .max(SCIM_TOKEN_DAYS.max, `must be at most ${SCIM_TOKEN_DAYS.max} days`)
    .default(SCIM_TOKEN_DAYS.usual),
});

export const scimToken = z.object({
  id: idSchema('scimToken'),
  state: z.enum(['active', 'expired', 'revoked']),
  createdAt: time,
  createdBy: z.string(),
  expiresAt: time.nullable(),
  revokedAt: time.nullable(),
  lastUsedAt: time.nullable(),
});
export type ScimToken = z.infer<typeof scimToken>;
/** Those that work, and the last ones that did. */
export const scimTokenList = z.object({ items: z.array(scimToken), baseUrl: z.string() });
/** The secret is in this answer and nowhere else. */
export const scimTokenCreated = scimToken.extend({ secret: z.string() });
export type ScimTokenCreated = z.infer<typeof scimTokenCreated>;

export const PROVISIONING_OUTCOMES = ['all', 'changed', 'unchanged', 'failed'] as const;
export type ProvisioningOutcome = (typeof PROVISIONING_OUTCOMES)[number];
export const provisioningQuery = page.extend({
  q: searchText.optional(),
  outcome: z.enum(PROVISIONING_OUTCOMES).default('all'),
});

export const provisioningOutcome = z.object({
  resource: z.object({ type: z.enum(['User', 'Group']), id: z.string().nullable(), name: z.string() }),
  changes: z.array(z.object({ path: z.string(), old: z.unknown(), new: z.unknown(), secret: z.boolean() })),
  /** how many changes are left out */
  more: z.number().int(),
  /** what the directory asked and did not get, and why */
  note: z.string().nullable(),
  error: z.object({ scimType: z.string().nullable(), detail: z.string() }).nullable(),
});

/** A call of a directory that changed something, could have, or failed. */
export const provisioningCall = provisioningOutcome.extend({
  id: idSchema('provisioningCall'),
  time,
  method: z.string(),
  path: z.string(),
  status: z.number().int(),
  /** the beginning of what was sent, without secrets */
  request: z.string().nullable(),
});
export type ProvisioningCall = z.infer<typeof provisioningCall>;
export const provisioningList = listOf(provisioningCall);
