import { z } from 'zod';
import { GROUP_SOURCES } from '@gatehouse/core/api/groups.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { inForce } from './in-force.ts';
import type { NamedRole } from './role-grants.ts';

const roleRow = z.object({ id: z.string(), name: z.string(), permissions: z.string() });
const groupRow = z.object({ id: z.string(), name: z.string(), source: z.enum(GROUP_SOURCES), manages: z.number() });
const grantRow = z.object({ root: z.string(), role: z.string(), name: z.string().nullable(), permissions: z.string().nullable() });

/** A group, and the roles that being in it gives. */
export interface OfferedGroup {
  id: string;
  name: string;
  isLocal: boolean;
  /** whoever gives it edits its members, whatever else they may */
  manages: boolean;
  roles: NamedRole[];
}

/** Those of the named custom roles and groups that are there. @param giver whose groups to manage are told */
export async function findOffered(
  db: TenantDb,
  offered: { roles: readonly string[]; groups: readonly string[] },
  giver: string,
  now: string,
): Promise<{ roles: Map<string, NamedRole>; groups: Map<string, OfferedGroup> }> {
  const groupIds = JSON.stringify(offered.groups);
  const [roles, groups, grants] = await db.batch([
    statement(
      'SELECT id, name, permissions FROM roles WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?))',
      ...[db.tenantId, JSON.stringify(offered.roles)],
    ),
    statement(
      `SELECT g.id, g.name, g.source,
         EXISTS (SELECT 1 FROM group_managers a WHERE a.tenant_id = ?1 AND a.group_id = g.id AND a.user_id = ?2) AS manages
       FROM groups g WHERE g.tenant_id = ?1 AND g.id IN (SELECT value FROM json_each(?3))`,
      ...[db.tenantId, giver, groupIds],
    ),
    statement(
      `WITH RECURSIVE above (root, id) AS (
         SELECT value, value FROM json_each(?2) UNION SELECT above.root, m.group_id FROM above CROSS JOIN group_members m
         WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = above.id AND ${inForce('m', '?3')}
       ) SELECT above.root, a.role, r.name, r.permissions FROM above CROSS JOIN role_assignments a
       LEFT JOIN roles r ON r.tenant_id = ?1 AND r.id = a.role
       WHERE a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = above.id AND ${inForce('a', '?3')}`,
      ...[db.tenantId, groupIds, now],
    ),
  ]);
  const given = (grants?.rows ?? []).map((row) => grantRow.parse(row));
  return {
    roles: new Map((roles?.rows ?? []).map((row) => roleRow.parse(row)).map(({ id, ...rest }) => [id, { role: id, ...rest }])),
    groups: new Map(
      (groups?.rows ?? [])
        .map((row) => groupRow.parse(row))
        .map(({ id, name, source, manages }) => [
          id,
          { id, name, isLocal: source === 'local', manages: manages === 1, roles: given.filter(({ root }) => root === id) },
        ]),
    ),
  };
}

export const insertOfferedMember = (db: TenantDb, groupId: string, userId: string, expiresAt: string | null): Statement =>
  statement(
    "INSERT INTO group_members (tenant_id, group_id, member_type, member_id, expires_at) VALUES (?, ?, 'user', ?, ?)",
    ...[db.tenantId, groupId, userId, expiresAt],
  );
