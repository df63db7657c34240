import { z } from 'zod';
import { GROUP_SOURCES } from '@gatehouse/core/api/groups.ts';
import { TEMPLATE_ROLES } from '@gatehouse/core/access/template-acl.ts';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { inForce } from './in-force.ts';
import type { SearchedPage } from './search.ts';

const row = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  source: z.enum(GROUP_SOURCES),
  revision: z.number(),
  created_at: z.string(),
  users: z.number(),
  sub_groups: z.number(),
  /** the person who asks may edit its members */
  manages: z.number(),
});
export type GroupRow = z.infer<typeof row>;

/** Bind ?1 tenant, ?2 the person who asks, ?3 now. */
const SELECT = `SELECT g.id, g.name, g.description, g.source, g.revision, g.created_at,
    (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = g.id AND m.member_type = 'user'
      AND ${inForce('m', '?3')}) AS users,
    (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = g.id AND m.member_type = 'group'
      AND ${inForce('m', '?3')}) AS sub_groups,
    EXISTS (SELECT 1 FROM group_managers a WHERE a.tenant_id = ?1 AND a.group_id = g.id AND a.user_id = ?2) AS manages
  FROM groups g WHERE g.tenant_id = ?1`;

const above = (condition: string) => `WITH RECURSIVE above (id) AS (
    SELECT ?2 UNION SELECT m.group_id FROM above CROSS JOIN group_members m
    WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = above.id AND ${condition}
  )`;

/** The group and all that it is in now, however deep. Bind ?1 tenant, ?2 group, ?3 now. */
export const WITH_ABOVE = above(inForce('m', '?3'));

/** Also by memberships that have ended: their end may be moved, so they close no circle either. Bind ?1 tenant, ?2 group. */
export const WITH_EVER_ABOVE = above('TRUE');

/** The group and all groups in it now, however deep. Bind ?1 tenant, ?2 group, ?3 now. */
export const WITH_BELOW = `WITH RECURSIVE below (id) AS (
    SELECT ?2 UNION SELECT m.member_id FROM below CROSS JOIN group_members m
    WHERE m.tenant_id = ?1 AND m.group_id = below.id AND m.member_type = 'group' AND ${inForce('m', '?3')}
  )`;

/** By name, one more than asked for. @param onlyManaged those alone that the person manages */
export async function findGroups(db: TenantDb, userId: string, page: SearchedPage, onlyManaged: boolean, now: string): Promise<GroupRow[]> {
  const rows = await db.rows(
    `SELECT * FROM (${SELECT} AND g.name COLLATE NOCASE > ?4 AND instr(lower(g.name || ' ' || g.description), lower(?5)) > 0)
     WHERE ?6 = 0 OR manages = 1 ORDER BY name COLLATE NOCASE LIMIT ?7`,
    ...[db.tenantId, userId, now, page.after[0], page.q, onlyManaged ? 1 : 0, page.limit + 1],
  );
  return rows.map((each) => row.parse(each));
}

export const groupQuery = (db: TenantDb, id: string, userId: string, now: string): Statement =>
  statement(`${SELECT} AND g.id = ?4`, db.tenantId, userId, now, id);
export const groupFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined): GroupRow | undefined =>
  rows?.[0] === undefined ? undefined : row.parse(rows[0]);

export async function findGroup(db: TenantDb, id: string, userId: string, now: string): Promise<GroupRow | undefined> {
  const [found] = await db.batch([groupQuery(db, id, userId, now)]);
  return groupFrom(found?.rows);
}

/** Only below the limit: else it changes nothing. */
export const insertGroup = (db: TenantDb, group: { id: string; name: string; description: string; createdAt: string }): Statement =>
  statement(
    `INSERT INTO groups (tenant_id, id, name, description, source, revision, created_at) SELECT ?1, ?2, ?3, ?4, 'local', 1, ?5
     WHERE (SELECT count(*) FROM groups WHERE tenant_id = ?1) < ?6`,
    ...[db.tenantId, group.id, group.name, group.description, group.createdAt, QUOTAS.groups],
  );

export const updateGroup = (db: TenantDb, id: string, revision: number, set: { name: string; description: string }): Statement =>
  statement(
    'UPDATE groups SET name = ?4, description = ?5, revision = revision + 1 WHERE tenant_id = ?1 AND id = ?2 AND revision = ?3',
    ...[db.tenantId, id, revision, set.name, set.description],
  );

