import { z } from 'zod';
import { idSchema } from '../ids.ts';
import { SANDBOX_DRIVERS, templateSpec, type TemplateSpec } from '../api/templates.ts';
import { hears } from './heard.ts';
import { dotfiles } from '../api/ide-settings.ts';
import { usageTold } from './workspace-usage.ts';
import { snapshotOrder } from './snapshot.ts';
import { FAILURES, WORKSPACE_PHASES, workspaceLine } from './workspace-phases.ts';

/** The control link: JSON text messages between a runner and its Runner object. */

/** What the tenant wants of one workspace. `generation` grows with each wish. */
export const workspaceOrder = z.object({
  workspaceId: idSchema('workspace'),
  generation: z.number().int().min(1),
  desired: z.enum(['running', 'stopped', 'deleted']),
  name: z.string(),
  owner: z.object({ name: z.string(), email: z.string() }),
  spec: templateSpec,
  /** all variables of its programs: the version's, its parameters', its secrets; left out: the version's alone */
  environment: z.record(z.string(), z.string()).optional(),
  /** variables besides, which must stand in no log; only with an order to run */
  secrets: z.record(z.string(), z.string()).optional(),
  /** what the runner enforces, signed by the deployment (claims: runnerPolicyClaims); a release before sent none */
  policy: z.string().max(4096).optional(),
  /** what it may reach, signed likewise (claims: runnerNetworkClaims); a release before sent none */
  network: z.string().max(262_144).optional(),
  /** the owner's credentials at git hosts (gitCredentials), sealed to the runner's agreement key; only while it is to run */
  gitCredentials: z.string().max(65_536).optional(),
  /** the owner's own, for a home that nobody has ever opened; a release before knows none */
  dotfiles: dotfiles.optional(),
  /** snapshots of its home; left out: none are made, and none is to be restored */
  snapshots: snapshotOrder.optional(),
});
export type WorkspaceOrder = z.infer<typeof workspaceOrder>;

export const toRunner = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('challenge'), nonce: z.string() }),
  /** after the proof; `orders` is all that the tenant wants of this runner: what is not listed must not run */
  z.object({ kind: z.literal('ready'), runnerId: z.string(), confirmed: z.boolean(), orders: z.array(workspaceOrder), hears }),
  z.object({ kind: z.literal('order'), order: workspaceOrder }),
  /** reports up to this number are stored; the runner may forget them */
  z.object({ kind: z.literal('stored'), report: z.number().int() }),
  /** what these connections read to their end is stored */
  z.object({ kind: z.literal('read-stored'), connectionIds: z.array(z.string()) }),
  /** bytes of build log stored for this workspace and generation */
  z.object({ kind: z.literal('logged'), workspaceId: z.string(), generation: z.number().int(), offset: z.number().int() }),
  z.object({ kind: z.literal('removed') }),
  /** somebody looks at what workspaces use: for the next minute it is told more often */
  z.object({ kind: z.literal('watch') }),
  /** a line for all terminals of a workspace */
  z.object({ kind: z.literal('notice'), workspaceId: z.string(), text: z.string().max(500) }),
]);
export type ToRunner = z.infer<typeof toRunner>;

export const workspaceReport = z.object({
  workspaceId: idSchema('workspace'),
  generation: z.number().int().min(1),
  phase: z.enum(['starting', 'running', 'stopping', 'stopped', 'failed', 'deleted']),
  /** what is being done, e.g. "Cloning the repository" */
  step: z.string().max(200).optional(),
  percent: z.number().int().min(0).max(100).optional(),
  /** phase `failed`: what failed, for a person to read */
  error: z.string().max(2000).optional(),
  exitCode: z.number().int().optional(),
  /** phase `failed`, or `stopped` where only the stop script failed; a release before says none, one of a later release counts as `failed` */
  reason: z.enum(FAILURES).optional().catch('failed'),
});
export type WorkspaceReport = z.infer<typeof workspaceReport>;

const counted = z.number().int().min(0);
/** What a workspace's way out let through or refused. `kind`s of a later release are not known here, and only ever added. */
export const egressHappening = z.discriminatedUnion('what', [
  /** refused, `count` times since it was last said */
  z.object({
    what: z.literal('refused'),
    host: z.string().max(300),
    port: z.number().int().nullable(),
    why: z.string().max(300),
    count: counted,
  }),
  /** what went to one host and came from it since it was last said */
  z.object({
    what: z.literal('used'),
    host: z.string().max(300),
    port: z.number().int(),
    connections: counted,
    sent: counted,
    received: counted,
  }),
  z.object({ what: z.literal('git-fetch'), repository: z.string().max(2100), asPerson: z.boolean(), status: z.number().int() }),
  z.object({
    what: z.literal('git-push'),
    repository: z.string().max(2100),
    asPerson: z.boolean(),
    status: z.number().int(),
    /** `old→new ref`; `more`: those beyond these */
    refs: z.array(z.string().max(400)).max(50),
    more: counted,
  }),
  z.object({
    what: z.literal('git-refused'),
    repository: z.string().max(2100),
    service: z.enum(['fetch', 'push', 'other']),
    why: z.string().max(300),
    count: counted,
  }),
]);
export type EgressHappening = z.infer<typeof egressHappening>;

