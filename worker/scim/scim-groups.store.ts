import { z } from 'zod';
import { QUOTAS } from '@gatehouse/core/api/directory.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { OF_PROVIDER } from './call.store.ts';
import type { ListQuery } from './list-query.ts';

type Found = { rows: ReadonlyArray<Record<string, unknown>> } | undefined;

const row = z.object({
  id: z.string(),
  display_name: z.string(),
  external_id: z.string().nullable(),
  version: z.number(),
  created_at: z.string(),
  updated_at: z.string(),
  /** null: they were not asked for */
  members: z.string().nullable(),
});
export type ScimGroupRow = z.infer<typeof row>;
export const scimGroupsFrom = (found: Found): ScimGroupRow[] => (found?.rows ?? []).map((each) => row.parse(each));

export interface MemberRow {
  id: string;
  name: string;
}
const pairs = z.array(z.tuple([z.string(), z.string().nullable()]));
export const membersOf = ({ members }: ScimGroupRow): MemberRow[] =>
  members === null ? [] : pairs.parse(JSON.parse(members)).map(([id, name]) => ({ id, name: name ?? id }));

const COLUMNS = 's.group_id AS id, s.display_name, s.external_id, s.version, s.created_at, s.updated_at';
const FROM = `FROM scim_groups s WHERE s.tenant_id = ?1 AND s.provider_id = ${OF_PROVIDER}`;
const members = (groupId: string) => `(SELECT json_group_array(json_array(m.member_id, coalesce(u.name, g.name))) FROM group_members m
    LEFT JOIN users u ON u.tenant_id = ?1 AND m.member_type = 'user' AND u.id = m.member_id
    LEFT JOIN groups g ON g.tenant_id = ?1 AND m.member_type = 'group' AND g.id = m.member_id
    WHERE m.tenant_id = ?1 AND m.group_id = ${groupId})`;

export const scimGroupQuery = (db: TenantDb, hash: string, id: string, withMembers: boolean): Statement =>
  statement(
    `SELECT ${COLUMNS}, ${withMembers ? members('s.group_id') : 'NULL'} AS members ${FROM} AND s.group_id = ?3`,
    db.tenantId,
    hash,
    id,
  );

/** Members that one page shows: where the groups of a page have more, it is shorter, and the next one goes on. */
const MAX_SHOWN = 20_000;

/** One page, and how many there are. */
export function scimGroupsQueries(
  db: TenantDb,
  hash: string,
  { where, orderBy, startIndex, count }: ListQuery,
  withMembers: boolean,
): Statement[] {
  const values = JSON.stringify(where.values);
  const page = `SELECT ${COLUMNS}, row_number() OVER (ORDER BY ${orderBy}) AS place ${FROM} AND ${where.sql} AND ?3 IS NOT NULL
    ORDER BY ${orderBy} LIMIT ?4 OFFSET ?5`;
  const fitting = `WITH page AS (${page}),
    sized AS (SELECT *, (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = page.id) AS size FROM page),
    running AS (SELECT *, sum(size) OVER (ORDER BY place) - size AS before FROM sized)
    SELECT id, display_name, external_id, version, created_at, updated_at, ${members('running.id')} AS members
    FROM running WHERE before < ${MAX_SHOWN} ORDER BY place`;
  return [
    statement(`SELECT count(*) AS total ${FROM} AND ${where.sql} AND ?3 IS NOT NULL`, db.tenantId, hash, values),
    statement(
      withMembers
        ? fitting
        : `SELECT ${COLUMNS}, NULL AS members ${FROM} AND ${where.sql} AND ?3 IS NOT NULL ORDER BY ${orderBy} LIMIT ?4 OFFSET ?5`,
      ...[db.tenantId, hash, values, count, startIndex - 1],
    ),
  ];
}

const namedRow = z.object({ id: z.string(), name: z.string().nullable() });
export const namesFrom = (found: Found): Map<string, string> =>
  new Map((found?.rows ?? []).map((each) => namedRow.parse(each)).map(({ id, name }) => [id, name ?? id]));

