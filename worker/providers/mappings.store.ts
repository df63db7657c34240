import { z } from 'zod';
import { MAPPINGS_LIMIT } from '@gatehouse/core/api/group-mappings.ts';
import { inForce } from '../directory/in-force.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { mappingsFrom, mappingsQuery, type MappingRow } from './mapped.ts';

const group = z.object({
  id: z.string(),
  name: z.string(),
  display_name: z.string(),
  external_id: z.string().nullable(),
  people: z.number(),
});
export type DirectoryGroupRow = z.infer<typeof group>;

/** What a provider keeps here: by SCIM, or where it keeps none so, as its tokens name them. Binds ?1 tenant, ?2 provider. */
const OURS = `ours (id, display_name, external_id) AS (
    SELECT group_id, display_name, external_id FROM scim_groups WHERE tenant_id = ?1 AND provider_id = ?2
    UNION ALL SELECT s.group_id, s.value, NULL FROM sso_groups s WHERE s.tenant_id = ?1 AND s.provider_id = ?2
      AND NOT EXISTS (SELECT 1 FROM scim_groups k WHERE k.tenant_id = ?1 AND k.provider_id = ?2)
  )`;

const groupsQuery = (db: TenantDb, providerId: string): Statement =>
  statement(
    `WITH ${OURS} SELECT g.id, g.name, ours.display_name, ours.external_id,
       (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = g.id AND m.member_type = 'user') AS people
     FROM ours CROSS JOIN groups g ON g.tenant_id = ?1 AND g.id = ours.id ORDER BY ours.display_name COLLATE NOCASE`,
    db.tenantId,
    providerId,
  );

const given = z.object({
  group_id: z.string(),
  type: z.enum(['role', 'group', 'template']),
  target: z.string(),
  name: z.string().nullable(),
  given_by: z.string().nullable(),
});
export type GivenRow = z.infer<typeof given>;

/** What the provider's groups have, by whomever. */
const givenQuery = (db: TenantDb, providerId: string, now: string): Statement =>
  statement(
    `WITH ${OURS} SELECT ours.id AS group_id, 'role' AS type, a.role AS target, r.name, a.created_by AS given_by FROM ours
     CROSS JOIN role_assignments a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = ours.id
     LEFT JOIN roles r ON r.tenant_id = ?1 AND r.id = a.role WHERE ${inForce('a', '?3')}
     UNION ALL
     SELECT ours.id, 'group', g.id, g.name, m.given_by FROM ours
     CROSS JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = ours.id
     JOIN groups g ON g.tenant_id = ?1 AND g.id = m.group_id WHERE ${inForce('m', '?3')}
     UNION ALL
     SELECT ours.id, 'template', t.id, t.name, a.created_by FROM ours
     CROSS JOIN template_acl a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = ours.id
     JOIN templates t ON t.tenant_id = ?1 AND t.id = a.template_id AND t.deleted_at IS NULL WHERE ${inForce('a', '?3')}`,
    ...[db.tenantId, providerId, now],
  );

export interface MappedState {
  mappings: MappingRow[];
  groups: DirectoryGroupRow[];
  given: GivenRow[];
}

/** The mappings of a provider, the groups that it keeps, and what these have. One trip. */
export async function findMapped(db: TenantDb, providerId: string, now: string): Promise<MappedState> {
  const [mappings, groups, givens] = await db.batch([
    mappingsQuery(db, providerId),
    groupsQuery(db, providerId),
    givenQuery(db, providerId, now),
  ]);
  return {
    mappings: mappingsFrom(mappings?.rows),
    groups: (groups?.rows ?? []).map((row) => group.parse(row)),
    given: (givens?.rows ?? []).map((row) => given.parse(row)),
  };
}

const shown = z.object({
  id: z.string(),
  target_name: z.string().nullable(),
  created_at: z.string(),
  created_by: z.string(),
});

