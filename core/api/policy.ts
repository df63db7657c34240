import { z } from 'zod';
import { LEVELS, policyValues } from '../access/policy.ts';
import { POLICY_FIELDS } from '../access/policy-in-force.ts';
import { gitRules } from './policy-in-force.ts';

const value = z.union([z.string(), z.number(), z.array(z.string()), gitRules, z.null()]);

/** One field: what is in force, where that comes from, and whether it is enforced, as the part that enforces it reports. */
export const policyField = z.object({
  field: z.enum(POLICY_FIELDS),
  value,
  source: z.enum(['default', ...LEVELS]),
  /** what other levels set, and is not in force because this is stricter */
  overruled: z.array(z.object({ level: z.enum(LEVELS), value })),
  state: z.enum(['enforced', 'not enforced', 'unknown']),
  /** runners that can't enforce it, and so refuse workspaces whose policy sets it */
  lacking: z.array(z.string()),
  /** how often it refused something within 24 hours; null: whoever enforces it does not say */
  refused: z.number().int().nullable(),
});
export type ShownField = z.infer<typeof policyField>;

/** A field of which nothing is enforced yet: it can't be set. */
export const unavailableField = z.object({ field: z.string(), label: z.string(), group: z.string(), reason: z.string() });

const shownValues = z.record(z.string(), value);

/** What one level sets, beside what the others do, and what comes of it. */
export const policyShown = z.object({
  levels: z.object({ deployment: shownValues, tenant: shownValues, template: shownValues }),
  fields: z.array(policyField),
  unavailable: z.array(unavailableField),
  /** active people, and those of them without a passkey; null to those who may not see people */
  people: z.object({ total: z.number().int(), withoutPasskey: z.number().int() }).nullable(),
  /** confirmed runners, and how many of them have said what they enforce */
  runners: z.object({ total: z.number().int(), reported: z.number().int() }),
});
export type PolicyShown = z.infer<typeof policyShown>;

/** The whole of what a level sets: a field that is left out is set there no more. */
export const policyPut = z.object({ values: policyValues });