/** @param givesNothing matches only a group that has no role, stands on no template and is in no other group */
export const deleteGroup = (db: TenantDb, id: string, givesNothing: boolean, now: string): Statement =>
  statement(
    `DELETE FROM groups WHERE tenant_id = ?1 AND id = ?2 AND source = 'local' AND (?3 = 0 OR NOT (
       EXISTS (SELECT 1 FROM role_assignments a
         WHERE a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = ?2 AND ${inForce('a', '?4')})
       OR EXISTS (SELECT 1 FROM template_acl a
         WHERE a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = ?2 AND ${inForce('a', '?4')})
       OR EXISTS (SELECT 1 FROM group_members m
         WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = ?2 AND ${inForce('m', '?4')})))`,
    ...[db.tenantId, id, givesNothing ? 1 : 0, now],
  );

/** Everything that names groups which go. A template whose list loses an entry has another version of it. */
export function forgetGroups(db: TenantDb, ids: readonly string[]): Statement[] {
  const of = (sql: string) => statement(sql, db.tenantId, JSON.stringify(ids));
  const among = 'IN (SELECT value FROM json_each(?2))';
  return [
    of(`UPDATE templates SET acl_revision = acl_revision + 1 WHERE tenant_id = ?1 AND id IN
          (SELECT template_id FROM template_acl WHERE tenant_id = ?1 AND subject_type = 'group' AND subject_id ${among})`),
    of(`DELETE FROM template_acl WHERE tenant_id = ?1 AND subject_type = 'group' AND subject_id ${among}`),
    of(`DELETE FROM role_assignments WHERE tenant_id = ?1 AND subject_type = 'group' AND subject_id ${among}`),
    of(`DELETE FROM group_members WHERE tenant_id = ?1 AND group_id ${among}`),
    of(`DELETE FROM group_members WHERE tenant_id = ?1 AND member_type = 'group' AND member_id ${among}`),
    of(`DELETE FROM group_managers WHERE tenant_id = ?1 AND group_id ${among}`),
  ];
}

export const deleteGroups = (db: TenantDb, ids: readonly string[]): Statement =>
  statement('DELETE FROM groups WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))', db.tenantId, JSON.stringify(ids));

const owned = z.object({
  ...{ kind: z.enum(['role', 'template', 'parent']), group_id: z.string(), name: z.string(), role: z.string().nullable() },
  /** of a custom role */
  ...{ title: z.string().nullable(), permissions: z.string().nullable() },
});
export type OwnedRow = z.infer<typeof owned>;

/** What these groups have by themselves now: roles, entries on templates, places in other groups. */
export async function findOwned(db: TenantDb, ids: readonly string[], now: string): Promise<OwnedRow[]> {
  const rows = await db.rows(
    `SELECT 'role' AS kind, value AS group_id, coalesce(r.name, a.role) AS name, a.role, r.name AS title, r.permissions FROM json_each(?2)
     CROSS JOIN role_assignments a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = value
     LEFT JOIN roles r ON r.tenant_id = ?1 AND r.id = a.role WHERE ${inForce('a', '?3')}
     UNION ALL
     SELECT 'template', value, t.name, a.role, NULL, NULL FROM json_each(?2)
     CROSS JOIN template_acl a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = value
     JOIN templates t ON t.tenant_id = ?1 AND t.id = a.template_id AND t.deleted_at IS NULL WHERE ${inForce('a', '?3')}
     UNION ALL
     SELECT 'parent', value, g.name, NULL, NULL, NULL FROM json_each(?2)
     CROSS JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = value
     JOIN groups g ON g.tenant_id = ?1 AND g.id = m.group_id WHERE ${inForce('m', '?3')}`,
    ...[db.tenantId, JSON.stringify(ids), now],
  );
  return rows.map((each) => owned.parse(each));
}

const ref = z.object({ id: z.string(), name: z.string() });
const parent = ref.extend({ expires_at: z.string().nullable() });
const manager = ref.extend({ email: z.string() });
const roleGrant = z.object({
  ...{ role: z.string(), name: z.string().nullable(), permissions: z.string().nullable() },
  ...{ expires_at: z.string().nullable(), from_id: z.string(), from_name: z.string() },
});
const templateGrant = z.object({
  ...{ id: z.string(), name: z.string(), role: z.enum(TEMPLATE_ROLES) },
  ...{ expires_at: z.string().nullable(), from_id: z.string(), from_name: z.string() },
});
export type RoleGrantRow = z.infer<typeof roleGrant>;

