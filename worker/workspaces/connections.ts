import { z } from 'zod';
import { AppError } from '@gatehouse/core/errors.ts';
import { ACCESS } from '@gatehouse/core/protocol/connection.ts';
import { SUBPROTOCOL } from '@gatehouse/core/protocol/frame.ts';
import { noteLapses, ofTicket, standingFrom, standingQuery } from '../access/standing.ts';
import { commit, eventOf } from '../platform/commit.ts';
import type { Context, RequestFacts, Services } from '../platform/context.ts';
import { parseCredential } from '../platform/credential.ts';
import type { LinkFacts, ViewerSocketFacts } from '../platform/socket-facts.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';
import type { RunnerContext } from './runners.ts';
import { findWorkspace } from './workspaces.store.ts';

const burned = z.object({
  connection_id: z.string(),
  session_id: z.string(),
  access: z.enum(ACCESS),
  key_thumbprint: z.string(),
  grant_id: z.string().nullable(),
  ends_at: z.string().nullable(),
  idle_minutes: z.number().nullable(),
  presence_until: z.string().nullable(),
  /** of a web app's one-time code */
  app: z.string().nullable(),
  app_port: z.number().nullable(),
});
const person = z.object({ id: z.string(), name: z.string(), email: z.string() });

/**
 * Burns the ticket of a socket that is being opened and says whose it is. What gave access may have been taken away since
 * the ticket was issued, so it is looked at again in the trip that burns it: a revocation either finds this connection or
 * comes before. A socket is no fetch: browsers open it from any site, so the origin is checked here.
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
  const { who, ticket, standing } = await burnTicket(db, credential.hash, workspaceId, services.now().toISOString());
  const workspace = await findWorkspace(db, workspaceId);
  const name = who.success ? who.data.name : 'Holder of a ticket';
  const ctx = { ...services, db, request, actor: { type: 'anonymous' as const, name } };
  const refused = { workspace, burnt: ticket.success ? ticket.data.connection_id : null };
  if (offer.origin !== services.settings.ORIGIN)
    return refuseTicket(ctx, refused, 'foreign-origin', 'The connection came from another site');
  if (!ticket.success || !who.success || !workspace) {
    return refuseTicket(ctx, refused, 'ticket-refused', 'The ticket was used, has expired, or is for another workspace');
  }
  if (!standing || standing.access !== ticket.data.access)
    return refuseTicket(ctx, refused, 'ticket-refused', 'Access was taken away after the ticket was given');
  return {
    kind: 'viewer',
    tenantId: db.tenantId,
    shard: db.shard,
    workspaceId,
    workspaceName: workspace.name,
    connectionId: ticket.data.connection_id,
    sessionId: ticket.data.session_id,
    user: who.data,
    access: ticket.data.access,
    grantId: ticket.data.grant_id,
    keyThumbprint: ticket.data.key_thumbprint,
    endsAt: ticket.data.ends_at,
    idleMinutes: ticket.data.idle_minutes,
    presenceUntil: ticket.data.presence_until,
    lapsesAt: standing.lapsesAt,
  };
}

/** One trip: whose the ticket is, whether that person may connect at this moment and until when, and then it goes. */
export async function burnTicket(db: TenantDb, hash: string, workspaceId: string, now: string) {
  const [who, , connections, roles, ticket] = await db.batch([
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
    noteLapses(db, ofTicket(hash), now),
    ...standingQuery(db, ofTicket(hash), now),
    statement(
      `DELETE FROM tickets WHERE tenant_id = ? AND ticket_hash = ? AND workspace_id = ? AND expires_at > ?
       RETURNING connection_id, session_id, access, key_thumbprint, grant_id, ends_at, idle_minutes, presence_until, app, app_port`,
      db.tenantId,
      hash,
      workspaceId,
      now,
    ),
  ]);
  const [standing] = standingFrom(connections, roles);
  return { who: person.safeParse(who?.rows[0]), ticket: burned.safeParse(ticket?.rows[0]), standing };
}

async function refuseTicket(
  ctx: Omit<Context, 'tenant'>,
  { workspace, burnt }: { workspace: { id: string; name: string } | undefined; burnt: string | null },
  code: 'ticket-refused' | 'foreign-origin',
  reason: string,
): Promise<never> {
  if (workspace) {
    const event = eventOf(ctx, {
      action: 'connection.join',
      resource: { type: 'connection', id: null, name: workspace.name },
      ...{ outcome: 'denied', status: 403, reason, workspaceId: workspace.id },
    });
    const end = 'UPDATE connections SET ended_at = ? WHERE tenant_id = ? AND id = ?';
    const changes = burnt === null ? [] : [statement(end, ctx.now().toISOString(), ctx.db.tenantId, burnt)];
    await commit(ctx, { changes, events: [event] });
  }
  throw new AppError(code, reason);
}

/**
 * Facts of a runner's data socket: the workspace must be its own and wanted running.
 * @param version the protocol's, to be echoed; null to a runner that named none
 */
export async function linkFactsFor(ctx: RunnerContext, workspaceId: string, version: string | null): Promise<LinkFacts> {
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
    version,
  };
}
