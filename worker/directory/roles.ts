import { z } from 'zod';
import { covers, type BuiltInRole, type CustomRole } from '@gatehouse/core/access/permissions.ts';
import { builtInRole, permission } from '@gatehouse/core/api/identity.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { inForce } from './in-force.ts';

const roleRow = z.object({ user_id: z.string(), role: z.string(), name: z.string().nullable(), permissions: z.string().nullable() });

/** The roles that somebody has, of both kinds. */
export interface HeldRoles {
  roles: BuiltInRole[];
  customRoles: CustomRole[];
}

/**
 * The unexpired roles of these people or service accounts, their own and those of the groups they are in, however deep.
 * UNION ends the walk even where groups contain each other; CROSS JOIN keeps it from beginning with all memberships of the tenant.
 * `rolesByUser` reads the answer.
 * @param people a query of ids
 */
export function rolesOf(tenantId: string, people: Statement, now: string): Statement {
  const { sql, params } = people.toSQL();
  return statement(
    `WITH RECURSIVE membership (user_id, group_id) AS (
       SELECT m.member_id, m.group_id FROM group_members m
       WHERE m.tenant_id = ? AND m.member_type = 'user' AND m.member_id IN (${sql}) AND ${inForce('m', '?')}
       UNION
       SELECT membership.user_id, m.group_id FROM membership CROSS JOIN group_members m
       WHERE m.tenant_id = ? AND m.member_type = 'group' AND m.member_id = membership.group_id AND ${inForce('m', '?')}
     ), held (user_id, role) AS (
       SELECT subject_id, role FROM role_assignments
       WHERE tenant_id = ? AND subject_type IN ('user', 'service-account') AND subject_id IN (${sql}) AND (expires_at IS NULL OR expires_at > ?)
       UNION
       SELECT membership.user_id, given.role FROM membership CROSS JOIN role_assignments given
       WHERE given.tenant_id = ? AND given.subject_type = 'group' AND given.subject_id = membership.group_id AND ${inForce('given', '?')}
     )
     SELECT held.user_id, held.role, r.name, r.permissions FROM held
     LEFT JOIN roles r ON r.tenant_id = ? AND r.id = held.role ORDER BY r.name`,
    ...[tenantId, ...params, now, tenantId, now, tenantId, ...params, now, tenantId, now, tenantId],
  );
}

/** Each role once, the mightiest first. */
export const inOrder = (roles: readonly BuiltInRole[]): BuiltInRole[] => builtInRole.options.filter((role) => roles.includes(role));

/** What `rolesOf` answered, by user. Who is not in it has no role but `member`. */
export function rolesByUser(rows: ReadonlyArray<Record<string, unknown>>): Map<string, HeldRoles> {
  const found = new Map<string, HeldRoles>();
  for (const row of rows.map((each) => roleRow.parse(each))) {
    const held = found.get(row.user_id) ?? NO_ROLES;
    const named = builtInRole.safeParse(row.role);
    found.set(row.user_id, {
      roles: named.success ? inOrder([...held.roles, named.data]) : held.roles,
      customRoles: row.name === null ? held.customRoles : [...held.customRoles, customRole(row.role, row.name, row.permissions)],
    });
  }
  return found;
}

export const NO_ROLES: HeldRoles = { roles: [], customRoles: [] };

const customRole = (id: string, name: string, permissions: string | null): CustomRole => ({
  ...{ id, name },
  permissions: storedPermissions(permissions),
});

/** What stands in a role's row; a permission that this release does not know gives nothing. */
export function storedPermissions(json: string | null): CustomRole['permissions'] {
  return z
    .array(z.string())
    .parse(JSON.parse(json ?? '[]'))
    .flatMap((name) => permission.safeParse(name).data ?? []);
}

/** Nobody makes somebody mightier than they are themselves, unless giving roles is what they may. */
export function mayGrant(
  permissions: ReadonlySet<string>,
  roles: readonly BuiltInRole[],
  custom: ReadonlyArray<Pick<CustomRole, 'permissions'>> = [],
): boolean {
  return permissions.has('role:assign') || covers(permissions, roles, custom);
}
