import { z } from 'zod';
import { USER_STATES } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { inForce } from './in-force.ts';

const userRow = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  email_verified_at: z.string().nullable(),
  state: z.enum(USER_STATES),
  created_at: z.string(),
  last_seen_at: z.string().nullable(),
});
export type UserRow = z.infer<typeof userRow>;

export const COLUMNS = 'id, name, email, email_verified_at, state, created_at, last_seen_at';
export const parseUsers = (found: { rows: unknown[] } | undefined): UserRow[] => (found?.rows ?? []).map((row) => userRow.parse(row));

/** People who hold a role now, themselves or through groups, however deep. */
const HOLDERS = `
  WITH RECURSIVE holder (type, id) AS (
    SELECT subject_type, subject_id FROM role_assignments
    WHERE tenant_id = ? AND role = ? AND (expires_at IS NULL OR expires_at > ?)
    UNION
    SELECT m.member_type, m.member_id FROM holder
    CROSS JOIN group_members m ON m.tenant_id = ? AND holder.type = 'group' AND m.group_id = holder.id AND ${inForce('m', '?')}
  )
  SELECT holder.id FROM holder WHERE holder.type = 'user'`;

export interface UserFilter {
  limit: number;
  /** name and id of the last one shown */
  after: string[];
  /** part of a name or an address */
  q: string | null;
  state: UserRow['state'] | null;
  role: string | null;
  now: string;
}

/** One page of people and one row more, by name. Who was deleted only when asked for. Binds by position, to stand in other queries. */
export function pageOfUsers(tenantId: string, columns: string, { limit, after, q, state, role, now }: UserFilter): Statement {
  const conditions: Array<[string, unknown[]]> = [
    ['tenant_id = ?', [tenantId]],
    ['(name COLLATE NOCASE, id) > (?, ?)', after],
    state === null ? ["state <> 'deactivated'", []] : ['state = ?', [state]],
    ...(q === null ? [] : [['(instr(lower(name), lower(?)) > 0 OR instr(email, lower(?)) > 0)', [q, q]] as [string, unknown[]]]),
    ...(role === null ? [] : [[`id IN (${HOLDERS})`, [tenantId, role, now, tenantId, now]] as [string, unknown[]]]),
  ];
  const where = conditions.map(([sql]) => sql).join(' AND ');
  return statement(
    `SELECT ${columns} FROM users WHERE ${where} ORDER BY name COLLATE NOCASE, id LIMIT ?`,
    ...conditions.flatMap(([, params]) => params),
    limit + 1,
  );
}

export const usersWithIds = (tenantId: string, columns: string, ids: readonly string[]): Statement =>
  statement(`SELECT ${columns} FROM users WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?))`, tenantId, JSON.stringify(ids));

/** Matches nothing when the name is another by now, or the person is gone. */
export const renameUser = (db: TenantDb, id: string, before: string, name: string): Statement =>
  statement(
    "UPDATE users SET name = ?4 WHERE tenant_id = ?1 AND id = ?2 AND name = ?3 AND state <> 'deactivated'",
    ...[db.tenantId, id, before, name],
  );
