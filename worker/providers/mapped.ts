import { z } from 'zod';
import { MADE_GROUP_ENDS, MAPPING_KINDS, matchesName } from '@gatehouse/core/access/group-mapping.ts';
import { MAPPING_TARGETS } from '@gatehouse/core/api/group-mappings.ts';
import type { IdKind } from '@gatehouse/core/ids.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/**
 * What mappings give to a directory's groups, as rows. Each bears its mapping's id: what was given by hand before stays that of
 * whoever gave it.
 */

const mappingRow = z.object({
  id: z.string(),
  kind: z.enum(MAPPING_KINDS),
  pattern: z.string(),
  target_type: z.enum(MAPPING_TARGETS),
  /** id of what is given; for a group that is made the pattern of its name */
  target: z.string(),
  when_gone: z.enum(MADE_GROUP_ENDS).nullable(),
});
export type MappingRow = z.infer<typeof mappingRow>;

/** A group of a directory, by the name that it has there. */
export interface NamedGroup {
  id: string;
  display_name: string;
}

/** To be sent in one batch with whatever else is asked. @param provider SQL of the provider's id, which `bound` fills in as ?2 */
export const mappingsQuery = (db: TenantDb, bound: string, provider = '?2'): Statement =>
  statement(
    `SELECT id, kind, pattern, target_type, target, when_gone FROM group_mappings WHERE tenant_id = ?1 AND provider_id = ${provider} ORDER BY id`,
    db.tenantId,
    bound,
  );

export const mappingsFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined): MappingRow[] =>
  (rows ?? []).map((row) => mappingRow.parse(row));

export const isAbout = ({ kind, pattern }: Pick<MappingRow, 'kind' | 'pattern'>, { display_name }: NamedGroup): boolean =>
  matchesName({ kind, pattern }, display_name);

interface Given {
  newId(kind: IdKind): string;
  now: string;
}

/** The directory's group may not have come to be. */
const IS_THERE = "EXISTS (SELECT 1 FROM groups d WHERE d.tenant_id = ?1 AND d.id = value ->> 'id')";

/** Gives these groups what a mapping says, where they do not have it. */
export function give(db: TenantDb, mapping: MappingRow, groups: readonly NamedGroup[], { newId, now }: Given): Statement[] {
  const { id, target_type, target } = mapping;
  const named = JSON.stringify(groups.map((group) => ({ id: group.id, row: target_type === 'role' ? newId('roleAssignment') : '' })));
  switch (target_type) {
    case 'role':
      return [
        statement(
          `INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, created_at, created_by)
         SELECT ?1, value ->> 'row', ?3, 'group', value ->> 'id', ?4, ?2 FROM json_each(?5)
         WHERE ${IS_THERE} AND (?3 NOT LIKE 'rol\\_%' ESCAPE '\\' OR EXISTS (SELECT 1 FROM roles WHERE tenant_id = ?1 AND id = ?3))
           AND EXISTS (SELECT 1 FROM group_mappings WHERE tenant_id = ?1 AND id = ?2)
         ON CONFLICT (tenant_id, subject_type, subject_id, role) DO UPDATE SET id = excluded.id, expires_at = NULL,
           created_at = excluded.created_at, created_by = excluded.created_by
         WHERE role_assignments.expires_at <= ?4`,
          ...[db.tenantId, id, target, now, named],
        ),
      ];
    case 'group':
      return [
        statement(
          `INSERT INTO group_members (tenant_id, group_id, member_type, member_id, given_by)
         SELECT ?1, ?3, 'group', value ->> 'id', ?2 FROM json_each(?5)
         WHERE ${IS_THERE} AND EXISTS (SELECT 1 FROM groups WHERE tenant_id = ?1 AND id = ?3 AND source = 'local')
           AND EXISTS (SELECT 1 FROM group_mappings WHERE tenant_id = ?1 AND id = ?2)
         ON CONFLICT (tenant_id, group_id, member_type, member_id) DO UPDATE SET expires_at = NULL, given_by = excluded.given_by
         WHERE group_members.expires_at <= ?4`,
          ...[db.tenantId, id, target, now, named],
        ),
      ];
    case 'template':
      return [
        statement(
          `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, created_at, created_by)
         SELECT ?1, ?3, 'group', value ->> 'id', 'use', ?4, ?2 FROM json_each(?5)
         WHERE ${IS_THERE} AND EXISTS (SELECT 1 FROM templates WHERE tenant_id = ?1 AND id = ?3 AND deleted_at IS NULL)
           AND EXISTS (SELECT 1 FROM group_mappings WHERE tenant_id = ?1 AND id = ?2)
         ON CONFLICT (tenant_id, template_id, subject_type, subject_id, grant_id) DO UPDATE SET role = 'use', expires_at = NULL,
           created_at = excluded.created_at, created_by = excluded.created_by
         WHERE template_acl.expires_at <= ?4`,
          ...[db.tenantId, id, target, now, named],
        ),
        aclChanged(db, 'id = ?2', target),
      ];
    // What may have to be made first is planned: see made-groups.ts.
    case 'made-group':
      return [];
  }
}

/** Whoever has the list of a template open must load it again. @param which `?2` is bound */
const aclChanged = (db: TenantDb, which: string, bound: string): Statement =>
  statement(`UPDATE templates SET acl_revision = acl_revision + 1 WHERE tenant_id = ?1 AND ${which}`, db.tenantId, bound);

/** Takes back what these mappings gave. @param groupId only from that group; null: from all */
export const takeBack = (db: TenantDb, mappingIds: readonly string[], groupId: string | null): Statement[] => {
  const bound = [db.tenantId, JSON.stringify(mappingIds), groupId];
  const among = 'IN (SELECT value FROM json_each(?2))';
  const lists = `id IN (SELECT template_id FROM template_acl WHERE tenant_id = ?1 AND subject_type = 'group' AND created_by ${among})`;
  return [
    aclChanged(db, lists, JSON.stringify(mappingIds)),
    statement(
      `DELETE FROM role_assignments WHERE tenant_id = ?1 AND subject_type = 'group' AND created_by ${among}
       AND (?3 IS NULL OR subject_id = ?3)`,
      ...bound,
    ),
    statement(
      `DELETE FROM group_members WHERE tenant_id = ?1 AND member_type = 'group' AND given_by ${among} AND (?3 IS NULL OR member_id = ?3)`,
      ...bound,
    ),
    statement(
      `DELETE FROM template_acl WHERE tenant_id = ?1 AND subject_type = 'group' AND created_by ${among} AND (?3 IS NULL OR subject_id = ?3)`,
      ...bound,
    ),
  ];
};

/**
 * What follows from the name that a group of the directory has now: it gets what the mappings give that are about it, and loses what
 * the others gave. @returns the changes, the mappings that are about it, and whether it may lose something
 */
export function mappedGroup(
  db: TenantDb,
  mappings: readonly MappingRow[],
  group: NamedGroup,
  given: Given,
): { changes: Statement[]; about: MappingRow[]; lessens: boolean } {
  const about = mappings.filter((mapping) => isAbout(mapping, group));
  // A group that is made has another name by now, too: what is to stay in it joins it again.
  const others = mappings.filter((mapping) => !about.includes(mapping) || mapping.target_type === 'made-group').map(({ id }) => id);
  const lost = others.length === 0 ? [] : takeBack(db, others, group.id);
  return { changes: [...lost, ...about.flatMap((mapping) => give(db, mapping, [group], given))], about, lessens: others.length > 0 };
}
