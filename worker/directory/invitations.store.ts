import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { inForce } from './in-force.ts';

export interface InvitationRow {
  id: string;
  email: string;
  /** JSON array of roles, custom ones by id */
  roles: string;
  /** JSON array of ids */
  groups: string;
  access_ends_at: string | null;
  invited_by: string;
  inviter: string;
  created_at: string;
  expires_at: string;
}

/** With the names of what is offered, as JSON arrays; what is gone has none. */
export type InvitationNamed = InvitationRow & { custom_roles: string; group_names: string };

const named = (table: 'roles' | 'groups') => `(SELECT json_group_array(json_object('id', n.id, 'name', n.name))
    FROM json_each(i.${table}) AS o CROSS JOIN ${table} n WHERE n.tenant_id = i.tenant_id AND n.id = o.value)`;
const COLUMNS = 'i.id, i.email, i.roles, i.groups, i.access_ends_at, i.invited_by, u.name AS inviter, i.created_at, i.expires_at';
const SELECT = `SELECT ${COLUMNS}, ${named('roles')} AS custom_roles, ${named('groups')} AS group_names
  FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.invited_by`;

export const findInvitations = (db: TenantDb, page: { limit: number; after: string }): Promise<InvitationNamed[]> =>
  db.rows(`${SELECT} WHERE i.tenant_id = ? AND i.id > ? ORDER BY i.id LIMIT ?`, db.tenantId, page.after, page.limit + 1);

export const findInvitation = (db: TenantDb, id: string): Promise<InvitationNamed | undefined> =>
  db.first(`${SELECT} WHERE i.tenant_id = ? AND i.id = ?`, db.tenantId, id);

/** The open invitation of that token, with the organisation it leads to. */
export const findOpenInvitation = (
  db: TenantDb,
  tokenHash: string,
  now: string,
): Promise<(InvitationRow & { tenant_name: string; slug: string; region: 'auto' | 'eu'; tenant_created_at: string }) | undefined> =>
  db.first(
    `SELECT ${COLUMNS},
       t.name AS tenant_name, t.slug, t.region, t.created_at AS tenant_created_at
     FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.invited_by JOIN tenants t ON t.tenant_id = i.tenant_id
     WHERE i.tenant_id = ? AND i.token_hash = ? AND i.expires_at > ? AND t.state = 'active'`,
    ...[db.tenantId, tokenHash, now],
  );

/** Matches nothing when the person is there already, is invited already, or a limit is reached. An expired invitation gives way. */
export const insertInvitation = (db: TenantDb, row: Omit<InvitationRow, 'inviter'>, tokenHash: string): Statement =>
  statement(
    `INSERT INTO invitations (tenant_id, id, email, roles, token_hash, invited_by, created_at, expires_at, groups, access_ends_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?11, ?12
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND email = ?3)
       AND (SELECT count(*) FROM invitations WHERE tenant_id = ?1 AND email <> ?3) < ?9
       AND (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state <> 'deactivated') < ?10
     ON CONFLICT (tenant_id, email) DO UPDATE SET id = excluded.id, roles = excluded.roles, token_hash = excluded.token_hash,
       invited_by = excluded.invited_by, groups = excluded.groups, access_ends_at = excluded.access_ends_at, created_at = excluded.created_at, expires_at = excluded.expires_at
     WHERE expires_at <= ?7`,
    ...[db.tenantId, row.id, row.email, row.roles, tokenHash, row.invited_by, row.created_at, row.expires_at],
    ...[QUOTAS.invitations, QUOTAS.users, row.groups, row.access_ends_at],
  );

/** Why `insertInvitation` matched nothing. */
export async function invitationObstacle(
  db: TenantDb,
  email: string,
  now: string,
): Promise<'member' | 'invited' | 'users' | 'invitations'> {
  const found = await db.first<{ member: number; invited: number; people: number }>(
    `SELECT EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND email = ?2) AS member,
       EXISTS (SELECT 1 FROM invitations WHERE tenant_id = ?1 AND email = ?2 AND expires_at > ?3) AS invited,
       (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state <> 'deactivated') AS people`,
    ...[db.tenantId, email, now],
  );
  if (found?.member) return 'member';
  if (found?.invited) return 'invited';
  return (found?.people ?? 0) >= QUOTAS.users ? 'users' : 'invitations';
}

export const deleteInvitation = (db: TenantDb, id: string): Statement =>
  statement('DELETE FROM invitations WHERE tenant_id = ? AND id = ?', db.tenantId, id);

/**
 * The invited person becomes a user, once: matches nothing when the invitation is gone or the limit is reached, when whoever
 * invited has left meanwhile, and when a group is gone or gives another role than was looked at.
 */
export const insertInvited = (
  db: TenantDb,
  user: { id: string; name: string; passwordHash: string },
  tokenHash: string,
  now: string,
  given: { groups: readonly string[]; groupRoles: readonly string[]; something: boolean },
): Statement =>
  statement(
    `INSERT INTO users (tenant_id, id, email, name, state, password_hash, email_verified_at, created_at, last_seen_at)
     SELECT i.tenant_id, ?2, i.email, ?3, 'active', ?4, ?5, ?5, ?5 FROM invitations i JOIN tenants t ON t.tenant_id = i.tenant_id
     WHERE i.tenant_id = ?1 AND i.token_hash = ?6 AND i.expires_at > ?5 AND t.state = 'active'
       AND (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state <> 'deactivated') < ?7
       AND (?10 = 0 OR EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = i.invited_by AND state = 'active'))
       AND (SELECT count(*) FROM groups g WHERE g.tenant_id = ?1 AND g.source = 'local' AND g.id IN (SELECT value FROM json_each(?8)))
         = json_array_length(?8)
       AND NOT EXISTS (WITH RECURSIVE above (id) AS (
         SELECT value FROM json_each(?8) UNION SELECT m.group_id FROM above CROSS JOIN group_members m
         WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = above.id AND ${inForce('m', '?5')}
       ) SELECT 1 FROM above CROSS JOIN role_assignments a WHERE a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = above.id
         AND ${inForce('a', '?5')} AND a.role NOT IN (SELECT value FROM json_each(?9)))`,
    ...[db.tenantId, user.id, user.name, user.passwordHash, now, tokenHash, QUOTAS.users],
    ...[JSON.stringify(given.groups), JSON.stringify(given.groupRoles), given.something ? 1 : 0],
  );