/** The unexpired roles that being in this group gives, with the group that has each. */
export const roleGrantsQuery = (db: TenantDb, id: string, now: string): Statement =>
  statement(
    `${WITH_ABOVE} SELECT a.role, r.name, r.permissions, a.expires_at, g.id AS from_id, g.name AS from_name FROM above
     JOIN role_assignments a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = above.id
     JOIN groups g ON g.tenant_id = ?1 AND g.id = above.id
     LEFT JOIN roles r ON r.tenant_id = ?1 AND r.id = a.role
     WHERE ${inForce('a', '?3')} ORDER BY g.id <> ?2, a.role`,
    ...[db.tenantId, id, now],
  );
export const roleGrantsFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined): RoleGrantRow[] =>
  (rows ?? []).map((each) => roleGrant.parse(each));

const templateGrantsQuery = (db: TenantDb, id: string, now: string): Statement =>
  statement(
    `${WITH_ABOVE} SELECT t.id, t.name, a.role, a.expires_at, g.id AS from_id, g.name AS from_name FROM above
     JOIN template_acl a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = above.id
     JOIN templates t ON t.tenant_id = ?1 AND t.id = a.template_id AND t.deleted_at IS NULL
     JOIN groups g ON g.tenant_id = ?1 AND g.id = above.id
     WHERE ${inForce('a', '?3')} ORDER BY t.name, g.id <> ?2`,
    ...[db.tenantId, id, now],
  );

export interface GroupSurroundings {
  managers: Array<z.infer<typeof manager>>;
  parents: Array<z.infer<typeof parent>>;
  roles: RoleGrantRow[];
  templates: Array<z.infer<typeof templateGrant>>;
  people: number;
}

/** The group with all that hangs on it, in one trip. */
export async function findSurroundings(
  db: TenantDb,
  id: string,
  userId: string,
  now: string,
): Promise<{ row: GroupRow | undefined } & GroupSurroundings> {
  return surroundingsFrom(await db.batch(surroundingsQueries(db, id, userId, now)));
}

/** The same, to be read together with something else. */
export const surroundingsQueries = (db: TenantDb, id: string, userId: string, now: string): Statement[] => [
  groupQuery(db, id, userId, now),
  managersQuery(db, id),
  statement(
    `SELECT g.id, g.name, m.expires_at FROM group_members m JOIN groups g ON g.tenant_id = ?1 AND g.id = m.group_id
     WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = ?2 AND ${inForce('m', '?3')} ORDER BY g.name COLLATE NOCASE`,
    ...[db.tenantId, id, now],
  ),
  roleGrantsQuery(db, id, now),
  templateGrantsQuery(db, id, now),
  statement(
    `${WITH_BELOW} SELECT count(DISTINCT m.member_id) AS people FROM below CROSS JOIN group_members m
     WHERE m.tenant_id = ?1 AND m.group_id = below.id AND m.member_type = 'user' AND ${inForce('m', '?3')}`,
    ...[db.tenantId, id, now],
  ),
];

type Found = { rows: ReadonlyArray<Record<string, unknown>> } | undefined;

export function surroundingsFrom([found, managers, parents, roles, templates, people]: readonly Found[]): {
  row: GroupRow | undefined;
} & GroupSurroundings {
  return {
    row: groupFrom(found?.rows),
    managers: managersFrom(managers?.rows),
    parents: (parents?.rows ?? []).map((each) => parent.parse(each)),
    roles: roleGrantsFrom(roles?.rows),
    templates: (templates?.rows ?? []).map((each) => templateGrant.parse(each)),
    people: z.object({ people: z.number() }).parse(people?.rows[0]).people,
  };
}

export const managersQuery = (db: TenantDb, id: string): Statement =>
  statement(
    `SELECT u.id, u.name, u.email FROM group_managers a JOIN users u ON u.tenant_id = ?1 AND u.id = a.user_id
     WHERE a.tenant_id = ?1 AND a.group_id = ?2 ORDER BY u.name COLLATE NOCASE`,
    ...[db.tenantId, id],
  );
export const managersFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined) => (rows ?? []).map((each) => manager.parse(each));

/** People who may be named: those who have not left. */
export const peopleQuery = (db: TenantDb, ids: readonly string[]): Statement =>
  statement(
    "SELECT id, name, email FROM users WHERE tenant_id = ? AND state <> 'deactivated' AND id IN (SELECT value FROM json_each(?))",
    ...[db.tenantId, JSON.stringify(ids)],
  );

export const replaceManagers = (db: TenantDb, id: string, userIds: readonly string[]): Statement[] => [
  statement('DELETE FROM group_managers WHERE tenant_id = ? AND group_id = ?', db.tenantId, id),
  statement(
    'INSERT INTO group_managers (tenant_id, group_id, user_id) SELECT ?1, ?2, value FROM json_each(?3)',
    ...[db.tenantId, id, JSON.stringify(userIds)],
  ),
];
