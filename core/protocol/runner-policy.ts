import { z } from 'zod';
import { tcpResource } from '../api/template-network.ts';
import { recordingKey } from './recording.ts';

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

/** What a runner enforces of a policy: megabytes, of the clipboard kilobytes, 0 blocks; `recording` is left out where nothing is recorded. */
export const runnerPolicy = z.strictObject({
  upload: z.number().int().min(0).optional(),
  download: z.number().int().min(0).optional(),
  clipboardOut: z.number().int().min(0).optional(),
  clipboardIn: z.number().int().min(0).optional(),
  /** left out: the network is the machine's */
  egress: z.enum(['allow-list', 'none']).optional(),
  recording: z.object({ mode: z.enum(['on', 'required']), key: recordingKey }).optional(),
});
export type RunnerPolicy = z.infer<typeof runnerPolicy>;

/** What a workspace may reach while egress is an allow-list. Patterns in the normal form of `access/egress.ts`. */
export const runnerNetwork = z.object({
  hosts: z.array(z.string().max(260)).max(1000),
  git: z.object({ fetch: z.array(z.string().max(2100)).max(400), push: z.array(z.string().max(2100)).max(400) }),
  resources: z.array(tcpResource).max(20),
});
export type RunnerNetwork = z.infer<typeof runnerNetwork>;

/** Claims beside those of the policy, in a token of its own (typ `gatehouse-network+jwt`): lists are long, and a release before knows none. */
export const runnerNetworkClaims = runnerPolicyClaims.omit({ policy: true }).extend({ network: runnerNetwork });
export const NETWORK_TYPE = 'gatehouse-network+jwt';

/** What a workspace reaches where no network is granted. */
export const NO_NETWORK: RunnerNetwork = { hosts: [], git: { fetch: [], push: [] }, resources: [] };

/** A person's credentials at git hosts, as they are sealed to a runner. */
export const gitCredentials = z.array(z.object({ host: z.string(), username: z.string(), secret: z.string() })).max(50);
export type GitCredentials = z.infer<typeof gitCredentials>;
