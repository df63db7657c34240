import type { AppPlace } from '@gatehouse/core/apps/host.ts';
import { findApp } from '@gatehouse/core/api/template-apps.ts';
import { readPolicies } from '../directory/policies.ts';
import { commit, eventOf } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { locateCredential, mintCredential } from '../platform/credential.ts';
import type { AppFacts } from '../platform/socket-facts.ts';
import { statement, type TenantDb } from '../platform/tenant-db.ts';
import { burnTicket } from './connections.ts';
import { findWorkspace, type WorkspaceRow } from './workspaces.store.ts';

const REFUSED = 'The code was used, has expired, or is for another app';

/**
 * Exchanges a one-time code for a session of the app. What gave access may have been taken away since the code was given, so
 * it is looked at again in the trip that burns it; a revocation that comes later finds the connection.
 * @returns the credential for the cookie; null when it is refused, which on a known workspace is an event
 */
export async function enterApp(services: Services, request: RequestFacts, place: AppPlace, code: string): Promise<string | null> {
  const located = await locateCredential(services, 'appCode', code);
  if (!located) return null;
  const { db, hash } = located;
  const { who, ticket, standing } = await burnTicket(db, hash, place.workspaceId, services.now().toISOString());
  const workspace = await findWorkspace(db, place.workspaceId);
  const right = ticket.success && who.success && ticket.data.app === place.label && standing?.access === ticket.data.access;
  if (!workspace || !right || ticket.data.app_port === null) {
    const name = who.success ? who.data.name : 'Holder of a code';
    if (workspace) await recordRefusal(services, request, { db, workspace, place, name, burnt: ticket.data?.connection_id ?? null });
    return null;
  }
  const { policy } = await readPolicies(services, db, workspace.template_id);
  const port = ticket.data.app_port;
  const app = findApp(workspace.spec.apps, place.label) ?? workspace.spec.apps.find((each) => each.port === port);
  const facts: AppFacts = {
    kind: 'app',
    ...{ tenantId: db.tenantId, shard: db.shard, workspaceId: workspace.id, workspaceName: workspace.name },
    ...{ connectionId: ticket.data.connection_id, sessionId: ticket.data.session_id, user: who.data, grantId: ticket.data.grant_id },
    keyThumbprint: ticket.data.key_thumbprint,
    ...{ endsAt: ticket.data.ends_at, idleMinutes: ticket.data.idle_minutes, presenceUntil: ticket.data.presence_until },
    lapsesAt: standing.lapsesAt,
    ...{ label: place.label, name: app?.name ?? place.label, port, named: app !== undefined, networks: policy.allowedNetworks },
  };
  const credential = await mintCredential('app', db, services.random);
  const refusal = await services.workspaces.enterApp(facts, credential.hash);
  return refusal === null ? credential.text : null;
}

async function recordRefusal(
  services: Services,
  request: RequestFacts,
  refused: { db: TenantDb; workspace: WorkspaceRow; place: AppPlace; name: string; burnt: string | null },
): Promise<void> {
  const { db, workspace, place, name, burnt } = refused;
  const ctx = { ...services, db, request, actor: { type: 'anonymous' as const, name } };
  const event = eventOf(ctx, {
    action: 'app.open',
    resource: { type: 'connection', id: burnt, name: `${workspace.name}: ${place.label}` },
    ...{ outcome: 'denied', status: 403, reason: REFUSED, workspaceId: workspace.id },
  });
  const end = 'UPDATE connections SET ended_at = ? WHERE tenant_id = ? AND id = ?';
  const changes = burnt === null ? [] : [statement(end, services.now().toISOString(), db.tenantId, burnt)];
  await commit(ctx, { changes, events: [event] });
}
