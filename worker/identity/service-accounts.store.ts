import { z } from 'zod';
import { SERVICE_ACCOUNT_STATES, SERVICE_ACCOUNTS_LIMIT } from '@gatehouse/core/api/service-accounts.ts';
import { USER_STATES } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const accountRow = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  state: z.enum(SERVICE_ACCOUNT_STATES),
  responsible_id: z.string(),
  responsible_name: z.string(),
  responsible_state: z.enum(USER_STATES),
  created_at: z.string(),
  tokens: z.number(),
  last_used_at: z.string().nullable(),
});
export type AccountRow = z.infer<typeof accountRow>;
export const parseAccounts = (found: { rows: unknown[] } | undefined): AccountRow[] =>
  (found?.rows ?? []).map((row) => accountRow.parse(row));

/** What is shown of accounts named by a query of ids, in the order of their names. */
export function accountsAmong(tenantId: string, which: Statement, now: string): Statement {
  const { sql, params } = which.toSQL();
  return statement(
    `SELECT s.id, s.name, s.description, s.state, s.responsible_id, u.name AS responsible_name, u.state AS responsible_state, s.created_at,
       (SELECT count(*) FROM api_tokens k WHERE k.tenant_id = s.tenant_id AND k.owner_type = 'service-account' AND k.owner_id = s.id
         AND k.revoked_at IS NULL AND k.expires_at > ?) AS tokens,
       (SELECT max(k.last_used_at) FROM api_tokens k WHERE k.tenant_id = s.tenant_id AND k.owner_type = 'service-account'
         AND k.owner_id = s.id) AS last_used_at
     FROM service_accounts s JOIN users u ON u.tenant_id = s.tenant_id AND u.id = s.responsible_id
     WHERE s.tenant_id = ? AND s.id IN (${sql}) ORDER BY s.name`,
    ...[now, tenantId, ...params],
  );
}

/** Ids of one page by name and one more. */
export const pageOfAccounts = (
  tenantId: string,
  { limit, after, q, state }: { limit: number; after: string; q: string | null; state: string | null },
): Statement =>
  statement(
    `SELECT id FROM service_accounts WHERE tenant_id = ? AND state <> 'deleted' AND name > ? AND coalesce(?, state) = state
       AND instr(lower(name || ' ' || description), lower(?)) > 0 ORDER BY name LIMIT ?`,
    ...[tenantId, after, state, q ?? '', limit + 1],
  );

export const accountWithId = (tenantId: string, id: string): Statement =>
  statement("SELECT id FROM service_accounts WHERE tenant_id = ? AND id = ? AND state <> 'deleted'", tenantId, id);

export interface AccountFacts {
  id: string;
  name: string;
  description: string;
  responsibleId: string;
}

/** Matches nothing when the responsible person is not active, or the limit is reached. */
export const insertAccount = (db: TenantDb, account: AccountFacts, made: { by: string; at: string }): Statement =>
  statement(
    `INSERT INTO service_accounts (tenant_id, id, name, description, responsible_id, state, created_at, created_by)
     SELECT ?1, ?2, ?3, ?4, ?5, 'active', ?6, ?7
     WHERE EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?5 AND state = 'active')
       AND (SELECT count(*) FROM service_accounts WHERE tenant_id = ?1 AND state <> 'deleted') < ?8`,
    ...[db.tenantId, account.id, account.name, account.description, account.responsibleId, made.at, made.by, SERVICE_ACCOUNTS_LIMIT],
  );

/** Matches nothing when somebody changed it in the meantime, or a new responsible person is not active. */
export const updateAccount = (db: TenantDb, before: AccountFacts, after: Omit<AccountFacts, 'id'>): Statement =>
  statement(
    `UPDATE service_accounts SET name = ?3, description = ?4, responsible_id = ?5
     WHERE tenant_id = ?1 AND id = ?2 AND state <> 'deleted' AND name = ?6 AND description = ?7 AND responsible_id = ?8
       AND (?5 = ?8 OR EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?5 AND state = 'active'))`,
    ...[db.tenantId, before.id, after.name, after.description, after.responsibleId],
    ...[before.name, before.description, before.responsibleId],
  );

/** Matches nothing when it is in that state already, or deleted. */
export const changeAccountState = (db: TenantDb, id: string, state: 'active' | 'suspended' | 'deleted'): Statement =>
  statement(
    "UPDATE service_accounts SET state = ?3 WHERE tenant_id = ?1 AND id = ?2 AND state <> ?3 AND state <> 'deleted'",
    ...[db.tenantId, id, state],
  );

/** Replaces its built-in roles; custom ones are given one by one. @param roles each with the id of its assignment */
export const giveRoles = (
  db: TenantDb,
  accountId: string,
  roles: ReadonlyArray<{ id: string; role: string }>,
  given: { by: string; at: string },
): Statement[] => [
  statement(
    "DELETE FROM role_assignments WHERE tenant_id = ? AND subject_type = 'service-account' AND subject_id = ? AND role NOT LIKE 'rol_%'",
    ...[db.tenantId, accountId],
  ),
  statement(
    `INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at, created_by)
     SELECT ?1, value ->> 'id', value ->> 'role', 'service-account', ?2, ?3, ?4 FROM json_each(?5)`,
    ...[db.tenantId, accountId, given.at, given.by, JSON.stringify(roles)],
  ),
];

export const revokeTokensOf = (db: TenantDb, accountId: string, now: string): Statement =>
  statement(
    `UPDATE api_tokens SET revoked_at = ? WHERE tenant_id = ? AND owner_type = 'service-account' AND owner_id = ? AND revoked_at IS NULL`,
    ...[now, db.tenantId, accountId],
  );

export const takeRoles = (db: TenantDb, accountId: string): Statement =>
  statement(
    "DELETE FROM role_assignments WHERE tenant_id = ? AND subject_type = 'service-account' AND subject_id = ?",
    ...[db.tenantId, accountId],
  );
