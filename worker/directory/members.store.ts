import { z } from 'zod';
import { GROUP_SOURCES, type MemberRef } from '@gatehouse/core/api/groups.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { edgeColumns, edgeOf, type EndingEdge } from './group-edges.ts';
import {
  groupFrom,
  groupQuery,
  roleGrantsFrom,
  roleGrantsQuery,
  WITH_ABOVE,
  WITH_BELOW,
  WITH_EVER_ABOVE,
  type GroupRow,
  type RoleGrantRow,
} from './groups.store.ts';
import { inForce } from './in-force.ts';
import type { SearchedPage } from './search.ts';

const memberRow = z.object({
  type: z.enum(['user', 'group']),
  id: z.string(),
  name: z.string(),
  email: z.string().nullable(),
  state: z.enum(['active', 'suspended', 'deactivated']).nullable(),
  direct: z.number(),
  expires_at: z.string().nullable(),
});
export type MemberRow = z.infer<typeof memberRow>;
const holderRow = z.object(edgeColumns);
const named = z.object({ id: z.string(), name: z.string() });

const namesOf = (rows: ReadonlyArray<Record<string, unknown>> | undefined): Map<string, string> =>
  new Map((rows ?? []).map((each) => named.parse(each)).map(({ id, name }) => [id, name]));

/**
 * Groups first, then people, each by name; one more than asked for, with how the groups below hang together. Of those in it directly
 * also whose membership has ended.
 */
export async function findMembers(
  db: TenantDb,
  groupId: string,
  page: SearchedPage,
  show: 'all' | 'direct' | 'inherited',
  now: string,
): Promise<{ rows: MemberRow[]; edges: EndingEdge[]; names: Map<string, string> }> {
  const [members, edges, names] = await db.batch([
    statement(
      `${WITH_BELOW}, member (type, id, direct, expires_at) AS (
         SELECT m.member_type, m.member_id, max(m.group_id = ?2), max(CASE WHEN m.group_id = ?2 THEN m.expires_at END)
         FROM below CROSS JOIN group_members m
         WHERE m.tenant_id = ?1 AND m.group_id = below.id AND (m.group_id = ?2 OR ${inForce('m', '?3')}) GROUP BY m.member_type, m.member_id
       )
       SELECT * FROM (
         SELECT member.*, coalesce(u.name, g.name) AS name, u.email, u.state FROM member
         LEFT JOIN users u ON u.tenant_id = ?1 AND member.type = 'user' AND u.id = member.id
         LEFT JOIN groups g ON g.tenant_id = ?1 AND member.type = 'group' AND g.id = member.id
       )
       WHERE name IS NOT NULL AND (?4 = 'all' OR direct = (?4 = 'direct'))
         AND instr(lower(name || ' ' || coalesce(email, '')), lower(?5)) > 0 AND (type, lower(name), id) > (?6, ?7, ?8)
       ORDER BY type, lower(name), id LIMIT ?9`,
      ...[db.tenantId, groupId, now, show, page.q, ...page.after, page.limit + 1],
    ),
    statement(
      `${WITH_BELOW} SELECT m.group_id, m.member_id, m.expires_at FROM below CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND m.group_id = below.id AND m.member_type = 'group' AND ${inForce('m', '?3')}`,
      ...[db.tenantId, groupId, now],
    ),
    statement(
      `${WITH_BELOW} SELECT g.id, g.name FROM below JOIN groups g ON g.tenant_id = ?1 AND g.id = below.id`,
      ...[db.tenantId, groupId, now],
    ),
  ]);
  return {
    rows: (members?.rows ?? []).map((each) => memberRow.parse(each)),
    edges: (edges?.rows ?? []).map(edgeOf),
    names: namesOf(names?.rows),
  };
}

/** In which groups below the given one each of these is now, and until when, by member. */
export async function findHolders(
  db: TenantDb,
  groupId: string,
  memberIds: readonly string[],
  now: string,
): Promise<Map<string, Map<string, string | null>>> {
  const rows = await db.rows(
    `${WITH_BELOW} SELECT m.group_id, m.member_id, m.expires_at FROM json_each(?4) wanted CROSS JOIN group_members m
     JOIN below ON below.id = m.group_id
     WHERE m.tenant_id = ?1 AND m.member_id = wanted.value AND m.member_type IN ('user', 'group') AND m.group_id <> ?2 AND ${inForce('m', '?3')}`,
    ...[db.tenantId, groupId, now, JSON.stringify(memberIds)],
  );
  const holders = new Map<string, Map<string, string | null>>();
  for (const { group_id, member_id, expires_at } of rows.map((each) => holderRow.parse(each)))
    holders.set(member_id, new Map([...(holders.get(member_id) ?? []), [group_id, expires_at]]));
  return holders;
}

