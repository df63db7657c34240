import { z } from 'zod';
import { covers, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';

const roleRow = z.object({ user_id: z.string(), role: builtInRole });

/**
 * The unexpired roles of these people, their own and those of the groups they are in, however deep.
 * UNION ends the walk even where groups contain each other.
 * @param people a query of user ids
 */
export function rolesOf(tenantId: string, people: Statement, now: string): Statement {
  const { sql, params } = people.toSQL();
  return statement(
    `WITH RECURSIVE membership (user_id, group_id) AS (
       SELECT member_id, group_id FROM group_members WHERE tenant_id = ? AND member_type = 'user' AND member_id IN (${sql})
       UNION
       SELECT membership.user_id, parent.group_id FROM membership
       JOIN group_members parent ON parent.tenant_id = ? AND parent.member_type = 'group' AND parent.member_id = membership.group_id
     )
     SELECT subject_id AS user_id, role FROM role_assignments
     WHERE tenant_id = ? AND subject_type = 'user' AND subject_id IN (${sql}) AND (expires_at IS NULL OR expires_at > ?)
     UNION
     SELECT membership.user_id, given.role FROM membership
     JOIN role_assignments given ON given.tenant_id = ? AND given.subject_type = 'group' AND given.subject_id = membership.group_id
     WHERE given.expires_at IS NULL OR given.expires_at > ?`,
    ...[tenantId, ...params, tenantId, tenantId, ...params, now, tenantId, now],
  );
}

/** The unexpired roles of these service accounts, as `rolesOf` answers those of people. @param accounts a query of ids */
export function rolesOfServiceAccounts(tenantId: string, accounts: Statement, now: string): Statement {
  const { sql, params } = accounts.toSQL();
  return statement(
    `SELECT subject_id AS user_id, role FROM role_assignments
     WHERE tenant_id = ? AND subject_type = 'service-account' AND subject_id IN (${sql}) AND (expires_at IS NULL OR expires_at > ?)`,
    ...[tenantId, ...params, now],
  );
}

/** Each role once, the mightiest first. */
export const inOrder = (roles: readonly BuiltInRole[]): BuiltInRole[] => builtInRole.options.filter((role) => roles.includes(role));

/** What `rolesOf` answered, by user. */
export function rolesByUser(rows: ReadonlyArray<Record<string, unknown>>): Map<string, BuiltInRole[]> {
  const found = new Map<string, BuiltInRole[]>();
  for (const { user_id, role } of rows.map((row) => roleRow.parse(row))) found.set(user_id, inOrder([...(found.get(user_id) ?? []), role]));
  return found;
}

/** Nobody makes somebody mightier than they are themselves, unless giving roles is what they may. */
export function mayGrant(permissions: ReadonlySet<string>, roles: readonly BuiltInRole[]): boolean {
  return permissions.has('role:assign') || covers(permissions, roles);
}
