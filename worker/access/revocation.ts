import { z } from 'zod';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import { permissionsOf } from '@gatehouse/core/access/permissions.ts';
import { TEMPLATE_ROLES } from '@gatehouse/core/access/template-acl.ts';
import { NO_ROLES, rolesByUser, rolesOf } from '../directory/roles.ts';
import type { Services } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { reviewPolicy } from './policy-revocation.ts';

const task = z.object({ users: z.string().nullable(), cause: z.string() });
const open = z.object({
  id: z.string(),
  workspace_id: z.string(),
  user_id: z.string(),
  mine: z.number(),
  /** 0 when session or person is not good any more */
  alive: z.number(),
  rank: z.number(),
});

/** Closes every open connection that the people concerned could not open now. */
export async function runRevocation(services: Services, shard: string, tenantId: string, taskId: string): Promise<void> {
  const db = services.tenantDb(shard, tenantId);
  const found = task.safeParse(await db.first('SELECT users, cause FROM revocations WHERE tenant_id = ? AND id = ?', tenantId, taskId));
  if (!found.success) return;
  const { users, cause } = found.data;
  const now = services.now().toISOString();
  const policy = await reviewPolicy(services, db, users, services.now());
  const lost = [...(await lostConnections(db, users, now)), ...policy.lost];
  const ids = JSON.stringify(lost.map(({ connectionId }) => connectionId));
  const among = 'IN (SELECT value FROM json_each(?))';
  // First the tickets: one that is on its way must not open what is closed here.
  await db.batch([statement(`DELETE FROM tickets WHERE tenant_id = ? AND connection_id ${among}`, tenantId, ids)]);
  await services.workspaces.closeConnections(shard, lost, cause);
  await services.workspaces.boundConnections(shard, policy.kept);
  await db.batch([
    statement(`UPDATE connections SET ended_at = ? WHERE tenant_id = ? AND ended_at IS NULL AND id ${among}`, now, tenantId, ids),
    // Kept for the people concerned, also where the object told the end first.
    statement(`UPDATE connections SET ended_cause = ? WHERE tenant_id = ? AND id ${among}`, cause, tenantId, ids),
    statement('DELETE FROM revocations WHERE tenant_id = ? AND id = ?', tenantId, taskId),
  ]);
}

/** @param users JSON array of ids; null: of everybody */
async function lostConnections(
  db: TenantDb,
  users: string | null,
  now: string,
): Promise<Array<{ workspaceId: string; connectionId: string }>> {
  const [connections, given] = await db.batch([
    openConnections(db.tenantId, users, now),
    rolesOf(db.tenantId, connectedUsers(db.tenantId, users), now),
  ]);
  const roles = rolesByUser(given?.rows ?? []);
  return (connections?.rows ?? [])
    .map((row) => open.parse(row))
    .filter(({ user_id, mine, alive, rank }) => {
      const held = roles.get(user_id) ?? NO_ROLES;
      const adminOfAll = permissionsOf(held.roles, held.customRoles).has('template:admin');
      return alive === 0 || connectAccess(mine === 1, adminOfAll ? 'admin' : (TEMPLATE_ROLES[rank - 1] ?? null)) === null;
    })
    .map(({ id, workspace_id }) => ({ workspaceId: workspace_id, connectionId: id }));
}

const CONCERNED = '(? IS NULL OR c.user_id IN (SELECT value FROM json_each(?)))';

const connectedUsers = (tenantId: string, users: string | null): Statement =>
  statement(`SELECT c.user_id FROM connections c WHERE c.tenant_id = ? AND c.ended_at IS NULL AND ${CONCERNED}`, tenantId, users, users);

/** Each open connection with the rank (0 nothing to 3 admin) that its person has on the workspace's template. */
function openConnections(tenantId: string, users: string | null, now: string): Statement {
  return statement(
    `WITH RECURSIVE subject (user_id, type, id) AS (
       SELECT DISTINCT c.user_id, 'user', c.user_id FROM connections c
       WHERE c.tenant_id = ?1 AND c.ended_at IS NULL AND (?2 IS NULL OR c.user_id IN (SELECT value FROM json_each(?2)))
       UNION
       SELECT subject.user_id, 'group', m.group_id FROM subject
       JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = subject.type AND m.member_id = subject.id
     )
     SELECT c.id, c.workspace_id, c.user_id, w.owner_id = c.user_id AS mine,
       EXISTS (SELECT 1 FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.user_id
         WHERE s.tenant_id = ?1 AND s.id = c.session_id AND s.expires_at > ?3 AND u.state = 'active') AS alive,
       coalesce((SELECT max(CASE a.role WHEN 'view' THEN 1 WHEN 'use' THEN 2 ELSE 3 END) FROM template_acl a
         WHERE a.tenant_id = ?1 AND a.template_id = t.id AND (a.expires_at IS NULL OR a.expires_at > ?3)
           AND (a.subject_type = 'everyone' OR EXISTS (SELECT 1 FROM subject
             WHERE subject.user_id = c.user_id AND subject.type = a.subject_type AND subject.id = a.subject_id))), 0) AS rank
     FROM connections c
     JOIN workspaces w ON w.tenant_id = ?1 AND w.id = c.workspace_id
     LEFT JOIN templates t ON t.tenant_id = ?1 AND t.id = w.template_id AND t.deleted_at IS NULL
     WHERE c.tenant_id = ?1 AND c.ended_at IS NULL AND (?2 IS NULL OR c.user_id IN (SELECT value FROM json_each(?2)))`,
    ...[tenantId, users, now],
  );
}

/** Work that was left behind is done again after this. */
const LEFT_BEHIND_MS = 5_000;
const AT_ONCE = 100;

/** Does what a change committed and nothing finished. */
export async function sweepRevocations(services: Services): Promise<void> {
  const before = new Date(services.now().getTime() - LEFT_BEHIND_MS).toISOString();
  for (const [shard, db] of services.shards) {
    const { results } = await db
      .prepare('SELECT tenant_id, id FROM revocations WHERE created_at < ? ORDER BY created_at LIMIT ?')
      .bind(before, AT_ONCE)
      .all<{ tenant_id: string; id: string }>();
    for (const { tenant_id, id } of results) {
      await runRevocation(services, shard, tenant_id, id).catch((error: unknown) =>
        services.log('error', 'a revocation could not be done', { shard, error: String(error) }),
      );
    }
  }
}
