import { appRefusal } from '@gatehouse/core/access/app-access.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import type { AppOpened } from '@gatehouse/core/api/apps.ts';
import { findApp, type TemplateApp } from '@gatehouse/core/api/template-apps.ts';
import { appHost, portOfLabel } from '@gatehouse/core/apps/host.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { ViewerAccess } from '@gatehouse/core/protocol/connection.ts';
import { readPolicies } from '../directory/policies.ts';
import { refuseByPolicy } from '../directory/policy-refusals.ts';
import { refuse, requireSession } from '../platform/commit.ts';
import type { SessionContext, UserContext } from '../platform/context.ts';
import { countAttempt } from '../platform/throttle.ts';
import { boundsOf, requirePolicy, type ConnectFacts } from './connect-policy.ts';
import { openConnection } from './connection-open.ts';
import { findWorkspace, type WorkspaceRow } from './workspaces.store.ts';
import { accessOf } from './workspaces.ts';

/** Of one person to one workspace: a page that was sent back asks once per load. */
const OPEN_RULE = { limit: 60, windowSeconds: 60 };

/** Where a page enters an app with its code, on the app's own host. */
export const ENTER_PATH = '/.gatehouse/enter';
export const appOrigin = (ours: string, host: string): string => `${new URL(ours).protocol}//${host}`;

interface Asked {
  label: string;
  port: number;
  /** as the template names it */
  app: TemplateApp | null;
}

/**
 * Lets the caller's browser into a web app or port of a workspace: a one-time code for the app's own host. It stands in the
 * audit log before access is given.
 * @throws AppError `not-found`, `rate-limited`, `browser-only`, `network-refused`, `presence-required`, `permission-denied`, `not-ready`
 */
export async function openApp(asking: UserContext, id: string, label: string, fetchSite: string | undefined): Promise<AppOpened> {
  const named = { type: 'connection' as const, id: null, name: `${id}: ${label}` };
  const ctx = await requireSession(asking, { action: 'app.open', resource: named, workspaceId: id });
  const domain = ctx.settings.APPS_DOMAIN;
  if (domain === null) throw new AppError('not-ready', 'This deployment has no domain for web apps: its operator sets APPS_DOMAIN');
  const workspace = await findWorkspace(ctx.db, id);
  if (!workspace) throw new AppError('not-found', 'There is no such workspace');
  const asked = whatIs(workspace, label);
  const resource = { ...named, name: `${workspace.name}: ${asked?.app?.name ?? label}` };
  const facts = { action: asked?.app === null ? ('port.open' as const) : ('app.open' as const), resource, workspaceId: id };
  await countAttempt(ctx, `app:${ctx.actor.id}:${id}`, OPEN_RULE, facts);
  const [{ policy }, { role, grantId }] = await Promise.all([readPolicies(ctx, ctx.db, workspace.template_id), accessOf(ctx, workspace)]);
  const mine = workspace.owner_id === ctx.actor.id;
  const own = mine ? connectAccess(true, role) : null;
  const shared = !mine && asked?.app?.share === 'tenant' && policy.ports === 'tenant';
  // To whom nothing here is open, the workspace is not there, unless they see it anyway.
  if (!mine && !shared && !seesIt(ctx, role)) throw new AppError('not-found', 'There is no such workspace');
  if (asked === null) throw new AppError('not-found', 'The workspace has no app of that name');
  const thumbprint = ctx.request?.proof?.good ? ctx.request.proof.thumbprint : (ctx.actor.keyThumbprint ?? '');
  await requirePolicy(ctx, facts, policy, { keyThumbprint: thumbprint, fetchSite });
  const refused = appRefusal(policy, { mine, app: asked.app });
  if (refused !== null) await refuseByPolicy(ctx, facts, { field: 'ports', code: 'permission-denied', reason: refused });
  const access = await requireAccess(ctx, facts, workspace, own ?? (shared ? 'join' : null));
  const connection = { id: ctx.newId('connection'), workspaceId: id, access, keyThumbprint: thumbprint, grantId, ...boundsOf(ctx, policy) };
  const { ticket, expiresAt } = await openConnection(
    ctx,
    { ...connection, app: { label, port: asked.port, named: asked.app !== null, shared: !mine } },
    { ...facts, resource: { ...resource, id: connection.id }, details: { app: label, port: asked.port, shared: !mine }, grantId },
  );
  const address = appOrigin(ctx.settings.ORIGIN, appHost({ label, workspaceId: id }, domain));
  return { connectionId: connection.id, url: `${address}${ENTER_PATH}#${ticket}`, address: `${address}/`, expiresAt };
}

const seesIt = (ctx: SessionContext, role: Parameters<typeof connectAccess>[1]): boolean =>
  ctx.actor.permissions.has('workspace:read-all') || connectAccess(false, role) !== null;

/** What a label stands for: an app that the template names, or a port. A port that an app has is that app. */
function whatIs({ spec }: WorkspaceRow, label: string): Asked | null {
  const app = findApp(spec.apps, label);
  if (app) return { label, port: app.port, app };
  const port = portOfLabel(label);
  return port === null ? null : { label, port, app: spec.apps.find((each) => each.port === port) ?? null };
}

async function requireAccess(
  ctx: SessionContext,
  facts: ConnectFacts,
  workspace: WorkspaceRow,
  access: ViewerAccess | null,
): Promise<ViewerAccess> {
  if (access === null) return refuse(ctx, facts, `This needs the role “use” on template ${workspace.template_name}`);
  if (workspace.phase !== 'running') throw new AppError('not-ready', `The workspace is ${workspace.phase}`);
  if (workspace.runner_online !== 1) throw new AppError('not-ready', `The runner ${workspace.runner_name} is away`);
  return access;
}
