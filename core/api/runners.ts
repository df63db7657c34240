import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { listOf, publicKey, secret, text, time } from './common.ts';
import { SANDBOX_DRIVERS } from './templates.ts';

export const RUNNER_STATES = ['unconfirmed', 'online', 'offline', 'revoked'] as const;
export const runner = z.object({
  id: idSchema('runner'),
  name: z.string(),
  state: z.enum(RUNNER_STATES),
  fingerprint: z.string(),
  version: z.string(),
  platform: z.string(),
  labels: z.record(z.string(), z.string()),
  drivers: z.array(z.enum(SANDBOX_DRIVERS)),
  warnings: z.array(z.string()),
  workspaces: z.number().int(),
  load: z
    .object({ load1: z.number(), memoryFree: z.number(), memoryTotal: z.number(), diskFree: z.number(), running: z.number() })
    .nullable(),
  /** workspaces that run on it at once; null: as many as there are */
  capacity: z.number().int().nullable(),
  /** places taken, and workspaces that wait in line for one */
  used: z.number().int(),
  waiting: z.number().int(),
  /** nothing starts there: since when, until when what runs may go on (null: as long as it likes), and how much of it is left */
  drain: z.object({ since: time, until: time.nullable(), total: z.number().int(), left: z.number().int() }).nullable(),
  revokedAt: time.nullable(),
  /** since when it has its keys */
  keysSince: time,
  createdAt: time,
  lastSeenAt: time.nullable(),
});
export type Runner = z.infer<typeof runner>;
export const runnerList = listOf(runner);
/** the fingerprint that the administrator compared with the runner's console */
export const runnerConfirm = z.object({ fingerprint: text(200) });

export const enrollmentCreate = z.object({ name: text(60).optional() });
/** `code` is shown once; it works once, for 15 minutes */
export const enrollmentCreated = z.object({ id: idSchema('enrollment'), code: z.string(), command: z.string(), expiresAt: time });
/** live progress of an enrolment for the page: the runner that used the code, once it has */
export const enrollment = z.object({ id: idSchema('enrollment'), expiresAt: time, runner: runner.nullable() });

export const runnerEnroll = z.object({
  code: secret,
  name: text(60),
  /** raw public keys: Ed25519 to prove who it is, X25519 for the encrypted sessions */
  identityKey: publicKey,
  agreementKey: publicKey,
  version: text(50),
  platform: text(100),
});
export const runnerEnrolled = z.object({
  runnerId: idSchema('runner'),
  tenant: z.object({ id: idSchema('tenant'), name: z.string(), slug: z.string() }),
  token: z.string(),
  fingerprint: z.string(),
  /** JWKS of those who may sign viewer grants, and their `iss` */
  issuer: z.string(),
  keys: z.array(z.record(z.string(), z.unknown())),
});
