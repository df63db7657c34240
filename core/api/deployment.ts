import { z } from 'zod';
import { text } from './common.ts';
import { policyField, policyShown } from './policy.ts';

/** One control on Deployment › Security: what is in force, where it is set, what it refuses. */
export const control = z.object({
  id: z.string(),
  name: z.string(),
  value: z.string(),
  source: z.enum(['built in', 'deployment', 'tenant', 'template']),
  state: z.enum(['enforced', 'not enforced', 'unknown']),
  refuses: z.string(),
});
/** `controls` are built in and can't be changed; `stricter`: by field, templates that set more than their organisation does */
export const deploymentSecurity = z.object({
  browserOnly: z.boolean(),
  controls: z.array(control),
  policy: policyShown,
  stricter: z.array(
    z.object({
      field: policyField.shape.field,
      count: z.number().int(),
      /** null to those who may not see every template */
      first: z.object({ template: z.string(), value: policyField.shape.value }).nullable(),
    }),
  ),
});

export const operatorTenant = z.object({
  id: z.string(),
  slug: z.string(),
  name: z.string(),
  state: z.enum(['reserved', 'active', 'suspended']),
  region: z.string(),
  shard: z.string(),
  createdAt: z.string(),
});
export const operatorTenantList = z.object({ items: z.array(operatorTenant), nextCursor: z.string().nullable() });
/** An audit ledger that is made anew: `recorded` events so far; `fault`: why it stopped, or had stopped before it was begun again. */
export const operatorRebuild = z.object({ state: z.enum(['begun', 'running']), recorded: z.number().int(), fault: z.string().nullable() });
/** Of one call: data keys that it wrapped anew, those that wait for the next one, and those that it could not. */
export const operatorRekeyed = z.object({
  version: z.string(),
  done: z.number().int(),
  left: z.number().int(),
  failed: z.array(z.object({ tenant: z.string(), why: z.string() })),
});
export const operatorSuspend = z.object({ reason: text(300) });

/** Local mail (never deployed): what would have been sent. */
export const localMail = z.object({ id: z.number().int(), to: z.string(), subject: z.string(), text: z.string(), sentAt: z.string() });
export const localMailList = z.object({ items: z.array(localMail), nextCursor: z.string().nullable() });
