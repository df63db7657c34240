import { z } from 'zod';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Groups that mappings make, as rows: local ones that bear the mapping's id (`kept_by`), with the directory's groups in them. */

const namesake = z.object({
  id: z.string(),
  name: z.string(),
  source: z.enum(['local', 'scim', 'oidc']),
  kept_by: z.string().nullable(),
});
export type Namesake = z.infer<typeof namesake>;

/** Who has these names, and how many groups there may still be. */
export async function findNamesakes(db: TenantDb, names: readonly string[]): Promise<{ namesakes: Namesake[]; room: number }> {
  const [found, count] = await db.batch([
    statement(
      `SELECT g.id, g.name, g.source, g.kept_by FROM json_each(?2) CROSS JOIN groups g
       WHERE g.tenant_id = ?1 AND g.name = value COLLATE NOCASE`,
      ...[db.tenantId, JSON.stringify(names)],
    ),
    statement('SELECT count(*) AS n FROM groups WHERE tenant_id = ?', db.tenantId),
  ]);
  return { namesakes: (found?.rows ?? []).map((row) => namesake.parse(row)), room: QUOTAS.groups - Number(count?.rows[0]?.['n'] ?? 0) };
}

/** Undoes its batch where there are too many groups, where somebody has the name, or where the mapping is gone. */
export const insertMade = (
  db: TenantDb,
  group: { id: string; name: string; description: string; mapping: string; now: string },
): Statement =>
  statement(
    `INSERT INTO groups (tenant_id, id, name, description, source, created_at, kept_by)
     SELECT ?1, ?2, CASE WHEN (SELECT count(*) FROM groups WHERE tenant_id = ?1) < ?7
       AND EXISTS (SELECT 1 FROM group_mappings WHERE tenant_id = ?1 AND id = ?6) THEN ?3 END, ?4, 'local', ?5, ?6`,
    ...[db.tenantId, group.id, group.name, group.description, group.now, group.mapping, QUOTAS.groups],
  );

/** Puts groups of the directory into a group that the mapping keeps, and into no other. */
export const joinMade = (db: TenantDb, mapping: string, groupId: string, members: readonly string[]): Statement =>
  statement(
    `INSERT INTO group_members (tenant_id, group_id, member_type, member_id, given_by)
     SELECT ?1, ?3, 'group', d.id, ?2 FROM json_each(?4) CROSS JOIN groups d ON d.tenant_id = ?1 AND d.id = value
     WHERE EXISTS (SELECT 1 FROM groups WHERE tenant_id = ?1 AND id = ?3 AND source = 'local' AND kept_by = ?2)
     ON CONFLICT (tenant_id, group_id, member_type, member_id) DO UPDATE SET expires_at = NULL, given_by = excluded.given_by`,
    ...[db.tenantId, mapping, groupId, JSON.stringify(members)],
  );

/** Matches only a group made by hand that nothing keeps yet, under the name that it had. */
export const handOver = (db: TenantDb, mapping: string, group: { id: string; name: string }): Statement =>
  statement(
    `UPDATE groups SET kept_by = ?2, handed_over = 1, revision = revision + 1
     WHERE tenant_id = ?1 AND id = ?3 AND name = ?4 AND source = 'local' AND kept_by IS NULL
       AND EXISTS (SELECT 1 FROM group_mappings WHERE tenant_id = ?1 AND id = ?2)`,
    ...[db.tenantId, mapping, group.id, group.name],
  );

/** Groups of these mappings are as any other from now on. */
export const releaseMade = (db: TenantDb, mappings: readonly string[]): Statement =>
  statement(
    'UPDATE groups SET kept_by = NULL, handed_over = 0 WHERE tenant_id = ?1 AND kept_by IN (SELECT value FROM json_each(?2))',
    ...[db.tenantId, JSON.stringify(mappings)],
  );

const left = z.object({ id: z.string(), name: z.string() });

/**
 * Groups that these mappings made and that go once nothing of the directory is in them: nobody else is. Those handed over stay.
 * @param gone the directory's group that goes; null: all that the mappings gave
 */
export async function findLeft(db: TenantDb, mappings: readonly string[], gone: string | null): Promise<Array<z.infer<typeof left>>> {
  if (mappings.length === 0) return [];
  const rows = await db.rows(
    `SELECT g.id, g.name FROM json_each(?2) CROSS JOIN groups g ON g.tenant_id = ?1 AND g.kept_by = value
     WHERE g.handed_over = 0
       AND (?3 IS NULL OR EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = g.id AND m.member_id = ?3))
       AND NOT EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = g.id
         AND (m.given_by IS NOT g.kept_by OR (?3 IS NOT NULL AND m.member_id <> ?3)))`,
    ...[db.tenantId, JSON.stringify(mappings), gone],
  );
  return rows.map((row) => left.parse(row));
}

/** Undoes its batch where somebody is in one of these groups after all. */
export const nobodyIn = (db: TenantDb, groupIds: readonly string[]): Statement =>
  statement(
    `INSERT INTO groups (tenant_id, id, name, source, created_at) SELECT ?1, 'not-empty', NULL, 'local', ''
     WHERE EXISTS (SELECT 1 FROM group_members WHERE tenant_id = ?1 AND group_id IN (SELECT value FROM json_each(?2)))`,
    ...[db.tenantId, JSON.stringify(groupIds)],
  );