export const happening = z.object({ workspaceId: idSchema('workspace'), egress: egressHappening });
export type Happening = z.infer<typeof happening>;

/** Bytes that a connection has read from its workspace: contents of files, output of terminals, names and all else. */
export const readVolume = z.object({ files: counted, terminals: counted, other: counted });
export type ReadVolume = z.infer<typeof readVolume>;
/** In all so far, so that a repetition counts nothing twice. `endedAt`: nothing follows. */
export const readReport = readVolume.extend({
  workspaceId: idSchema('workspace'),
  connectionId: idSchema('connection'),
  endedAt: z.iso.datetime().nullable(),
});
export type ReadReport = z.infer<typeof readReport>;

export const fromRunner = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('proof'),
    signature: z.string().max(200),
    version: z.string().max(50),
    platform: z.string().max(100),
    labels: z.record(z.string().max(63), z.string().max(63)),
    /** those that every release of the service knows: an older one refuses others */
    drivers: z.array(z.enum(['bubblewrap', 'process'])),
    /** further drivers, of which the service takes those that it knows; a release before had none */
    moreDrivers: z.array(z.string().max(40)).max(20).optional(),
    /** fields of the policy that it enforces; a release before did not say */
    enforces: z.array(z.string().max(40)).max(50).optional(),
    /** fields of a template's content that it understands; a release before did not say */
    understands: z.array(z.string().max(60)).max(100).optional(),
    hears,
    warnings: z.array(z.string().max(300)).max(20),
    /** what it really has on disk and running */
    inventory: z
      .array(z.object({ workspaceId: z.string(), generation: z.number().int(), phase: z.enum(['running', 'stopped']) }))
      .max(1000),
  }),
  /** numbered without gaps per runner and repeated until `stored` */
  z.object({ kind: z.literal('report'), report: z.number().int().min(1), time: z.iso.datetime(), body: workspaceReport }),
  /** something for the trail; numbered with the reports, and repeated like them */
  z.object({ kind: z.literal('happened'), report: z.number().int().min(1), time: z.iso.datetime(), body: happening }),
  /** only to a platform that hears it; those that have ended are repeated until `read-stored` */
  z.object({ kind: z.literal('read'), reports: z.array(readReport).min(1).max(100) }),
  /** build log, in UTF-8 bytes from `offset`; text at most 16 KiB */
  z.object({
    kind: z.literal('log'),
    workspaceId: idSchema('workspace'),
    generation: z.number().int(),
    offset: z.number().int().min(0),
    text: z.string().max(16384),
  }),
  z.object({
    kind: z.literal('load'),
    load1: z.number(),
    memoryFree: z.number(),
    memoryTotal: z.number(),
    diskFree: z.number(),
    running: z.number().int(),
    /** what an administrator should know now; a release before said it only in its proof */
    warnings: z.array(z.string().max(300)).max(20).optional(),
  }),
  usageTold,
]);
export type FromRunner = z.infer<typeof fromRunner>;
type Proof = Extract<FromRunner, { kind: 'proof' }>;

/** All drivers that a runner offers and this release knows. */
export const driversOf = ({ drivers, moreDrivers = [] }: Pick<Proof, 'drivers' | 'moreDrivers'>): TemplateSpec['driver'][] =>
  SANDBOX_DRIVERS.filter((driver) => [...drivers, ...moreDrivers].includes(driver));

/** The same drivers as a runner says them, so that a service of a release before takes the proof. */
export const saidDrivers = (offered: readonly TemplateSpec['driver'][]): Pick<Proof, 'drivers' | 'moreDrivers'> => ({
  drivers: offered.filter((driver) => driver !== 'container'),
  moreDrivers: offered.filter((driver) => driver === 'container'),
});

/** Object → browser, on the live log of one workspace (`GET /workspaces/:id/logs` as WebSocket). */
export const toWatcher = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('log'), generation: z.number().int(), offset: z.number().int(), text: z.string() }),
  z.object({
    kind: z.literal('state'),
    generation: z.number().int(),
    phase: z.enum(WORKSPACE_PHASES),
    step: z.string().nullable(),
    percent: z.number().nullable(),
    error: z.string().nullable(),
    /** a release before did not say */
    line: workspaceLine.nullable().optional(),
    failure: z
      .enum([...FAILURES, 'runner-removed'])
      .nullable()
      .default(null),
  }),
]);
export type ToWatcher = z.infer<typeof toWatcher>;
