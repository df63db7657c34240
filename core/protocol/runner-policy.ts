import { z } from 'zod';
import { recordingKey } from './recording.ts';

/** Claims of the policy that a runner enforces: EdDSA JWT, typ `gatehouse-policy+jwt`, sent with each order. */
export const runnerPolicyClaims = z.object({
  iss: z.string(),
  aud: z.string().describe('id of the runner'),
  sub: z.string().describe('id of the workspace'),
  /** the newest counts: an older one never takes its place */
  iat: z.number().int(),
  /** fields that bound something; a runner that can't enforce one of them refuses the workspace and names it */
  policy: z.record(z.string().max(40), z.unknown()),
});
export const POLICY_TYPE = 'gatehouse-policy+jwt';

/** What a runner enforces of a policy: megabytes, 0 blocks; `recording` is left out where nothing is recorded. */
export const runnerPolicy = z.strictObject({
  upload: z.number().int().min(0).optional(),
  download: z.number().int().min(0).optional(),
  recording: z.object({ mode: z.enum(['on', 'required']), key: recordingKey }).optional(),
});
export type RunnerPolicy = z.infer<typeof runnerPolicy>;
