import { z } from 'zod';
import { EGRESS_MODES } from '../access/egress-modes.ts';
import { PORTS } from '../access/policy-in-force.ts';

export const gitRules = z.object({ fetch: z.array(z.string()), push: z.array(z.string()) });

/** The policy in force, as plain values. */
export const policy = z.object({
  browserOnly: z.enum(['off', 'on']),
  allowedNetworks: z.array(z.string()).nullable(),
  sessionLimit: z.number(),
  idleTimeout: z.number(),
  stepUp: z.number().nullable(),
  autoStop: z.number().nullable(),
  unattendedWork: z.number(),
  leavers: z.number().nullable(),
  upload: z.number().nullable(),
  download: z.number().nullable(),
  clipboardOut: z.number().nullable(),
  clipboardIn: z.number().nullable(),
  ports: z.enum(PORTS),
  watermark: z.enum(['off', 'on']),
  egress: z.enum(EGRESS_MODES),
  egressHosts: z.array(z.string()),
  git: gitRules.nullable(),
  /** a release before knew none */
  recording: z.enum(['off', 'on', 'required']).default('off'),
});
