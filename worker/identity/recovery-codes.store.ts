import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export const recoveryCodesLeft = async (db: TenantDb, userId: string): Promise<number> => {
  const counted = await db.first<{ n: number }>(
    'SELECT count(*) AS n FROM recovery_codes WHERE tenant_id = ? AND user_id = ?',
    ...[db.tenantId, userId],
  );
  return counted?.n ?? 0;
};

export const deleteRecoveryCodes = (db: TenantDb, userId: string): Statement =>
  statement('DELETE FROM recovery_codes WHERE tenant_id = ? AND user_id = ?', db.tenantId, userId);

const INSERT = `INSERT INTO recovery_codes (tenant_id, user_id, code_hash, created_at)
  SELECT ?1, ?2, value, ?4 FROM json_each(?3)`;

export const insertRecoveryCodes = (db: TenantDb, userId: string, hashes: string[], now: string): Statement =>
  statement(INSERT, db.tenantId, userId, JSON.stringify(hashes), now);

/** `insert` matches nothing for somebody without a second factor; `clear` leaves only what it inserted. */
export const renewRecoveryCodes = (
  db: TenantDb,
  userId: string,
  hashes: string[],
  now: string,
): { insert: Statement; clear: Statement } => ({
  insert: statement(
    `${INSERT} WHERE EXISTS (SELECT 1 FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2)
       OR EXISTS (SELECT 1 FROM totp_secrets WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL)`,
    ...[db.tenantId, userId, JSON.stringify(hashes), now],
  ),
  clear: statement(
    'DELETE FROM recovery_codes WHERE tenant_id = ?1 AND user_id = ?2 AND code_hash NOT IN (SELECT value FROM json_each(?3))',
    ...[db.tenantId, userId, JSON.stringify(hashes)],
  ),
});

/** For whom no second factor is left to recover from. */
export const deleteOrphanedCodes = (db: TenantDb, userId: string): Statement =>
  statement(
    `DELETE FROM recovery_codes WHERE tenant_id = ?1 AND user_id = ?2
       AND NOT EXISTS (SELECT 1 FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2)
       AND NOT EXISTS (SELECT 1 FROM totp_secrets WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL)`,
    ...[db.tenantId, userId],
  );
