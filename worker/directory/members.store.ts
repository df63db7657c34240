import { z } from 'zod';
import type { GroupEdge } from '@gatehouse/core/access/groups.ts';
import { GROUP_SOURCES, type MemberRef } from '@gatehouse/core/api/groups.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import {
  groupFrom,
  groupQuery,
  roleGrantsFrom,
  roleGrantsQuery,
  WITH_ABOVE,
  WITH_BELOW,
  type GroupRow,
  type RoleGrantRow,
} from './groups.store.ts';
import type { SearchedPage } from './search.ts';

const memberRow = z.object({
  type: z.enum(['user', 'group']),
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  state: z.enum(['active', 'suspended', 'deactivated']).nullable(),
  direct: z.number(),
});
export type MemberRow = z.infer<typeof memberRow>;
const edgeRow = z.object({ group_id: z.string(), member_id: z.string() });
const holderRow = edgeRow.extend({ member_type: z.enum(['user', 'group']) });
const named = z.object({ id: z.string(), name: z.string() });

const edgeOf = (row: Record<string, unknown>): GroupEdge => {
  const { group_id, member_id } = edgeRow.parse(row);
  return { groupId: group_id, memberId: member_id };
};
const namesOf = (rows: ReadonlyArray<Record<string, unknown>> | undefined): Map<string, string> =>
  new Map((rows ?? []).map((each) => named.parse(each)).map(({ id, name }) => [id, name]));

/** Groups first, then people, each by name; one more than asked for, with how the groups below hang together. */
export async function findMembers(
  db: TenantDb,
  groupId: string,
  page: SearchedPage,
  show: 'all' | 'direct' | 'inherited',
): Promise<{ rows: MemberRow[]; edges: GroupEdge[]; names: Map<string, string> }> {
  const [members, edges, names] = await db.batch([
    statement(
      `${WITH_BELOW}, member (type, id, direct) AS (
         SELECT m.member_type, m.member_id, max(m.group_id = ?2) FROM below
         JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = below.id GROUP BY m.member_type, m.member_id
       )
       SELECT * FROM (
         SELECT member.type, member.id, member.direct, coalesce(u.name, g.name) AS name, u.email, u.state FROM member
         LEFT JOIN users u ON u.tenant_id = ?1 AND member.type = 'user' AND u.id = member.id
         LEFT JOIN groups g ON g.tenant_id = ?1 AND member.type = 'group' AND g.id = member.id
       )
       WHERE name IS NOT NULL AND (?3 = 'all' OR direct = (?3 = 'direct'))
         AND instr(lower(name || ' ' || coalesce(email, '')), lower(?4)) > 0 AND (type, lower(name), id) > (?5, ?6, ?7)
       ORDER BY type, lower(name), id LIMIT ?8`,
      ...[db.tenantId, groupId, show, page.q, ...page.after, page.limit + 1],
    ),
    statement(
      `${WITH_BELOW} SELECT m.group_id, m.member_id FROM below
       JOIN group_members m ON m.tenant_id = ?1 AND m.group_id = below.id AND m.member_type = 'group'`,
      ...[db.tenantId, groupId],
    ),
    statement(`${WITH_BELOW} SELECT g.id, g.name FROM below JOIN groups g ON g.tenant_id = ?1 AND g.id = below.id`, db.tenantId, groupId),
  ]);
  return {
    rows: (members?.rows ?? []).map((each) => memberRow.parse(each)),
    edges: (edges?.rows ?? []).map(edgeOf),
    names: namesOf(names?.rows),
  };
}

/** In which groups below the given one each of these is, by member. */
export async function findHolders(db: TenantDb, groupId: string, memberIds: readonly string[]): Promise<Map<string, string[]>> {
  const rows = await db.rows(
    `${WITH_BELOW} SELECT m.group_id, m.member_type, m.member_id FROM json_each(?3) wanted
     JOIN group_members m ON m.tenant_id = ?1 AND m.member_id = wanted.value AND m.member_type IN ('user', 'group')
     JOIN below ON below.id = m.group_id`,
    ...[db.tenantId, groupId, JSON.stringify(memberIds)],
  );
  const holders = new Map<string, string[]>();
  for (const { group_id, member_id } of rows.map((each) => holderRow.parse(each)))
    holders.set(member_id, [...(holders.get(member_id) ?? []), group_id]);
  return holders;
}