const candidateRow = memberRow.pick({ type: true, id: true, name: true, email: true });

/** Who is called that: people and groups that are not in the group directly now, or people who could manage it. */
export async function findCandidates(
  db: TenantDb,
  groupId: string,
  q: string,
  as: 'member' | 'manager',
  limit: number,
  now: string,
): Promise<Array<z.infer<typeof candidateRow>>> {
  const isMember = (type: 'user' | 'group', id: string) =>
    `SELECT 1 FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?2 AND m.member_type = '${type}' AND m.member_id = ${id}
      AND ${inForce('m', '?6')}`;
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
    ...[db.tenantId, groupId, q, limit, as, now],
  );
  return rows.map((each) => candidateRow.parse(each));
}

/** What decides about a change of members. */
export interface MembersState {
  group: GroupRow | undefined;
  /** those of the named who are there, with their names */
  names: Map<string, string>;
  /** those of the named who are members directly, and until when, be it past */
  present: Map<string, string | null>;
  /** how the groups above hang together, also by memberships that have ended, and their names */
  above: EndingEdge[];
  aboveNames: Map<string, string>;
  roles: RoleGrantRow[];
  /** those of the named that are the caller, or that the caller is in */
  self: Set<string>;
}

export async function readMembersState(
  db: TenantDb,
  groupId: string,
  userId: string,
  named: readonly MemberRef[],
  now: string,
): Promise<MembersState> {
  const ids = JSON.stringify(named.map(({ id }) => id));
  const [group, names, present, above, aboveNames, roles, self] = await db.batch([
    groupQuery(db, groupId, userId, now),
    statement(
      `SELECT id, name FROM users WHERE tenant_id = ?1 AND state <> 'deactivated' AND id IN (SELECT value FROM json_each(?2))
       UNION ALL SELECT id, name FROM groups WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))`,
      ...[db.tenantId, ids],
    ),
    statement(
      `SELECT group_id, member_id, expires_at FROM group_members
       WHERE tenant_id = ?1 AND group_id = ?2 AND member_id IN (SELECT value FROM json_each(?3))`,
      ...[db.tenantId, groupId, ids],
    ),
    statement(
      `${WITH_EVER_ABOVE} SELECT m.group_id, m.member_id, m.expires_at FROM above CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = above.id`,
      ...[db.tenantId, groupId],
    ),
    statement(
      `${WITH_EVER_ABOVE} SELECT g.id, g.name FROM above JOIN groups g ON g.tenant_id = ?1 AND g.id = above.id`,
      db.tenantId,
      groupId,
    ),
    roleGrantsQuery(db, groupId, now),
    statement(
      `WITH RECURSIVE mine (type, id) AS (
         SELECT 'user', ?2 UNION SELECT 'group', m.group_id FROM mine CROSS JOIN group_members m
         WHERE m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id AND ${inForce('m', '?4')}
       ) SELECT id FROM mine WHERE id IN (SELECT value FROM json_each(?3))`,
      ...[db.tenantId, userId, ids, now],
    ),
  ]);
  return {
    group: groupFrom(group?.rows),
    names: namesOf(names?.rows),
    present: new Map((present?.rows ?? []).map(edgeOf).map(({ memberId, expiresAt }) => [memberId, expiresAt])),
    above: (above?.rows ?? []).map(edgeOf),
    aboveNames: namesOf(aboveNames?.rows),
    roles: roleGrantsFrom(roles?.rows),
    self: new Set((self?.rows ?? []).map((each) => z.string().parse(each['id']))),
  };
}

/** Somebody or something in a group until then; null for good. */
export type AddedMember = MemberRef & { expiresAt: string | null };

