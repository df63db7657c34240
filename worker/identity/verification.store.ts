import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { emailVerifications } from './tables.ts';

export const insertVerification = (db: TenantDb, row: { tokenHash: string; userId: string; expiresAt: string }): Statement =>
  db.orm.insert(emailVerifications).values({ ...row, tenantId: db.tenantId });

/** Whose address a link proves. A suspended organisation's links wait with it. */
export const findVerification = (
  db: TenantDb,
  tokenHash: string,
  now: string,
): Promise<{ user_id: string; name: string; email: string } | undefined> =>
  db.first(
    `SELECT v.user_id, u.name, u.email FROM email_verifications v
     JOIN users u ON u.tenant_id = v.tenant_id AND u.id = v.user_id JOIN tenants t ON t.tenant_id = v.tenant_id
     WHERE v.tenant_id = ? AND v.token_hash = ? AND v.expires_at > ? AND t.state = 'active'`,
    ...[db.tenantId, tokenHash, now],
  );

/** Matches nothing once the link was used. */
export const markVerified = (db: TenantDb, tokenHash: string, now: string): Statement =>
  statement(
    `UPDATE users SET email_verified_at = ?3 WHERE tenant_id = ?1 AND id =
       (SELECT user_id FROM email_verifications WHERE tenant_id = ?1 AND token_hash = ?2 AND expires_at > ?3)`,
    ...[db.tenantId, tokenHash, now],
  );

export const useUpVerifications = (db: TenantDb, userId: string): Statement =>
  statement('DELETE FROM email_verifications WHERE tenant_id = ? AND user_id = ?', db.tenantId, userId);
