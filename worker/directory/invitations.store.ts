import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export interface InvitationRow {
  id: string;
  email: string;
  /** JSON array of roles */
  roles: string;
  invited_by: string;
  inviter: string;
  created_at: string;
  expires_at: string;
}

const SELECT = `SELECT i.id, i.email, i.roles, i.invited_by, u.name AS inviter, i.created_at, i.expires_at
  FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.invited_by`;

export const findInvitations = (db: TenantDb, page: { limit: number; after: string }): Promise<InvitationRow[]> =>
  db.rows(`${SELECT} WHERE i.tenant_id = ? AND i.id > ? ORDER BY i.id LIMIT ?`, db.tenantId, page.after, page.limit + 1);

export const findInvitation = (db: TenantDb, id: string): Promise<InvitationRow | undefined> =>
  db.first(`${SELECT} WHERE i.tenant_id = ? AND i.id = ?`, db.tenantId, id);

/** The open invitation of that token, with the organisation it leads to. */
export const findOpenInvitation = (
  db: TenantDb,
  tokenHash: string,
  now: string,
): Promise<(InvitationRow & { tenant_name: string; slug: string; region: 'auto' | 'eu'; tenant_created_at: string }) | undefined> =>
  db.first(
    `SELECT i.id, i.email, i.roles, i.invited_by, u.name AS inviter, i.created_at, i.expires_at,
       t.name AS tenant_name, t.slug, t.region, t.created_at AS tenant_created_at
     FROM invitations i JOIN users u ON u.tenant_id = i.tenant_id AND u.id = i.invited_by JOIN tenants t ON t.tenant_id = i.tenant_id
     WHERE i.tenant_id = ? AND i.token_hash = ? AND i.expires_at > ? AND t.state = 'active'`,
    ...[db.tenantId, tokenHash, now],
  );

/** Matches nothing when the person is there already, is invited already, or a limit is reached. An expired invitation gives way. */
export const insertInvitation = (db: TenantDb, row: Omit<InvitationRow, 'inviter'>, tokenHash: string): Statement =>
  statement(
    `INSERT INTO invitations (tenant_id, id, email, roles, token_hash, invited_by, created_at, expires_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
     WHERE NOT EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND email = ?3)
       AND (SELECT count(*) FROM invitations WHERE tenant_id = ?1 AND email <> ?3) < ?9
       AND (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state <> 'deactivated') < ?10
     ON CONFLICT (tenant_id, email) DO UPDATE SET id = excluded.id, roles = excluded.roles, token_hash = excluded.token_hash,
       invited_by = excluded.invited_by, created_at = excluded.created_at, expires_at = excluded.expires_at
     WHERE expires_at <= ?7`,
    ...[db.tenantId, row.id, row.email, row.roles, tokenHash, row.invited_by, row.created_at, row.expires_at],
    ...[QUOTAS.invitations, QUOTAS.users],
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

/** The invited person becomes a user, once: matches nothing when the invitation is gone or the limit is reached. */
export const insertInvited = (
  db: TenantDb,
  user: { id: string; name: string; passwordHash: string },
  tokenHash: string,
  now: string,
): Statement =>
  statement(
    `INSERT INTO users (tenant_id, id, email, name, state, password_hash, email_verified_at, created_at, last_seen_at)
     SELECT i.tenant_id, ?2, i.email, ?3, 'active', ?4, ?5, ?5, ?5 FROM invitations i JOIN tenants t ON t.tenant_id = i.tenant_id
     WHERE i.tenant_id = ?1 AND i.token_hash = ?6 AND i.expires_at > ?5 AND t.state = 'active'
       AND (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state <> 'deactivated') < ?7`,
    ...[db.tenantId, user.id, user.name, user.passwordHash, now, tokenHash, QUOTAS.users],
  );
