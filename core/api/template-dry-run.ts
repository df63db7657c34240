import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { parameterValues } from './parameter-values.ts';
import { SANDBOX_DRIVERS, writtenSpec } from './templates.ts';

/** `spec`: content that is not published yet, for administrators; else that version, or the newest */
export const dryRunAsk = z.object({
  spec: writtenSpec.optional(),
  versionId: idSchema('templateVersion').optional(),
  parameters: parameterValues.default({}),
});

/** What would happen if a workspace were made now. Nothing is made. */
export const dryRun = z.object({
  driver: z.enum(SANDBOX_DRIVERS),
  runners: z.object({
    /** how many could take it now */
    ready: z.number().int(),
    /** one by one, for those who may see runners: nothing lacking means that it can take it */
    items: z.array(z.object({ id: idSchema('runner'), name: z.string(), lacks: z.array(z.string()) })),
  }),
  /** when it stops by itself; null: never, by the template */
  schedule: z.object({ words: z.string(), next: z.string() }).nullable(),
  clone: z.object({ repository: z.string(), branch: z.string() }).nullable(),
  parameters: z.array(z.object({ name: z.string(), label: z.string(), variable: z.string(), value: z.string().nullable() })),
  faults: z.array(z.object({ path: z.string(), message: z.string() })),
  /** names of the variables that programs find, secrets among them */
  variables: z.array(z.string()),
  /** how many people could create one; null: not told to this caller */
  people: z.number().int().nullable(),
  /** what the policy in force takes away or adds, as label and value */
  policy: z.array(z.object({ label: z.string(), value: z.string() })),
  warnings: z.array(z.string()),
});
export type DryRun = z.infer<typeof dryRun>;
