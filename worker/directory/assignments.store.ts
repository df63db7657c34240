import { z } from 'zod';
import { SUBJECT_TYPES } from '@gatehouse/core/api/roles.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { edgeColumns, edgeOf, type EndingEdge } from './group-edges.ts';
import { inForce } from './in-force.ts';

const row = z.object({
  ...{ id: z.string(), role: z.string(), role_name: z.string().nullable(), permissions: z.string().nullable() },
  ...{ subject_type: z.enum(SUBJECT_TYPES), subject_id: z.string(), subject_name: z.string(), email: z.string().nullable() },
  ...{ expires_at: z.string().nullable(), created_at: z.string(), created_by: z.string().nullable() },
});
export type AssignmentRow = z.infer<typeof row>;

/** Bind ?1 tenant. A subject of a kind that has no name here is called by its id. */
const COLUMNS = `a.id, a.role, r.name AS role_name, r.permissions, a.subject_type, a.subject_id,
    coalesce(u.name, g.name, s.name, a.subject_id) AS subject_name, u.email, a.expires_at, a.created_at, coalesce(b.name, a.created_by) AS created_by`;
const NAMES = `LEFT JOIN roles r ON r.tenant_id = ?1 AND r.id = a.role
    LEFT JOIN users u ON u.tenant_id = ?1 AND a.subject_type = 'user' AND u.id = a.subject_id
    LEFT JOIN groups g ON g.tenant_id = ?1 AND a.subject_type = 'group' AND g.id = a.subject_id
    LEFT JOIN service_accounts s ON s.tenant_id = ?1 AND a.subject_type = 'service-account' AND s.id = a.subject_id
    LEFT JOIN users b ON b.tenant_id = ?1 AND b.id = a.created_by`;

/** Unexpired ones, in the order in which they were given; one more than asked for. */
export async function findAssignments(
  db: TenantDb,
  page: { q: string; limit: number; after: string },
  role: string | null,
  now: string,
): Promise<AssignmentRow[]> {
  const rows = await db.rows(
    `SELECT ${COLUMNS} FROM role_assignments a ${NAMES}
     WHERE a.tenant_id = ?1 AND (?2 IS NULL OR a.role = ?2) AND (a.expires_at IS NULL OR a.expires_at > ?3) AND a.id > ?4
       AND instr(lower(coalesce(u.name, g.name, s.name, a.subject_id) || ' ' || coalesce(u.email, '')), lower(?5)) > 0
     ORDER BY a.id LIMIT ?6`,
    ...[db.tenantId, role, now, page.after, page.q, page.limit + 1],
  );
  return rows.map((each) => row.parse(each));
}

const way = z.object({ ...edgeColumns, member_type: z.string(), name: z.string() });

/** What a subject has, its own first, with how the groups above it hang together. */
export async function findAssignmentsOf(
  db: TenantDb,
  subject: { type: string; id: string },
  now: string,
): Promise<{ rows: AssignmentRow[]; holders: Map<string, string | null>; edges: EndingEdge[]; names: Map<string, string> }> {
  const mine = `WITH RECURSIVE mine (type, id) AS (
      SELECT ?2, ?3 UNION SELECT 'group', m.group_id FROM mine CROSS JOIN group_members m
      WHERE m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id AND ${inForce('m', '?4')}
    )`;
  const [assignments, memberships] = await db.batch([
    statement(
      `${mine} SELECT ${COLUMNS} FROM mine
       JOIN role_assignments a ON a.tenant_id = ?1 AND a.subject_type = mine.type AND a.subject_id = mine.id ${NAMES}
       WHERE a.expires_at IS NULL OR a.expires_at > ?4 ORDER BY a.subject_id <> ?3, a.id`,
      ...[db.tenantId, subject.type, subject.id, now],
    ),
    statement(
      `${mine} SELECT m.group_id, m.member_type, m.member_id, m.expires_at, g.name FROM mine CROSS JOIN group_members m
       JOIN groups g ON g.tenant_id = ?1 AND g.id = m.group_id
       WHERE m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id AND ${inForce('m', '?4')}`,
      ...[db.tenantId, subject.type, subject.id, now],
    ),
  ]);
  const ways = (memberships?.rows ?? []).map((each) => way.parse(each));
  return {
    rows: (assignments?.rows ?? []).map((each) => row.parse(each)),
    holders: new Map(ways.filter(({ member_id }) => member_id === subject.id).map(({ group_id, expires_at }) => [group_id, expires_at])),
    edges: ways.filter(({ member_id, member_type }) => member_type === 'group' && member_id !== subject.id).map(edgeOf),
    names: new Map(ways.map(({ group_id, name }) => [group_id, name])),
  };
}