/** What mappings give, and who made them, in words. */
export async function findMappingNames(db: TenantDb, providerId: string): Promise<Map<string, z.infer<typeof shown>>> {
  const rows = await db.rows(
    `SELECT m.id, coalesce(r.name, g.name, t.name) AS target_name, m.created_at, coalesce(u.name, m.created_by) AS created_by
     FROM group_mappings m
     LEFT JOIN roles r ON r.tenant_id = ?1 AND m.target_type = 'role' AND r.id = m.target
     LEFT JOIN groups g ON g.tenant_id = ?1 AND m.target_type = 'group' AND g.id = m.target
     LEFT JOIN templates t ON t.tenant_id = ?1 AND m.target_type = 'template' AND t.id = m.target
     LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = m.created_by
     WHERE m.tenant_id = ?1 AND m.provider_id = ?2`,
    db.tenantId,
    providerId,
  );
  return new Map(rows.map((row) => shown.parse(row)).map((row) => [row.id, row]));
}

const target = z.object({ name: z.string(), permissions: z.string().nullable() });

/** What is mapped to, if it is there: a custom role, a local group, a template. Built-in roles need no look. */
export async function findTarget(
  db: TenantDb,
  type: 'role' | 'group' | 'template',
  id: string,
): Promise<z.infer<typeof target> | undefined> {
  const row = await db.first(
    `SELECT name, permissions FROM roles WHERE tenant_id = ?1 AND ?2 = 'role' AND id = ?3
     UNION ALL SELECT name, NULL FROM groups WHERE tenant_id = ?1 AND ?2 = 'group' AND id = ?3 AND source = 'local'
     UNION ALL SELECT name, NULL FROM templates WHERE tenant_id = ?1 AND ?2 = 'template' AND id = ?3 AND deleted_at IS NULL`,
    ...[db.tenantId, type, id],
  );
  return row === undefined ? undefined : target.parse(row);
}

/** Matches nothing when the limit is reached. */
export const insertMapping = (db: TenantDb, mapping: MappingRow & { providerId: string; by: string; now: string }): Statement =>
  statement(
    `INSERT INTO group_mappings (tenant_id, id, provider_id, kind, pattern, target_type, target, created_at, created_by, when_gone)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?11
     WHERE (SELECT count(*) FROM group_mappings WHERE tenant_id = ?1 AND provider_id = ?3) < ?10`,
    ...[db.tenantId, mapping.id, mapping.providerId, mapping.kind, mapping.pattern, mapping.target_type, mapping.target],
    ...[mapping.now, mapping.by, MAPPINGS_LIMIT, mapping.when_gone],
  );

export const deleteMapping = (db: TenantDb, providerId: string, id: string): Statement =>
  statement('DELETE FROM group_mappings WHERE tenant_id = ? AND provider_id = ? AND id = ?', db.tenantId, providerId, id);

/** How many people are in these groups, and not yet in what is mapped to through them. */
export async function countPeople(db: TenantDb, groupIds: readonly string[], now: string): Promise<number> {
  const row = await db.first<{ people: number }>(
    `WITH RECURSIVE below (id) AS (
       SELECT value FROM json_each(?2) UNION SELECT m.member_id FROM below CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND m.group_id = below.id AND m.member_type = 'group' AND ${inForce('m', '?3')}
     ) SELECT count(DISTINCT m.member_id) AS people FROM below CROSS JOIN group_members m
     WHERE m.tenant_id = ?1 AND m.group_id = below.id AND m.member_type = 'user' AND ${inForce('m', '?3')}`,
    ...[db.tenantId, JSON.stringify(groupIds), now],
  );
  return row?.people ?? 0;
}

const differing = z.object({ id: z.string(), name: z.string(), active: z.number(), state: z.enum(['active', 'suspended', 'deactivated']) });

/** People whom the directory calls active and who are not here, or the other way round. */
export async function findDiffering(db: TenantDb, providerId: string): Promise<Array<z.infer<typeof differing>>> {
  const rows = await db.rows(
    `SELECT u.id, u.name, s.active, u.state FROM scim_users s JOIN users u ON u.tenant_id = ?1 AND u.id = s.user_id
     WHERE s.tenant_id = ?1 AND s.provider_id = ?2 AND s.deleted_at IS NULL AND (s.active = 1) <> (u.state = 'active') ORDER BY u.name LIMIT 500`,
    db.tenantId,
    providerId,
  );
  return rows.map((row) => differing.parse(row));
}
