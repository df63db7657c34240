import { BUILT_IN_ROLES, type BuiltInRole, type Permission } from '@gatehouse/core/access/permissions.ts';
import type { TenantDb } from '../platform/tenant-db.ts';

const AT_MOST = 50;

const builtInWith = (permission: Permission): BuiltInRole[] =>
  (Object.keys(BUILT_IN_ROLES) as BuiltInRole[]).filter((role) => (BUILT_IN_ROLES[role] as readonly Permission[]).includes(permission));

/** Addresses of the people who may do something, by their roles and those of their groups: whom to mail of it. */
export async function addressesWith(db: TenantDb, permission: Permission, now: Date): Promise<string[]> {
  const rows = await db.rows<{ email: string }>(
    `WITH RECURSIVE holder (type, id) AS (
       SELECT a.subject_type, a.subject_id FROM role_assignments a WHERE a.tenant_id = ?1 AND (a.expires_at IS NULL OR a.expires_at > ?2)
         AND (a.role IN (SELECT value FROM json_each(?3)) OR EXISTS (SELECT 1 FROM roles r, json_each(r.permissions) p
           WHERE r.tenant_id = ?1 AND r.id = a.role AND p.value = ?4))
       UNION
       SELECT m.member_type, m.member_id FROM holder
       JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = holder.id AND (m.expires_at IS NULL OR m.expires_at > ?2)
       WHERE holder.type = 'group'
     )
     SELECT DISTINCT u.email FROM holder JOIN users u ON u.tenant_id = ?1 AND u.id = holder.id
     WHERE holder.type = 'user' AND u.state = 'active' AND u.email_verified_at IS NOT NULL ORDER BY u.email LIMIT ?5`,
    ...[db.tenantId, now.toISOString(), JSON.stringify(builtInWith(permission)), permission, AT_MOST],
  );
  return rows.map(({ email }) => email);
}
