import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Changes nothing of the person, and matches nobody without a second factor. */
export const touchWithFactors = (db: TenantDb, userId: string): Statement =>
  statement(
    `UPDATE users SET last_seen_at = last_seen_at WHERE tenant_id = ?1 AND id = ?2
       AND (EXISTS (SELECT 1 FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2)
         OR EXISTS (SELECT 1 FROM totp_secrets WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL))`,
    ...[db.tenantId, userId],
  );

export const deleteAllFactors = (db: TenantDb, userId: string): Statement[] =>
  ['passkeys', 'totp_secrets'].map((table) => statement(`DELETE FROM ${table} WHERE tenant_id = ? AND user_id = ?`, db.tenantId, userId));
