import { IN_GOOD_STANDING } from '../directory/people.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export const insertSecondFactorChallenge = (db: TenantDb, row: { tokenHash: string; userId: string; expiresAt: string }): Statement =>
  statement(
    'INSERT INTO second_factor_challenges (tenant_id, token_hash, user_id, expires_at) VALUES (?, ?, ?, ?)',
    ...[db.tenantId, row.tokenHash, row.userId, row.expiresAt],
  );

/** A query of whose challenge it is. */
export const challengedUser = (db: TenantDb, tokenHash: string, now: string): Statement =>
  statement(
    'SELECT user_id FROM second_factor_challenges WHERE tenant_id = ? AND token_hash = ? AND expires_at > ?',
    ...[db.tenantId, tokenHash, now],
  );

/** Once answered, or once the password is another: whatever the person owes is void. */
export const deleteSecondFactorChallenges = (db: TenantDb, userId: string): Statement =>
  statement('DELETE FROM second_factor_challenges WHERE tenant_id = ? AND user_id = ?', db.tenantId, userId);

/** Of `?1` tenant, `?2` user, `?3` the challenge's hash, `?4` now: it still stands, and the person may come in. */
const STANDS = `EXISTS (SELECT 1 FROM second_factor_challenges WHERE tenant_id = ?1 AND user_id = ?2 AND token_hash = ?3 AND expires_at > ?4)
  AND EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?2 AND ${IN_GOOD_STANDING})`;

export interface Owed {
  userId: string;
  tokenHash: string;
  now: string;
}

/** Uses the code of that step: matches nothing when it, or a later one, was used before. */
export const useTotpToEnter = (db: TenantDb, { userId, tokenHash, now }: Owed, step: number): Statement =>
  statement(
    `UPDATE totp_secrets SET last_step = ?5 WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL AND last_step < ?5 AND ${STANDS}`,
    ...[db.tenantId, userId, tokenHash, now, step],
  );

export const useRecoveryCodeToEnter = (db: TenantDb, { userId, tokenHash, now }: Owed, codeHash: string): Statement =>
  statement(
    `DELETE FROM recovery_codes WHERE tenant_id = ?1 AND user_id = ?2 AND code_hash = ?5 AND ${STANDS}`,
    ...[db.tenantId, userId, tokenHash, now, codeHash],
  );
