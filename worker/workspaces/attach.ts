import { calculateJwkThumbprint } from 'jose';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import type { TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { BrowserKey, ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { readPolicies } from '../directory/policies.ts';
import { refuse, requireSession } from '../platform/commit.ts';
import type { SessionContext, UserContext } from '../platform/context.ts';
import { countAttempt } from '../platform/throttle.ts';
import { boundsOf, requirePolicy, type ConnectFacts } from './connect-policy.ts';
import { openConnection } from './connection-open.ts';
import { signGrant } from './runner-keys.ts';
import { findRotations } from './runner-rotation.ts';
import type { WorkspaceRow } from './workspaces.store.ts';
import { accessOf, readWorkspace } from './workspaces.ts';

/** Of one person to one workspace: a page that has lost its connection asks once per dial. */
const ATTACH_RULE = { limit: 60, windowSeconds: 60 };

/**
 * Lets the caller's page connect to a workspace: a single-use ticket for the broker, a signed grant for
 * the runner, both for the key that the page made. The connection stands in the audit log before access is given.
 * @throws AppError `not-found`, `rate-limited`, `browser-only`, `network-refused`, `presence-required`, `permission-denied`, `not-ready`
 */
export async function attach(asking: UserContext, id: string, key: BrowserKey, fetchSite: string | undefined): Promise<Attachment> {
  const ctx = await requireSession(asking, {
    action: 'connection.open',
    resource: { type: 'connection', id: null, name: id },
    workspaceId: id,
  });
  const workspace = await readWorkspace(ctx, id);
  const resource = { type: 'connection' as const, id: null, name: workspace.name };
  const facts = { action: 'connection.open' as const, resource, workspaceId: id };
  await countAttempt(ctx, `attach:${ctx.actor.id}:${id}`, ATTACH_RULE, facts);
  const [{ policy }, { role, grantId }, keyThumbprint] = await Promise.all([
    readPolicies(ctx, ctx.db, workspace.template_id),
    accessOf(ctx, workspace),
    calculateJwkThumbprint(key, 'sha256'),
  ]);
  await requirePolicy(ctx, facts, policy, { keyThumbprint, fetchSite });
  const access = await requireAccess(ctx, facts, workspace, role);
  const connection = { id: ctx.newId('connection'), workspaceId: id, access, keyThumbprint, grantId, ...boundsOf(ctx, policy) };
  const { ticket, expiresAt } = await openConnection(
    ctx,
    { ...connection, app: null },
    {
      ...facts,
      resource: { ...resource, id: connection.id },
      details: { access, keyThumbprint },
      grantId,
    },
  );
  return {
    connectionId: connection.id,
    ticket,
    grant: await signGrant(ctx, { connection, runnerId: workspace.runner_id, user: ctx.actor }),
    expiresAt,
    access,
    policy,
    runner: {
      id: workspace.runner_id,
      name: workspace.runner_name,
      fingerprint: workspace.runner_fingerprint,
      identityKey: workspace.runner_identity_key,
      agreementKey: workspace.runner_agreement_key,
      rotations: await findRotations(ctx.db, workspace.runner_id),
    },
  };
}

async function requireAccess(
  ctx: SessionContext,
  facts: ConnectFacts,
  workspace: WorkspaceRow,
  role: TemplateRole | null,
): Promise<ViewerAccess> {
  const mine = workspace.owner_id === ctx.actor.id;
  const access = connectAccess(mine, role);
  if (access === null)
    return refuse(
      ctx,
      facts,
      mine
        ? `This needs the role “use” on template ${workspace.template_name}`
        : `Joining somebody else’s workspace needs the role “admin” on template ${workspace.template_name}`,
    );
  if (workspace.phase !== 'running') throw new AppError('not-ready', `The workspace is ${workspace.phase}`);
  if (workspace.runner_online !== 1) throw new AppError('not-ready', `The runner ${workspace.runner_name} is away`);
  return access;
}
