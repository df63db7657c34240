import { z } from 'zod';

/** Ways into a workspace beside the IDE's. */
export const runnerOpens = z.object({
  ports: z.object({
    /** the only ones that may be reached; null: any */
    only: z.array(z.number().int()).max(20).nullable(),
  }),
});
export type RunnerOpens = z.infer<typeof runnerOpens>;

/** Claims of the policy that a runner enforces: EdDSA JWT, typ `gatehouse-policy+jwt`, sent with each order. */
export const runnerPolicyClaims = z.object({
  iss: z.string(),
  aud: z.string().describe('id of the runner'),
  sub: z.string().describe('id of the workspace'),
  /** the newest counts: an older one never takes its place */
  iat: z.number().int(),
  /** fields that bound something; a runner that can't enforce one of them refuses the workspace and names it */
  policy: z.record(z.string().max(40), z.unknown()),
  /** what it opens; a runner that does not know of it has no such way, and what is left out stays closed */
  opens: runnerOpens.optional(),
});
export const POLICY_TYPE = 'gatehouse-policy+jwt';

/** What a runner enforces of a policy: megabytes, 0 blocks. */
export const runnerPolicy = z.strictObject({
  upload: z.number().int().min(0).optional(),
  download: z.number().int().min(0).optional(),
});
export type RunnerPolicy = z.infer<typeof runnerPolicy>;
