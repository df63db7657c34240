import { z } from 'zod';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

const held = z.object({ value: z.string() });
const texts = (found: { rows: unknown[] } | undefined): string[] => (found?.rows ?? []).map((each) => held.parse(each).value);

export interface Rights {
  roles: string[];
  groups: string[];
}

/** What this provider has given somebody: roles, and groups as it names them. */
export async function findRights(db: TenantDb, providerId: string, userId: string): Promise<Rights> {
  const [roles, groups] = await db.batch([
    statement(
      "SELECT role AS value FROM role_assignments WHERE tenant_id = ? AND subject_type = 'user' AND subject_id = ? AND created_by = ?",
      ...[db.tenantId, userId, providerId],
    ),
    statement(
      `SELECT s.value FROM sso_groups s JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = s.group_id
         AND m.member_type = 'user' AND m.member_id = ?2 WHERE s.tenant_id = ?1 AND s.provider_id = ?3`,
      ...[db.tenantId, userId, providerId],
    ),
  ]);
  return { roles: texts(roles), groups: texts(groups) };
}

/** What a role of that name gives is not taken from whoever got it by hand. */
export const giveRole = (db: TenantDb, given: { id: string; role: string; userId: string; providerId: string; now: string }): Statement =>
  statement(
    `INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at, created_by)
     SELECT ?1, ?2, ?3, 'user', ?4, ?5, ?6
     WHERE ?3 NOT LIKE 'rol\\_%' ESCAPE '\\' OR EXISTS (SELECT 1 FROM roles WHERE tenant_id = ?1 AND id = ?3)
     ON CONFLICT DO NOTHING`,
    ...[db.tenantId, given.id, given.role, given.userId, given.now, given.providerId],
  );

export const takeRoles = (db: TenantDb, providerId: string, userId: string, roles: readonly string[]): Statement =>
  statement(
    `DELETE FROM role_assignments WHERE tenant_id = ?1 AND subject_type = 'user' AND subject_id = ?2 AND created_by = ?3
       AND role IN (SELECT value FROM json_each(?4))`,
    ...[db.tenantId, userId, providerId, JSON.stringify(roles)],
  );

/** Which of these names groups have already. */
export async function namesTaken(db: TenantDb, names: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows(
    'SELECT lower(name) AS value FROM groups WHERE tenant_id = ?1 AND lower(name) IN (SELECT value FROM json_each(?2))',
    ...[db.tenantId, JSON.stringify(names.map((name) => name.toLowerCase()))],
  );
  return new Set(texts({ rows }));
}

export async function groupsKnown(db: TenantDb, providerId: string, values: readonly string[]): Promise<Set<string>> {
  const rows = await db.rows(
    `SELECT s.value FROM sso_groups s JOIN groups g ON g.tenant_id = ?1 AND g.id = s.group_id
     WHERE s.tenant_id = ?1 AND s.provider_id = ?2 AND s.value IN (SELECT value FROM json_each(?3))`,
    ...[db.tenantId, providerId, JSON.stringify(values)],
  );
  return new Set(texts({ rows }));
}

/** A group that a provider names, made unless there are too many; its former one was deleted, or never was. */
export const makeGroup = (
  db: TenantDb,
  group: { id: string; name: string; value: string; providerId: string; description: string; now: string },
): Statement[] => [
  statement(
    `INSERT INTO groups (tenant_id, id, name, description, source, created_at) SELECT ?1, ?2, ?3, ?4, 'oidc', ?5
     WHERE (SELECT count(*) FROM groups WHERE tenant_id = ?1) < ?6 ON CONFLICT DO NOTHING`,
    ...[db.tenantId, group.id, group.name, group.description, group.now, QUOTAS.groups],
  ),
  statement(
    `INSERT INTO sso_groups (tenant_id, provider_id, value, group_id) SELECT ?1, ?2, ?3, id FROM groups WHERE tenant_id = ?1 AND id = ?4
     ON CONFLICT (tenant_id, provider_id, value) DO UPDATE SET group_id = excluded.group_id
       WHERE NOT EXISTS (SELECT 1 FROM groups g WHERE g.tenant_id = ?1 AND g.id = sso_groups.group_id)`,
    ...[db.tenantId, group.providerId, group.value, group.id],
  ),
];

export const joinGroups = (db: TenantDb, providerId: string, userId: string, values: readonly string[]): Statement =>
  statement(
    `INSERT INTO group_members (tenant_id, group_id, member_type, member_id)
     SELECT ?1, s.group_id, 'user', ?3 FROM sso_groups s JOIN groups g ON g.tenant_id = ?1 AND g.id = s.group_id AND g.source = 'oidc'
     WHERE s.tenant_id = ?1 AND s.provider_id = ?2 AND s.value IN (SELECT value FROM json_each(?4)) ON CONFLICT DO NOTHING`,
    ...[db.tenantId, providerId, userId, JSON.stringify(values)],
  );

export const leaveGroups = (db: TenantDb, providerId: string, userId: string, values: readonly string[]): Statement =>
  statement(
    `DELETE FROM group_members WHERE tenant_id = ?1 AND member_type = 'user' AND member_id = ?3 AND group_id IN
       (SELECT s.group_id FROM sso_groups s WHERE s.tenant_id = ?1 AND s.provider_id = ?2 AND s.value IN (SELECT value FROM json_each(?4)))`,
    ...[db.tenantId, providerId, userId, JSON.stringify(values)],
  );