/** Also one that has ended. */
export async function findAssignment(db: TenantDb, id: string): Promise<AssignmentRow | undefined> {
  const found = await db.first(
    `SELECT ${COLUMNS} FROM role_assignments a ${NAMES} WHERE a.tenant_id = ?1 AND a.id = ?2`,
    ...[db.tenantId, id],
  );
  return found === undefined ? undefined : row.parse(found);
}

const subjectRow = z.object({ name: z.string(), email: z.string().nullable() });
const roleRow = z.object({ name: z.string(), permissions: z.string() });

/** What is needed to give a role: who gets it, the custom role’s row, and whether the caller is, or is in, the subject. */
export async function findForAssigning(
  db: TenantDb,
  subject: { type: string; id: string },
  role: string,
  actor: { type: string; id: string },
  now: string,
): Promise<{ subject: z.infer<typeof subjectRow> | null; role: z.infer<typeof roleRow> | null; self: boolean }> {
  const [names, roles, self] = await db.batch([
    statement(
      `SELECT name, email FROM users WHERE tenant_id = ?1 AND ?2 = 'user' AND id = ?3 AND state <> 'deactivated'
       UNION ALL SELECT name, NULL FROM groups WHERE tenant_id = ?1 AND ?2 = 'group' AND id = ?3`,
      ...[db.tenantId, subject.type, subject.id],
    ),
    statement('SELECT name, permissions FROM roles WHERE tenant_id = ? AND id = ?', db.tenantId, role),
    selfQuery(db, subject, actor, now),
  ]);
  return {
    subject: names?.rows[0] === undefined ? null : subjectRow.parse(names.rows[0]),
    role: roles?.rows[0] === undefined ? null : roleRow.parse(roles.rows[0]),
    self: (self?.rows.length ?? 0) > 0,
  };
}

/** Whether who acts, a person or a service account, is the subject, or is in it now. */
export const selfQuery = (
  db: TenantDb,
  subject: { type: string; id: string },
  actor: { type: string; id: string },
  now: string,
): Statement =>
  statement(
    `WITH RECURSIVE mine (type, id) AS (
       SELECT ?6, ?2 UNION SELECT 'group', m.group_id FROM mine CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND m.member_type = mine.type AND m.member_id = mine.id AND ${inForce('m', '?5')}
     ) SELECT 1 FROM mine WHERE type = ?3 AND id = ?4 LIMIT 1`,
    ...[db.tenantId, actor.id, subject.type, subject.id, now, actor.type],
  );

/**
 * Gives a role. One that has ended gives way; one that stands is left, and so is everything when the subject or the custom role is gone.
 */
export const insertAssignment = (
  db: TenantDb,
  given: { id: string; role: string; subject: { type: string; id: string }; expiresAt: string | null; now: string; by: string },
): Statement =>
  statement(
    `INSERT INTO role_assignments (tenant_id, id, role, subject_type, subject_id, expires_at, created_at, created_by)
     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
     WHERE (?3 NOT LIKE 'rol\\_%' ESCAPE '\\' OR EXISTS (SELECT 1 FROM roles WHERE tenant_id = ?1 AND id = ?3))
       AND (?4 <> 'user' OR EXISTS (SELECT 1 FROM users WHERE tenant_id = ?1 AND id = ?5 AND state <> 'deactivated'))
       AND (?4 <> 'group' OR EXISTS (SELECT 1 FROM groups WHERE tenant_id = ?1 AND id = ?5))
     ON CONFLICT (tenant_id, subject_type, subject_id, role) DO UPDATE SET id = excluded.id, expires_at = excluded.expires_at,
       created_at = excluded.created_at, created_by = excluded.created_by
     WHERE role_assignments.expires_at <= ?7`,
    ...[db.tenantId, given.id, given.role, given.subject.type, given.subject.id, given.expiresAt, given.now, given.by],
  );

/** Matches only while the end is the one that was seen. */
export const updateEnd = (db: TenantDb, id: string, before: string | null, after: string | null): Statement =>
  statement(
    'UPDATE role_assignments SET expires_at = ?4 WHERE tenant_id = ?1 AND id = ?2 AND expires_at IS ?3',
    db.tenantId,
    id,
    before,
    after,
  );

export const deleteAssignment = (db: TenantDb, id: string): Statement =>
  statement('DELETE FROM role_assignments WHERE tenant_id = ? AND id = ?', db.tenantId, id);
