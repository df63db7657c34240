import { z } from 'zod';
import { atLeast } from '@gatehouse/core/access/template-acl.ts';
import type { Attachment } from '@gatehouse/core/api/workspaces.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import { roleOf } from '../access/template-access.ts';
import { commit, eventOf, onGuard, record, refuse } from '../platform/commit.ts';
import type { Context, RequestFacts, Services, UserContext } from '../platform/context.ts';
import { mintCredential, parseCredential } from '../platform/credential.ts';
import type { LinkFacts, ViewerSocketFacts } from '../platform/socket-facts.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';
import { signGrant } from './runner-keys.ts';
import type { RunnerContext } from './runners.ts';
import { findTemplate } from './templates.store.ts';
import { readWorkspace } from './workspaces.ts';
import { findWorkspace } from './workspaces.store.ts';

/** Seconds within which a ticket opens its socket. */
const TICKET_SECONDS = 30;

/**
 * Lets the caller's page connect to a workspace: a single-use ticket for the broker, a signed grant for
 * the runner. The connection stands in the audit log before access is given.
 */
export async function attach(ctx: UserContext, id: string, fetchSite: string | undefined): Promise<Attachment> {
  const workspace = await readWorkspace(ctx, id);
  const facts = { action: 'connection.open' as const, resource: { type: 'connection' as const, id: null, name: workspace.name } };
  if (fetchSite !== 'same-origin') {
    await record(ctx, { ...facts, outcome: 'denied', status: 403, reason: 'Not from Gatehouse’s own page', workspaceId: id });
    throw new AppError('browser-only', 'A workspace opens only from Gatehouse’s own page in a browser');
  }
  if (workspace.owner_id !== ctx.actor.id) return refuse(ctx, facts, 'Only its owner connects to a workspace');
  const template = await findTemplate(ctx, workspace.template_id);
  if (!atLeast(template ? roleOf(ctx, template.rank) : null, 'use'))
    return refuse(ctx, facts, `This needs the role “use” on template ${workspace.template_name}`);
  if (workspace.phase !== 'running') throw new AppError('not-ready', `The workspace is ${workspace.phase}`);
  if (workspace.runner_online !== 1) throw new AppError('not-ready', `The runner ${workspace.runner_name} is away`);

  const connectionId = ctx.newId('connection');
  const ticket = await mintCredential('ticket', ctx.db, ctx.random);
  const now = ctx.now();
  const expiresAt = new Date(now.getTime() + TICKET_SECONDS * 1000).toISOString();
  const tenantId = ctx.db.tenantId;
  const open = statement(
    'INSERT INTO connections (tenant_id, id, workspace_id, user_id, session_id, opened_at) VALUES (?, ?, ?, ?, ?, ?)',
    tenantId,
    connectionId,
    id,
    ctx.actor.id,
    ctx.actor.sessionId,
    now.toISOString(),
  );
  const issue = statement(
    'INSERT INTO tickets (tenant_id, ticket_hash, connection_id, workspace_id, user_id, session_id, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    tenantId,
    ticket.hash,
    connectionId,
    id,
    ctx.actor.id,
    ctx.actor.sessionId,
    expiresAt,
  );
  const used = statement('UPDATE workspaces SET last_used_at = ? WHERE tenant_id = ? AND id = ?', now.toISOString(), tenantId, id);
  const clean = statement('DELETE FROM tickets WHERE tenant_id = ? AND expires_at < ?', tenantId, now.toISOString());
  const event = eventOf(ctx, { ...facts, resource: { ...facts.resource, id: connectionId }, status: 200, workspaceId: id });
  await commit(ctx, { changes: [open, issue, used, clean], events: [event] });
  const grant = await signGrant(ctx, { runnerId: workspace.runner_id, userId: ctx.actor.id, connectionId, workspaceId: id });
  return {
    connectionId,
    ticket: ticket.text,
    grant,
    expiresAt,
    runner: { id: workspace.runner_id, name: workspace.runner_name, fingerprint: workspace.runner_fingerprint },
  };
}

const burned = z.object({ connection_id: z.string(), session_id: z.string() });
const person = z.object({ id: z.string(), name: z.string(), email: z.string() });

/**
 * Burns the ticket of a socket that is being opened and says whose it is. A socket is no fetch: browsers
 * open it from any site, so the origin is checked here.
 * @throws AppError `ticket-refused`, `foreign-origin`; a refusal on a known workspace is an event
 */
