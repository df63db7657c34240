import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export interface TotpRow {
  secret: string;
  created_at: string;
  confirmed_at: string | null;
}

export const findTotp = (db: TenantDb, userId: string): Promise<TotpRow | undefined> =>
  db.first('SELECT secret, created_at, confirmed_at FROM totp_secrets WHERE tenant_id = ? AND user_id = ?', db.tenantId, userId);

/** Replaces a secret that was never confirmed; matches nothing where one is in force. */
export const startTotp = (db: TenantDb, userId: string, sealed: string, now: string): Statement =>
  statement(
    `INSERT INTO totp_secrets (tenant_id, user_id, secret, last_step, created_at) VALUES (?, ?, ?, 0, ?)
     ON CONFLICT (tenant_id, user_id) DO UPDATE SET secret = excluded.secret, created_at = excluded.created_at, last_step = 0
     WHERE totp_secrets.confirmed_at IS NULL`,
    ...[db.tenantId, userId, sealed, now],
  );

/** Matches nothing once confirmed, or when another secret took this one's place. */
export const confirmTotp = (db: TenantDb, userId: string, sealed: string, step: number, now: string): Statement =>
  statement(
    `UPDATE totp_secrets SET confirmed_at = ?, last_step = ?
     WHERE tenant_id = ? AND user_id = ? AND secret = ? AND confirmed_at IS NULL`,
    ...[now, step, db.tenantId, userId, sealed],
  );

/** Matches nothing when that code, or a later one, was used before. */
export const useTotp = (db: TenantDb, userId: string, step: number): Statement =>
  statement(
    'UPDATE totp_secrets SET last_step = ?1 WHERE tenant_id = ?2 AND user_id = ?3 AND confirmed_at IS NOT NULL AND last_step < ?1',
    ...[step, db.tenantId, userId],
  );

/** Matches nothing where the organisation requires a second factor and this is the last one. */
export const deleteTotp = (db: TenantDb, userId: string): Statement =>
  statement(
    `DELETE FROM totp_secrets WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL
       AND (EXISTS (SELECT 1 FROM tenants WHERE tenant_id = ?1 AND two_factors_required = 0)
         OR EXISTS (SELECT 1 FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2))`,
    ...[db.tenantId, userId],
  );
