import { IN_GOOD_STANDING } from '../directory/people.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export const insertReset = (db: TenantDb, row: { tokenHash: string; userId: string; expiresAt: string }): Statement =>
  statement(
    'INSERT INTO password_resets (tenant_id, token_hash, user_id, expires_at) VALUES (?, ?, ?, ?)',
    ...[db.tenantId, row.tokenHash, row.userId, row.expiresAt],
  );

/** A query of whose link it is. */
export const resettingUser = (db: TenantDb, tokenHash: string, now: string): Statement =>
  statement(
    'SELECT user_id FROM password_resets WHERE tenant_id = ? AND token_hash = ? AND expires_at > ?',
    ...[db.tenantId, tokenHash, now],
  );

/** The link also proves the address. Matches nothing once it was used, or where the person may not come in. */
export const resetPassword = (db: TenantDb, userId: string, tokenHash: string, passwordHash: string, now: string): Statement =>
  statement(
    `UPDATE users SET password_hash = ?4, email_verified_at = coalesce(email_verified_at, ?5)
     WHERE tenant_id = ?1 AND id = ?2 AND ${IN_GOOD_STANDING} AND EXISTS
       (SELECT 1 FROM password_resets WHERE tenant_id = ?1 AND user_id = ?2 AND token_hash = ?3 AND expires_at > ?5)`,
    ...[db.tenantId, userId, tokenHash, passwordHash, now],
  );

/** Of that person, all of them. */
export const deleteResets = (db: TenantDb, userId: string): Statement =>
  statement('DELETE FROM password_resets WHERE tenant_id = ? AND user_id = ?', db.tenantId, userId);