const candidateRow = memberRow.pick({ type: true, id: true, name: true, email: true });

/** Who is called that: people and groups that are not in the group directly, or people who could manage it. */
export async function findCandidates(
  db: TenantDb,
  groupId: string,
  q: string,
  as: 'member' | 'manager',
  limit: number,
): Promise<Array<z.infer<typeof candidateRow>>> {
  const isMember = (type: 'user' | 'group', id: string) =>
    `SELECT 1 FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?2 AND m.member_type = '${type}' AND m.member_id = ${id}`;
  const rows = await db.rows(
    `SELECT * FROM (
       SELECT * FROM (SELECT 'group' AS type, g.id, g.name, NULL AS email FROM groups g
         WHERE ?5 = 'member' AND g.tenant_id = ?1 AND g.id <> ?2 AND instr(lower(g.name), lower(?3)) > 0
           AND NOT EXISTS (${isMember('group', 'g.id')}) LIMIT ?4)
       UNION ALL
       SELECT * FROM (SELECT 'user', u.id, u.name, u.email FROM users u
         WHERE u.tenant_id = ?1 AND u.state <> 'deactivated' AND instr(lower(u.name || ' ' || u.email), lower(?3)) > 0
           AND (?5 = 'manager' OR NOT EXISTS (${isMember('user', 'u.id')})) LIMIT ?4)
     ) ORDER BY type, name COLLATE NOCASE`,
    ...[db.tenantId, groupId, q, limit, as],
  );
  return rows.map((each) => candidateRow.parse(each));
}

/** What decides about a change of members. */
export interface MembersState {
  group: GroupRow | undefined;
  /** those of the named who are there, with their names */
  names: Map<string, string>;
  /** those of the named who are members directly */
  present: Set<string>;
  /** how the groups above hang together, and their names */
  above: GroupEdge[];
  aboveNames: Map<string, string>;
  roles: RoleGrantRow[];
  /** the caller is among the named, or is in a group among them */
  namesSelf: boolean;
}

export async function readMembersState(
  db: TenantDb,
  groupId: string,
  userId: string,
  named: { add: readonly MemberRef[]; all: readonly MemberRef[] },
  now: string,
): Promise<MembersState> {
  const ids = JSON.stringify(named.all.map(({ id }) => id));
  const added = JSON.stringify(named.add.map(({ id }) => id));
  const [group, names, present, above, aboveNames, roles, self] = await db.batch([
    groupQuery(db, groupId, userId),
    statement(
      `SELECT id, name FROM users WHERE tenant_id = ?1 AND state <> 'deactivated' AND id IN (SELECT value FROM json_each(?2))
       UNION ALL SELECT id, name FROM groups WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))`,
      ...[db.tenantId, ids],
    ),
    statement(
      'SELECT member_id AS id FROM group_members WHERE tenant_id = ?1 AND group_id = ?2 AND member_id IN (SELECT value FROM json_each(?3))',
      ...[db.tenantId, groupId, ids],
    ),
    statement(
      `${WITH_ABOVE} SELECT m.group_id, m.member_id FROM above
       JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = above.id`,
      ...[db.tenantId, groupId],
    ),
    statement(`${WITH_ABOVE} SELECT g.id, g.name FROM above JOIN groups g ON g.tenant_id = ?1 AND g.id = above.id`, db.tenantId, groupId),
    roleGrantsQuery(db, groupId, now),
    statement(
      `WITH RECURSIVE mine (type, id) AS (
         SELECT 'user', ?2 UNION SELECT 'group', m.group_id FROM mine
         JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id
       ) SELECT 1 FROM mine WHERE id IN (SELECT value FROM json_each(?3)) LIMIT 1`,
      ...[db.tenantId, userId, added],
    ),
  ]);
  return {
    group: groupFrom(group?.rows),
    names: namesOf(names?.rows),
    present: new Set((present?.rows ?? []).map((each) => z.string().parse(each['id']))),
    above: (above?.rows ?? []).map(edgeOf),
    aboveNames: namesOf(aboveNames?.rows),
    roles: roleGrantsFrom(roles?.rows),
    namesSelf: (self?.rows.length ?? 0) > 0,
  };
}

