import { z } from 'zod';
import { policy } from './policy-in-force.ts';
import { idSchema } from '../ids.ts';
import { ACCESS, browserKey } from '../protocol/connection.ts';
import { toldRotation } from '../protocol/runner-rotation.ts';
import { FAILURES, WORKSPACE_PHASES, workspaceLine } from '../protocol/workspace-phases.ts';
import { listOf, publicKey, time } from './common.ts';
import { APP_ICONS, APP_SHARES } from './template-apps.ts';
import { parameterValues } from './parameter-values.ts';
import { versionState } from './version-state.ts';
import { workspaceState } from './workspace-states.ts';

export const workspaceName = z
  .string()
  .trim()
  .toLowerCase()
  .regex(/^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$/, 'must have 2 to 40 small letters, digits or hyphens');

export const workspaceCreate = z.object({
  templateId: idSchema('template'),
  name: workspaceName,
  /** left out: the confirmed, connected runner with the fewest workspaces that offers the template's driver */
  runnerId: idSchema('runner').optional(),
  /** left out: the newest published version. A draft is for administrators of the template */
  versionId: idSchema('templateVersion').optional(),
  parameters: parameterValues.default({}),
});

/** Where a workspace can go: the template's newest version, or the one that is required. */
export const workspaceUpdateTo = z.object({
  versionId: idSchema('templateVersion'),
  number: z.number().int(),
  /** from when on it starts as that, whether it is updated or not */
  requiredFrom: time.nullable(),
});

/**
 * A web app that a template names. `label` stands for it in addresses; `kept`: the workspace keeps its program running;
 * `share`: who may open it now, by template and policy.
 */
export const workspaceApp = z.object({
  label: z.string(),
  name: z.string(),
  port: z.number().int(),
  icon: z.enum(APP_ICONS),
  kept: z.boolean(),
  share: z.enum(APP_SHARES),
});

export const workspace = z.object({
  id: idSchema('workspace'),
  name: z.string(),
  owner: z.object({ id: idSchema('user'), name: z.string() }),
  template: z.object({
    id: idSchema('template'),
    name: z.string(),
    version: z.number().int(),
    versionId: idSchema('templateVersion'),
    state: versionState,
  }),
  /** null: it has the newest version */
  update: workspaceUpdateTo.nullable(),
  parameters: parameterValues,
  /** digest of the root file system that its programs come from; null: the runner's machine */
  rootfs: z.string().nullable(),
  /** the image that its container is made from; null: it is none */
  image: z.string().nullable(),
  runner: z.object({
    ...{ id: idSchema('runner'), name: z.string(), online: z.boolean() },
    /** nothing starts there; `until`: then what runs is stopped */
    drain: z.object({ until: time.nullable() }).nullable(),
    /** it was shut out, or taken out of the organisation; what it had is on its machine */
    revoked: z.boolean(),
    removed: z.boolean(),
    lastSeenAt: time.nullable(),
  }),
  /** where it stands in line before its runner, which is full; null: it does not wait for a place */
  line: workspaceLine.nullable(),
  desired: z.enum(['running', 'stopped', 'deleted']),
  phase: z.enum(WORKSPACE_PHASES),
  generation: z.number().int(),
  step: z.string().nullable(),
  percent: z.number().nullable(),
  error: z.string().nullable(),
  /** why it failed, for programs */
  failure: z.enum([...FAILURES, 'runner-removed']).nullable(),
  /** when its phase or step last changed */
  changedAt: time.nullable(),
  /** it was deleted then, and can be restored until then */
  trash: z.object({ at: time, until: time }).nullable(),
  /** what all this comes to, in words, and what the caller can do */
  state: workspaceState,
  createdAt: time,
  lastUsedAt: time.nullable(),
  mine: z.boolean(),
  /** web apps of its template that the caller may open; the policy may leave none */
  apps: z.array(workspaceApp),
});
export type Workspace = z.infer<typeof workspace>;
export const workspaceList = listOf(workspace);

export const workspaceRename = z.object({ name: workspaceName });
/** `name` left out: the one that it has */
export const workspaceTransfer = z.object({ userId: idSchema('user'), name: workspaceName.optional() });
/** `name` left out: the one that it had */
export const workspaceRestore = z.object({ name: workspaceName.optional() });

/** `key`: public half of the key that this page made and keeps; ticket and grant are for it alone */
export const attach = z.object({ key: browserKey });

/** `websocket` subprotocols: `gatehouse.v1` and `ticket.<ticket>`; the grant is for the runner. */
export const attachment = z.object({
  connectionId: idSchema('connection'),
  ticket: z.string(),
  grant: z.string(),
  expiresAt: time,
  access: z.enum(ACCESS),
  /** in force for this connection */
  policy,
  /** raw public keys, so that the page makes out the fingerprint itself: SHA-256 over both, identity first */
  runner: z.object({
    id: idSchema('runner'),
    name: z.string(),
    fingerprint: z.string(),
    identityKey: publicKey,
    agreementKey: publicKey,
    /** signed changes of its keys, so that a page which remembers earlier ones knows these */
    rotations: z.array(toldRotation).default([]),
  }),
});
export type Attachment = z.infer<typeof attachment>;

export const workspaceLogs = z.object({ generation: z.number().int(), offset: z.number().int(), text: z.string(), truncated: z.boolean() });