/** Those among the named that the directory keeps, with their names. */
const KEPT = (ids: string) => `SELECT s.user_id AS id, u.name FROM scim_users s JOIN users u ON u.tenant_id = ?1 AND u.id = s.user_id
    WHERE s.tenant_id = ?1 AND s.provider_id = ${OF_PROVIDER} AND s.deleted_at IS NULL AND s.user_id IN (SELECT value FROM json_each(${ids}))
  UNION ALL SELECT k.group_id, k.display_name FROM scim_groups k
    WHERE k.tenant_id = ?1 AND k.provider_id = ${OF_PROVIDER} AND k.group_id IN (SELECT value FROM json_each(${ids}))`;
export const keptQuery = (db: TenantDb, hash: string, ids: readonly string[]): Statement =>
  statement(KEPT('?3'), db.tenantId, hash, JSON.stringify(ids));

/**
 * Those members of a group that are named by this list. With both types the whole key is known: else all members of the group would
 * be read for each one that comes or goes.
 */
const named = (list: string) => `m.member_type IN ('user', 'group') AND m.member_id IN (SELECT value FROM json_each(${list}))`;

/** Who is in the group of this directory. @param ids null: all */
export const presentQuery = (db: TenantDb, hash: string, groupId: string, ids: readonly string[] | null): Statement =>
  statement(
    `SELECT m.member_id AS id, coalesce(u.name, g.name) AS name FROM scim_groups s CROSS JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = s.group_id
     LEFT JOIN users u ON u.tenant_id = ?1 AND m.member_type = 'user' AND u.id = m.member_id
     LEFT JOIN groups g ON g.tenant_id = ?1 AND m.member_type = 'group' AND g.id = m.member_id
     WHERE s.tenant_id = ?1 AND s.provider_id = ${OF_PROVIDER} AND s.group_id = ?3
       ${ids === null ? '' : `AND ${named('?4')}`}`,
    ...[db.tenantId, hash, groupId, ...(ids === null ? [] : [JSON.stringify(ids)])],
  );

/** Memberships that have ended close a circle, too: their end may be moved. Binds ?1 tenant. */
const above = (groupId: string) => `WITH RECURSIVE above (id) AS (
    SELECT ${groupId} UNION SELECT m.group_id FROM above CROSS JOIN group_members m
    WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = above.id
  )`;

/** Those among the named in which the group is itself: to add one would close a circle. */
export const circlesQuery = (db: TenantDb, groupId: string, ids: readonly string[]): Statement =>
  statement(
    `${above('?2')} SELECT id, id AS name FROM above WHERE id IN (SELECT value FROM json_each(?3))`,
    db.tenantId,
    groupId,
    JSON.stringify(ids),
  );

/** Who has that name among all groups of the organisation. */
export const nameQuery = (db: TenantDb, hash: string, name: string): Statement =>
  statement(
    `SELECT g.id, g.source, s.group_id IS NOT NULL AS own FROM groups g
     LEFT JOIN scim_groups s ON s.tenant_id = ?1 AND s.provider_id = ${OF_PROVIDER} AND s.group_id = g.id
     WHERE g.tenant_id = ?1 AND g.name = ?3 COLLATE NOCASE`,
    ...[db.tenantId, hash, name],
  );
const namesake = z.object({ id: z.string(), source: z.enum(['local', 'scim', 'oidc']), own: z.number() });
export const namesakeFrom = (found: Found) => (found?.rows[0] === undefined ? null : namesake.parse(found.rows[0]));

/** Matches nothing when the organisation has as many groups as it may have. */
export const insertGroup = (db: TenantDb, id: string, name: string, now: string): Statement =>
  statement(
    `INSERT INTO groups (tenant_id, id, name, description, source, revision, created_at) SELECT ?1, ?2, ?3, '', 'scim', 1, ?4
     WHERE (SELECT count(*) FROM groups WHERE tenant_id = ?1) < ?5`,
    ...[db.tenantId, id, name, now, QUOTAS.groups],
  );