export interface MembersChange {
  groupId: string;
  /** not members yet */
  add: readonly MemberRef[];
  /** members now */
  remove: readonly MemberRef[];
  /** the roles that being in the group gives, as they were when the caller's right was looked at */
  roles: readonly string[];
  now: string;
  /** who must still be a manager of the group; null for somebody who may change every group */
  manager: string | null;
}

/**
 * Matches the group only while all that was read still holds: it is kept here, the caller manages it, it gives no other
 * role, those to be added are there and not members, those to be removed are, and no circle would close. The graph of that moment
 * is walked, so of two edges that close a circle together the second finds the first.
 */
export function guardMembers(db: TenantDb, { groupId, add, remove, roles, now, manager }: MembersChange): Statement {
  const ids = (refs: readonly MemberRef[]) => JSON.stringify(refs.map(({ id }) => id));
  return statement(
    `UPDATE groups SET source = source WHERE tenant_id = ?1 AND id = ?2 AND source = 'local'
     AND (?3 IS NULL OR EXISTS (SELECT 1 FROM group_managers a WHERE a.tenant_id = ?1 AND a.group_id = ?2 AND a.user_id = ?3))
     AND NOT EXISTS (${WITH_ABOVE} SELECT 1 FROM above WHERE id IN (SELECT value FROM json_each(?4)))
     AND NOT EXISTS (${WITH_ABOVE} SELECT 1 FROM above
       JOIN role_assignments a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = above.id
       WHERE (a.expires_at IS NULL OR a.expires_at > ?7) AND a.role NOT IN (SELECT value FROM json_each(?6)))
     AND (SELECT count(*) FROM users u WHERE u.tenant_id = ?1 AND u.state <> 'deactivated' AND u.id IN (SELECT value FROM json_each(?4)))
       + (SELECT count(*) FROM groups g WHERE g.tenant_id = ?1 AND g.id IN (SELECT value FROM json_each(?4))) = json_array_length(?4)
     AND NOT EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?2 AND m.member_id IN (SELECT value FROM json_each(?4)))
     AND (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?2 AND m.member_id IN (SELECT value FROM json_each(?5)))
       = json_array_length(?5)`,
    ...[db.tenantId, groupId, manager, ids(add), ids(remove), JSON.stringify(roles), now],
  );
}

export const writeMembers = (db: TenantDb, { groupId, add, remove }: Pick<MembersChange, 'groupId' | 'add' | 'remove'>): Statement[] => [
  statement(
    'DELETE FROM group_members WHERE tenant_id = ?1 AND group_id = ?2 AND member_id IN (SELECT value FROM json_each(?3))',
    ...[db.tenantId, groupId, JSON.stringify(remove.map(({ id }) => id))],
  ),
  statement(
    `INSERT INTO group_members (tenant_id, group_id, member_type, member_id)
     SELECT ?1, ?2, value ->> 'type', value ->> 'id' FROM json_each(?3)`,
    ...[db.tenantId, groupId, JSON.stringify(add)],
  ),
];

const membershipRow = z.object({
  ...{ group_id: z.string(), member_type: z.enum(['user', 'group']), member_id: z.string() },
  ...{ name: z.string(), source: z.enum(GROUP_SOURCES) },
});
export type MembershipRow = z.infer<typeof membershipRow>;

/** Every membership on the ways up from somebody or something: their groups, the groups of those, and so on. */
export async function findMemberships(db: TenantDb, subject: { type: string; id: string }): Promise<MembershipRow[]> {
  const rows = await db.rows(
    `WITH RECURSIVE mine (type, id) AS (
       SELECT ?2, ?3 UNION SELECT 'group', m.group_id FROM mine
       JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id
     )
     SELECT m.group_id, m.member_type, m.member_id, g.name, g.source FROM mine
     JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id
     JOIN groups g ON g.tenant_id = ?1 AND g.id = m.group_id ORDER BY g.name COLLATE NOCASE`,
    ...[db.tenantId, subject.type, subject.id],
  );
  return rows.map((each) => membershipRow.parse(each));
}
