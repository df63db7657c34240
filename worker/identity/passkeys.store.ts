import { MAX_PASSKEYS } from '@gatehouse/core/api/factors.ts';
import { IN_GOOD_STANDING } from '../directory/people.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

export interface PasskeyRow {
  id: string;
  credential_id: string;
  public_key: string;
  counter: number;
  synced: number;
  backed_up: number;
  name: string;
  created_at: string;
  last_used_at: string | null;
}
const COLUMNS = 'id, credential_id, public_key, counter, synced, backed_up, name, created_at, last_used_at';

export const listPasskeys = (db: TenantDb, userId: string): Promise<PasskeyRow[]> =>
  db.rows(`SELECT ${COLUMNS} FROM passkeys WHERE tenant_id = ? AND user_id = ? ORDER BY id`, db.tenantId, userId);

export const findPasskey = (db: TenantDb, userId: string, credentialId: string): Promise<PasskeyRow | undefined> =>
  db.first(
    `SELECT ${COLUMNS} FROM passkeys WHERE tenant_id = ? AND user_id = ? AND credential_id = ?`,
    ...[db.tenantId, userId, credentialId],
  );

/** Matches nothing beyond the limit. */
export const insertPasskey = (db: TenantDb, userId: string, row: Omit<PasskeyRow, 'last_used_at'> & { transports: string[] }): Statement =>
  statement(
    `INSERT INTO passkeys (tenant_id, user_id, id, credential_id, public_key, counter, transports, synced, backed_up, name, created_at)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE (SELECT count(*) FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2) < ?12`,
    ...[db.tenantId, userId, row.id, row.credential_id, row.public_key, row.counter, JSON.stringify(row.transports)],
    ...[row.synced, row.backed_up, row.name, row.created_at, MAX_PASSKEYS],
  );

export const renamePasskey = (db: TenantDb, userId: string, id: string, name: string): Statement =>
  statement('UPDATE passkeys SET name = ? WHERE tenant_id = ? AND user_id = ? AND id = ?', name, db.tenantId, userId, id);

/** Matches nothing where the organisation requires a second factor and this is the last one. */
export const deletePasskey = (db: TenantDb, userId: string, id: string): Statement =>
  statement(
    `DELETE FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3
       AND (EXISTS (SELECT 1 FROM tenants WHERE tenant_id = ?1 AND two_factors_required = 0)
         OR EXISTS (SELECT 1 FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2 AND id <> ?3)
         OR EXISTS (SELECT 1 FROM totp_secrets WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL))`,
    ...[db.tenantId, userId, id],
  );

/** Matches nothing when it was removed or used meanwhile, or when the person may not come in any more. */
export const usePasskey = (
  db: TenantDb,
  userId: string,
  passkey: Pick<PasskeyRow, 'id' | 'counter'>,
  used: { counter: number; backedUp: boolean; now: string },
): Statement =>
  statement(
    `UPDATE passkeys SET counter = ?5, backed_up = ?6, last_used_at = ?7 WHERE tenant_id = ?1 AND user_id = ?2 AND id = ?3 AND counter = ?4
       AND EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?2 AND ${IN_GOOD_STANDING})`,
    ...[db.tenantId, userId, passkey.id, passkey.counter, used.counter, used.backedUp ? 1 : 0, used.now],
  );

export type Ceremony = 'add' | 'sign-in' | 'step-up';
interface ChallengeRow {
  hash: string;
  ceremony: Ceremony;
  sessionId: string;
}

export const insertChallenge = (db: TenantDb, row: ChallengeRow & { expiresAt: string }): Statement =>
  statement(
    'INSERT INTO passkey_challenges (tenant_id, challenge_hash, ceremony, session_id, expires_at) VALUES (?, ?, ?, ?, ?)',
    ...[db.tenantId, row.hash, row.ceremony, row.sessionId, row.expiresAt],
  );

export const deleteChallenge = (db: TenantDb, row: ChallengeRow, now: string): Statement =>
  statement(
    'DELETE FROM passkey_challenges WHERE tenant_id = ? AND challenge_hash = ? AND ceremony = ? AND session_id = ? AND expires_at > ?',
    ...[db.tenantId, row.hash, row.ceremony, row.sessionId, now],
  );