export const keepGroup = (
  db: TenantDb,
  providerId: string,
  group: { id: string; displayName: string; externalId: string | null },
  now: string,
): Statement =>
  statement(
    `INSERT INTO scim_groups (tenant_id, provider_id, group_id, display_name, external_id, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)`,
    ...[db.tenantId, providerId, group.id, group.displayName, group.externalId, now],
  );

export interface GroupEdit {
  before: ScimGroupRow;
  displayName: string;
  externalId: string | null;
  add: readonly string[];
  remove: readonly string[];
  /** all members were looked at, or the caller says what it has seen: nobody may have come in between */
  exact: boolean;
}

/**
 * Matches nothing when it is not as it was seen: its name, those who come not in it, those who go in it, no circle closed, and all
 * who come kept by this directory. Calls on other members of the same group do not disturb each other.
 */
export const changeGroup = (
  db: TenantDb,
  providerId: string,
  { before, displayName, externalId, add, remove, exact }: GroupEdit,
  now: string,
): Statement =>
  statement(
    `UPDATE scim_groups SET display_name = ?4, external_id = ?5, version = version + 1, updated_at = ?6
     WHERE tenant_id = ?1 AND provider_id = ?2 AND group_id = ?3 AND display_name = ?7 AND external_id IS ?8 AND (?9 = 0 OR version = ?10)
       AND NOT EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?3 AND ${named('?11')})
       AND (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?3 AND ${named('?12')})
         = json_array_length(?12)
       AND (SELECT count(*) FROM scim_users u WHERE u.tenant_id = ?1 AND u.provider_id = ?2 AND u.deleted_at IS NULL
           AND u.user_id IN (SELECT value FROM json_each(?11)))
         + (SELECT count(*) FROM scim_groups k WHERE k.tenant_id = ?1 AND k.provider_id = ?2 AND k.group_id IN (SELECT value FROM json_each(?11)))
         = json_array_length(?11)
       AND NOT EXISTS (${above('?3')} SELECT 1 FROM above WHERE id IN (SELECT value FROM json_each(?11)))`,
    ...[db.tenantId, providerId, before.id, displayName, externalId, now, before.display_name, before.external_id],
    ...[exact ? 1 : 0, before.version, JSON.stringify(add), JSON.stringify(remove)],
  );

export const renameGroup = (db: TenantDb, id: string, name: string): Statement =>
  statement('UPDATE groups SET name = ?3, revision = revision + 1 WHERE tenant_id = ?1 AND id = ?2 AND name <> ?3', db.tenantId, id, name);

export const writeMembers = (db: TenantDb, groupId: string, { add, remove }: Pick<GroupEdit, 'add' | 'remove'>): Statement[] => [
  ...(remove.length === 0
    ? []
    : [
        statement(
          `DELETE FROM group_members AS m WHERE m.tenant_id = ?1 AND m.group_id = ?2 AND ${named('?3')}`,
          ...[db.tenantId, groupId, JSON.stringify(remove)],
        ),
      ]),
  ...(add.length === 0
    ? []
    : [
        statement(
          `INSERT INTO group_members (tenant_id, group_id, member_type, member_id)
           SELECT ?1, ?2, CASE WHEN value LIKE 'grp%' THEN 'group' ELSE 'user' END, value FROM json_each(?3) WHERE TRUE ON CONFLICT DO NOTHING`,
          ...[db.tenantId, groupId, JSON.stringify(add)],
        ),
      ]),
];

/** Matches nothing when it changed since. */
export const deleteGroup = (db: TenantDb, providerId: string, { id, version }: ScimGroupRow): Statement =>
  statement(
    'DELETE FROM scim_groups WHERE tenant_id = ? AND provider_id = ? AND group_id = ? AND version = ?',
    ...[db.tenantId, providerId, id, version],
  );
export const dropGroup = (db: TenantDb, id: string): Statement =>
  statement("DELETE FROM groups WHERE tenant_id = ? AND id = ? AND source = 'scim'", db.tenantId, id);
