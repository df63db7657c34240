import { z } from 'zod';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import type { Permission } from '@gatehouse/core/access/permissions.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const row = z.object({
  ...{ id: z.string(), name: z.string(), description: z.string(), permissions: z.string() },
  ...{ revision: z.number(), created_at: z.string(), holders: z.number() },
});
export type CustomRoleRow = z.infer<typeof row>;

/** Bind ?1 tenant, ?2 now. */
const SELECT = `SELECT r.id, r.name, r.description, r.permissions, r.revision, r.created_at,
    (SELECT count(*) FROM role_assignments a WHERE a.tenant_id = ?1 AND a.role = r.id AND (a.expires_at IS NULL OR a.expires_at > ?2)) AS holders
  FROM roles r WHERE r.tenant_id = ?1`;

export const customRolesQuery = (db: TenantDb, now: string, q: string): Statement =>
  statement(
    `${SELECT} AND instr(lower(r.name || ' ' || r.description), lower(?3)) > 0 ORDER BY r.name COLLATE NOCASE`,
    ...[db.tenantId, now, q],
  );
export const customRolesFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined): CustomRoleRow[] =>
  (rows ?? []).map((each) => row.parse(each));

export async function findCustomRole(db: TenantDb, id: string, now: string): Promise<CustomRoleRow | undefined> {
  const found = await db.first(`${SELECT} AND r.id = ?3`, db.tenantId, now, id);
  return found === undefined ? undefined : row.parse(found);
}

/** To how many the built-in roles are given. */
export const builtInHolders = (db: TenantDb, now: string): Statement =>
  statement(
    `SELECT role, count(*) AS holders FROM role_assignments
     WHERE tenant_id = ? AND (expires_at IS NULL OR expires_at > ?) AND role NOT LIKE 'rol\\_%' ESCAPE '\\' GROUP BY role`,
    ...[db.tenantId, now],
  );
const holding = z.object({ role: z.string(), holders: z.number() });
export const holdersFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined): Map<string, number> =>
  new Map((rows ?? []).map((each) => holding.parse(each)).map(({ role, holders }) => [role, holders]));

export interface RoleContent {
  name: string;
  description: string;
  permissions: readonly Permission[];
}

/** Only below the limit: else it changes nothing. */
export const insertRole = (db: TenantDb, role: RoleContent & { id: string; createdAt: string; createdBy: string }): Statement =>
  statement(
    `INSERT INTO roles (tenant_id, id, name, description, permissions, revision, created_at, created_by) SELECT ?1, ?2, ?3, ?4, ?5, 1, ?6, ?7
     WHERE (SELECT count(*) FROM roles WHERE tenant_id = ?1) < ?8`,
    ...[db.tenantId, role.id, role.name, role.description, JSON.stringify(role.permissions), role.createdAt, role.createdBy, QUOTAS.roles],
  );

export const updateRole = (db: TenantDb, id: string, revision: number, set: RoleContent): Statement =>
  statement(
    `UPDATE roles SET name = ?4, description = ?5, permissions = ?6, revision = revision + 1
     WHERE tenant_id = ?1 AND id = ?2 AND revision = ?3`,
    ...[db.tenantId, id, revision, set.name, set.description, JSON.stringify(set.permissions)],
  );

/** Only while nobody has it. */
export const deleteRole = (db: TenantDb, id: string, now: string): Statement =>
  statement(
    `DELETE FROM roles WHERE tenant_id = ?1 AND id = ?2 AND NOT EXISTS (SELECT 1 FROM role_assignments
       WHERE tenant_id = ?1 AND role = ?2 AND (expires_at IS NULL OR expires_at > ?3))`,
    ...[db.tenantId, id, now],
  );
export const forgetRole = (db: TenantDb, id: string): Statement =>
  statement('DELETE FROM role_assignments WHERE tenant_id = ? AND role = ?', db.tenantId, id);