export interface MembersChange {
  groupId: string;
  /** not members yet */
  add: readonly AddedMember[];
  /** members now, until `before` */
  change: ReadonlyArray<AddedMember & { before: string | null }>;
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
 * role, those to be added are there and not members, those to be removed are, those to be changed end as they were seen to, and no
 * circle would close. The graph of that moment
 * is walked, so of two edges that close a circle together the second finds the first.
 */
export function guardMembers(db: TenantDb, { groupId, add, change, remove, roles, now, manager }: MembersChange): Statement {
  const ids = (refs: readonly MemberRef[]) => JSON.stringify(refs.map(({ id }) => id));
  return statement(
    `UPDATE groups SET source = source WHERE tenant_id = ?1 AND id = ?2 AND source = 'local'
     AND (?7 IS NULL OR EXISTS (SELECT 1 FROM group_managers a WHERE a.tenant_id = ?1 AND a.group_id = ?2 AND a.user_id = ?7))
     AND NOT EXISTS (${WITH_EVER_ABOVE} SELECT 1 FROM above WHERE id IN (SELECT value FROM json_each(?4)))
     AND NOT EXISTS (${WITH_ABOVE} SELECT 1 FROM above
       JOIN role_assignments a ON a.tenant_id = ?1 AND a.subject_type = 'group' AND a.subject_id = above.id
       WHERE ${inForce('a', '?3')} AND a.role NOT IN (SELECT value FROM json_each(?6)))
     AND (SELECT count(*) FROM users u WHERE u.tenant_id = ?1 AND u.state <> 'deactivated' AND u.id IN (SELECT value FROM json_each(?4)))
       + (SELECT count(*) FROM groups g WHERE g.tenant_id = ?1 AND g.id IN (SELECT value FROM json_each(?4))) = json_array_length(?4)
     AND NOT EXISTS (SELECT 1 FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?2 AND m.member_id IN (SELECT value FROM json_each(?4)))
     AND (SELECT count(*) FROM group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?2 AND m.member_id IN (SELECT value FROM json_each(?5)))
       = json_array_length(?5)
     AND (SELECT count(*) FROM json_each(?8) AS c CROSS JOIN group_members m WHERE m.tenant_id = ?1 AND m.group_id = ?2
       AND m.member_type = c.value ->> 'type' AND m.member_id = c.value ->> 'id' AND m.expires_at IS c.value ->> 'before') = json_array_length(?8)`,
    ...[db.tenantId, groupId, now, ids(add), ids(remove), JSON.stringify(roles), manager, JSON.stringify(change)],
  );
}

export const writeMembers = (
  db: TenantDb,
  { groupId, add, change, remove }: Pick<MembersChange, 'groupId' | 'add' | 'change' | 'remove'>,
): Statement[] => [
  statement(
    'DELETE FROM group_members WHERE tenant_id = ?1 AND group_id = ?2 AND member_id IN (SELECT value FROM json_each(?3))',
    ...[db.tenantId, groupId, JSON.stringify(remove.map(({ id }) => id))],
  ),
  statement(
    `INSERT INTO group_members (tenant_id, group_id, member_type, member_id, expires_at)
     SELECT ?1, ?2, value ->> 'type', value ->> 'id', value ->> 'expiresAt' FROM json_each(?3) WHERE TRUE
     ON CONFLICT (tenant_id, group_id, member_type, member_id) DO UPDATE SET expires_at = excluded.expires_at`,
    ...[db.tenantId, groupId, JSON.stringify([...add, ...change])],
  ),
];

const membershipRow = z.object({
  ...edgeColumns,
  ...{ member_type: z.enum(['user', 'group']), name: z.string(), source: z.enum(GROUP_SOURCES) },
});
export type MembershipRow = z.infer<typeof membershipRow>;

/**
 * Every membership on the ways up from somebody or something: their groups, the groups of those, and so on. Their own ones also when
 * they have ended.
 */
export async function findMemberships(db: TenantDb, subject: { type: string; id: string }, now: string): Promise<MembershipRow[]> {
  const rows = await db.rows(
    `WITH RECURSIVE mine (type, id) AS (
       SELECT ?2, ?3 UNION SELECT 'group', m.group_id FROM mine CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id AND ${inForce('m', '?4')}
     )
     SELECT m.group_id, m.member_type, m.member_id, m.expires_at, g.name, g.source FROM mine CROSS JOIN group_members m
     JOIN groups g ON g.tenant_id = ?1 AND g.id = m.group_id
     WHERE m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id AND (m.member_id = ?3 OR ${inForce('m', '?4')})
     ORDER BY g.name COLLATE NOCASE`,
    ...[db.tenantId, subject.type, subject.id, now],
  );
  return rows.map((each) => membershipRow.parse(each));
}