export async function redeemTicket(
  services: Services,
  request: RequestFacts,
  workspaceId: string,
  offer: { protocols: string | undefined; origin: string | undefined },
): Promise<ViewerSocketFacts> {
  const offered = (offer.protocols ?? '').split(',').map((each) => each.trim());
  const text = offered.find((each) => each.startsWith('ticket.'))?.slice('ticket.'.length);
  const credential = offered.includes(SUBPROTOCOL) && text !== undefined ? await parseCredential('ticket', text) : null;
  if (!credential) throw new AppError('ticket-refused', `Offer the subprotocols ${SUBPROTOCOL} and ticket.<ticket>`);
  const db = services.tenantDb(credential.shard, credential.tenantId);
  const [who, ticket] = await burnTicket(db, credential.hash, workspaceId, services.now().toISOString());
  const workspace = await findWorkspace(db, workspaceId);
  const name = who.success ? who.data.name : 'Holder of a ticket';
  const ctx = { ...services, db, request, actor: { type: 'anonymous' as const, name } };
  if (offer.origin !== services.settings.ORIGIN)
    return refuseTicket(ctx, workspace, 'foreign-origin', 'The connection came from another site');
  if (!ticket.success || !who.success || !workspace) {
    return refuseTicket(ctx, workspace, 'ticket-refused', 'The ticket was used, has expired, or is for another workspace');
  }
  return {
    kind: 'viewer',
    tenantId: db.tenantId,
    shard: db.shard,
    workspaceId,
    workspaceName: workspace.name,
    connectionId: ticket.data.connection_id,
    sessionId: ticket.data.session_id,
    user: who.data,
  };
}

/** One trip: whose the ticket is, session and person still good at this moment, and then it goes. */
async function burnTicket(db: TenantDb, hash: string, workspaceId: string, now: string) {
  const [who, ticket] = await db.batch([
    statement(
      `SELECT u.id, u.name, u.email FROM tickets k
       JOIN sessions s ON s.tenant_id = ?1 AND s.id = k.session_id AND s.expires_at > ?4
       JOIN users u ON u.tenant_id = ?1 AND u.id = k.user_id AND u.state = 'active'
       JOIN tenants t ON t.tenant_id = ?1 AND t.state = 'active'
       WHERE k.tenant_id = ?1 AND k.ticket_hash = ?2 AND k.workspace_id = ?3`,
      db.tenantId,
      hash,
      workspaceId,
      now,
    ),
    statement(
      'DELETE FROM tickets WHERE tenant_id = ? AND ticket_hash = ? AND workspace_id = ? AND expires_at > ? RETURNING connection_id, session_id',
      db.tenantId,
      hash,
      workspaceId,
      now,
    ),
  ]);
  return [person.safeParse(who?.rows[0]), burned.safeParse(ticket?.rows[0])] as const;
}

async function refuseTicket(
  ctx: Omit<Context, 'tenant'>,
  workspace: { id: string; name: string } | undefined,
  code: 'ticket-refused' | 'foreign-origin',
  reason: string,
): Promise<never> {
  if (workspace) {
    await record(ctx, {
      action: 'connection.join',
      resource: { type: 'connection', id: null, name: workspace.name },
      outcome: 'denied',
      status: 403,
      reason,
      workspaceId: workspace.id,
    });
  }
  throw new AppError(code, reason);
}

/** Facts of a runner's data socket: the workspace must be its own and wanted running. */
export async function linkFactsFor(ctx: RunnerContext, workspaceId: string): Promise<LinkFacts> {
  const workspace = await findWorkspace(ctx.db, workspaceId);
  if (!workspace || workspace.runner_id !== ctx.actor.id) throw new AppError('not-found', 'There is no such workspace');
  if (workspace.desired !== 'running') throw new AppError('not-ready', 'The workspace is not wanted running');
  return {
    kind: 'link',
    tenantId: ctx.db.tenantId,
    shard: ctx.db.shard,
    workspaceId,
    runnerId: ctx.actor.id,
    identityKey: ctx.identityKey,
  };
}

/** A connection that has ended, as its object counted it. */
export interface EndedConnection {
  connectionId: string;
  workspaceId: string;
  workspaceName: string;
  sessionId: string;
  user: ViewerSocketFacts['user'];
  endedAt: string;
  seconds: number;
  bytesIn: number;
  bytesOut: number;
  reason: string;
}

/** Records the end of a connection once, however often it is told. */
export async function endConnection(ctx: Omit<Context, 'tenant'>, ended: EndedConnection): Promise<void> {
  const guard = statement(
    'UPDATE connections SET ended_at = ? WHERE tenant_id = ? AND id = ? AND ended_at IS NULL',
    ended.endedAt,
    ctx.db.tenantId,
    ended.connectionId,
  );
  const event = eventOf(ctx, {
    action: 'connection.end',
    resource: { type: 'connection', id: ended.connectionId, name: ended.workspaceName },
    workspaceId: ended.workspaceId,
    sessionId: ended.sessionId,
    actor: { type: 'user', ...ended.user, via: 'connection' },
    reason: ended.reason,
    details: { seconds: ended.seconds, bytesIn: ended.bytesIn, bytesOut: ended.bytesOut },
  });
  await onGuard(commit(ctx, { guard, events: [event] }), () => new AppError('conflict', 'ended already')).catch((error: unknown) => {
    if (!(error instanceof AppError)) throw error;
  });
}
