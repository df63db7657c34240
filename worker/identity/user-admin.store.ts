import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

type State = 'active' | 'suspended' | 'deactivated';

const AMONG = 'IN (SELECT value FROM json_each(?2))';

/**
 * Changes the state of all of them or of nobody: it matches nothing unless each is in one of the states `from`.
 * Who is deleted loses password and address: it is free to be invited again.
 */
export function changeStates(db: TenantDb, ids: readonly string[], from: readonly State[], to: State): Statement {
  const forgotten = to === 'deactivated' ? ", email = id || '@deleted.invalid', email_verified_at = NULL, password_hash = NULL" : '';
  const suspended = to === 'suspended' ? ", suspended_by = 'hand'" : to === 'active' ? ', suspended_by = NULL' : '';
  return statement(
    `UPDATE users SET state = ?3${suspended}${forgotten} WHERE tenant_id = ?1 AND id ${AMONG}
       AND json_array_length(?2) = (SELECT count(*) FROM users WHERE tenant_id = ?1 AND id ${AMONG}
         AND state IN (SELECT value FROM json_each(?4)))`,
    ...[db.tenantId, JSON.stringify(ids), to, JSON.stringify(from)],
  );
}

/** Their ways in, and what they were known by. */
const OWN_TABLES = [
  ...['email_verifications', 'password_resets', 'second_factor_challenges'],
  ...['passkeys', 'totp_secrets', 'recovery_codes', 'known_devices', 'git_credentials', 'ide_settings', 'scim_users'],
  ...['identities', 'break_glass'],
];

/** What somebody who is deleted held: tokens, roles, groups, factors, links in mails. Templates and workspaces stay. */
export const forget = (db: TenantDb, ids: readonly string[], now: string): Statement[] => {
  const among = [db.tenantId, JSON.stringify(ids)];
  return [
    statement(
      `UPDATE api_tokens SET revoked_at = ?3 WHERE tenant_id = ?1 AND owner_type = 'user' AND owner_id ${AMONG} AND revoked_at IS NULL`,
      ...[...among, now],
    ),
    statement(`DELETE FROM role_assignments WHERE tenant_id = ?1 AND subject_type = 'user' AND subject_id ${AMONG}`, ...among),
    statement(`DELETE FROM group_members WHERE tenant_id = ?1 AND member_type = 'user' AND member_id ${AMONG}`, ...among),
    statement(`DELETE FROM group_managers WHERE tenant_id = ?1 AND user_id ${AMONG}`, ...among),
    ...OWN_TABLES.map((table) => statement(`DELETE FROM ${table} WHERE tenant_id = ?1 AND user_id ${AMONG}`, ...among)),
  ];
};

interface Counts {
  sessions: number;
  workspaces: number;
  tokens: number;
  passkeys: number;
  /** authenticator apps: one or none */
  apps: number;
}

/** How much hangs on a person. @param live since when a session counts as in use */
export async function countsOf(db: TenantDb, userId: string, live: { now: string; seenSince: string }): Promise<Counts> {
  const found = await db.first<Counts>(
    `SELECT (SELECT count(*) FROM sessions WHERE tenant_id = ?1 AND user_id = ?2 AND expires_at > ?3 AND last_seen_at > ?4) AS sessions,
       (SELECT count(*) FROM workspaces WHERE tenant_id = ?1 AND owner_id = ?2 AND phase <> 'deleted') AS workspaces,
       (SELECT count(*) FROM api_tokens WHERE tenant_id = ?1 AND owner_type = 'user' AND owner_id = ?2 AND revoked_at IS NULL
         AND expires_at > ?3) AS tokens,
       (SELECT count(*) FROM passkeys WHERE tenant_id = ?1 AND user_id = ?2) AS passkeys,
       (SELECT count(*) FROM totp_secrets WHERE tenant_id = ?1 AND user_id = ?2 AND confirmed_at IS NOT NULL) AS apps`,
    ...[db.tenantId, userId, live.now, live.seenSince],
  );
  return found ?? { sessions: 0, workspaces: 0, tokens: 0, passkeys: 0, apps: 0 };
}
