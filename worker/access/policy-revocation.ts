import { z } from 'zod';
import { appRefusal } from '@gatehouse/core/access/app-access.ts';
import { inNetworks } from '@gatehouse/core/access/networks.ts';
import { presenceUntil } from '@gatehouse/core/access/policy.ts';
import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';
import { policiesFrom, policiesOf, policyQuery } from '../directory/policies.ts';
import type { ConnectionBounds, Services } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const open = z.object({
  id: z.string(),
  workspace_id: z.string(),
  template_id: z.string(),
  ip: z.string().nullable(),
  key_thumbprint: z.string().nullable(),
  session_key: z.string().nullable(),
  began_at: z.string(),
  expires_at: z.string(),
  presence_at: z.string().nullable(),
  app: z.string().nullable(),
  app_named: z.number(),
  app_shared: z.number(),
});
type Open = z.infer<typeof open>;

/**
 * Open connections that the policy would not let in now, and the bounds of those that stay.
 * @param users JSON array of ids; null: of everybody
 */
export async function reviewPolicy(
  services: Pick<Services, 'settings'>,
  db: TenantDb,
  users: string | null,
  now: Date,
): Promise<{ lost: Array<{ workspaceId: string; connectionId: string }>; kept: ConnectionBounds[] }> {
  const [found, set] = await db.batch([openConnections(db.tenantId, users), policyQuery(db.tenantId, null)]);
  const stored = policiesFrom(set?.rows ?? []);
  const reviewed = (found?.rows ?? []).map((each) => {
    const connection = open.parse(each);
    const { policy } = policiesOf(services.settings.policy, stored, connection.template_id);
    const { endsAt } = boundsOf(connection, policy);
    const names = { workspaceId: connection.workspace_id, connectionId: connection.id };
    const bounds = { endsAt, idleMinutes: policy.idleTimeout, presenceUntil: presenceUntil(connection.presence_at, policy) };
    return { ...names, ...bounds, lost: endsAt <= now.toISOString() || !fits(connection, policy) };
  });
  return {
    lost: reviewed.filter(({ lost }) => lost).map(({ workspaceId, connectionId }) => ({ workspaceId, connectionId })),
    kept: reviewed.filter(({ lost }) => !lost).map(({ lost: _lost, ...bounds }) => bounds),
  };
}

function fits(connection: Open, policy: Policy): boolean {
  const { ip, key_thumbprint: key, session_key: sessionKey, app, app_named: named, app_shared: shared } = connection;
  // Whether the template shares it was looked at when it was opened, and is again when its workspace starts anew.
  if (app !== null && appRefusal(policy, { mine: shared === 0, app: named === 1 ? { share: 'tenant' } : null }) !== null) return false;
  if (policy.allowedNetworks !== null && !inNetworks(ip, policy.allowedNetworks)) return false;
  // Without a key of its own it was opened by the release before.
  return policy.browserOnly === 'off' || (sessionKey !== null && (key === null || key === sessionKey));
}

function boundsOf({ began_at, expires_at }: Open, policy: Policy): { endsAt: string } {
  const limit = new Date(Date.parse(began_at) + policy.sessionLimit * 60_000).toISOString();
  return { endsAt: limit < expires_at ? limit : expires_at };
}

const openConnections = (tenantId: string, users: string | null): Statement =>
  statement(
    `SELECT c.id, c.workspace_id, c.ip, c.key_thumbprint, c.app, c.app_named, c.app_shared, w.template_id, s.key_thumbprint AS session_key, s.created_at AS began_at, s.expires_at,
       s.presence_at
     FROM connections c
     JOIN workspaces w ON w.tenant_id = ?1 AND w.id = c.workspace_id
     JOIN sessions s ON s.tenant_id = ?1 AND s.id = c.session_id
     WHERE c.tenant_id = ?1 AND c.ended_at IS NULL AND (?2 IS NULL OR c.user_id IN (SELECT value FROM json_each(?2)))`,
    tenantId,
    users,
  );
