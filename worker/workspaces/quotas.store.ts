import { z } from 'zod';
import { BUILT_IN_ROLES, permissionsOf, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import type { QuotaEntry, QuotaField, QuotaSubject, QuotaValues } from '@gatehouse/core/access/quotas.ts';
import { inForce } from '../directory/in-force.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** Condition on `workspaces w`: it counts towards that number of its owner's. What waits in line counts as running: else a line had no end. */
const COUNTED: Record<QuotaField, string> = {
  workspaces: "w.phase <> 'deleted'",
  running: "w.desired = 'running' AND w.phase NOT IN ('failed', 'deleted')",
};

/** SQL: how many of somebody's workspaces count. Bind ?1 tenant. @param owner SQL of their id @param but SQL of one that does not count */
export const usedSql = (field: QuotaField, owner: string, but = "''"): string =>
  `(SELECT count(*) FROM workspaces w WHERE w.tenant_id = ?1 AND w.owner_id = ${owner} AND w.id <> ${but} AND ${COUNTED[field]})`;

/** The groups that somebody is in, directly or through others. CROSS JOIN keeps SQLite from beginning with all memberships of the tenant. */
const theirGroups = (owner: string, now: string): string => `
  WITH RECURSIVE theirs (id) AS (
    SELECT m.group_id FROM group_members m
    WHERE m.tenant_id = ?1 AND m.member_type = 'user' AND m.member_id = ${owner} AND ${inForce('m', now)}
    UNION
    SELECT m.group_id FROM theirs CROSS JOIN group_members m
    WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND m.member_id = theirs.id AND ${inForce('m', now)}
  )`;

/** SQL of `allowanceOf` in core/access/quotas.ts, which tests hold it against: NULL where nothing is said. Bind ?1 tenant. */
export const limitSql = (field: QuotaField, owner: string, now: string): string => `coalesce(
  (SELECT q.${field} FROM workspace_quotas q WHERE q.tenant_id = ?1 AND q.subject_type = 'user' AND q.subject_id = ${owner}),
  (${theirGroups(owner, now)}
   SELECT max(q.${field}) FROM theirs CROSS JOIN workspace_quotas q
   WHERE q.tenant_id = ?1 AND q.subject_type = 'group' AND q.subject_id = theirs.id),
  (SELECT q.${field} FROM workspace_quotas q WHERE q.tenant_id = ?1 AND q.subject_type = 'tenant'))`;

/** SQL condition: somebody may have one more. Bind ?1 tenant. @param but SQL of a workspace that does not count, being the one */
export const withinQuota = (field: QuotaField, owner: string, now: string, but?: string): string =>
  `${usedSql(field, owner, but)} < coalesce(${limitSql(field, owner, now)}, 1e9)`;

const entryRow = z.object({
  type: z.enum(['tenant', 'group', 'user']),
  id: z.string(),
  name: z.string(),
  workspaces: z.number().nullable(),
  running: z.number().nullable(),
});

const entryOf = (row: Record<string, unknown>): QuotaEntry => {
  const { type, id, name, workspaces, running } = entryRow.parse(row);
  return { subject: { type, id, name }, workspaces, running };
};

const NAMED = `SELECT q.subject_type AS type, q.subject_id AS id, coalesce(g.name, u.name, o.name) AS name, q.workspaces, q.running
  FROM workspace_quotas q
  JOIN tenants o ON o.tenant_id = ?1
  LEFT JOIN groups g ON g.tenant_id = ?1 AND q.subject_type = 'group' AND g.id = q.subject_id
  LEFT JOIN users u ON u.tenant_id = ?1 AND q.subject_type = 'user' AND u.id = q.subject_id AND u.state <> 'deactivated'
  WHERE q.tenant_id = ?1 AND (q.workspaces IS NOT NULL OR q.running IS NOT NULL) AND (q.subject_type = 'tenant' OR coalesce(g.id, u.id) IS NOT NULL)`;

/** All that says something of somebody, and what they use: `standingFrom` reads both answers. */
export const standingOf = ({ tenantId }: TenantDb, userId: string, now: string): [Statement, Statement] => [
  statement(
    `${theirGroups('?2', '?3')}
     ${NAMED} AND (q.subject_type = 'tenant' OR (q.subject_type = 'user' AND q.subject_id = ?2)
       OR (q.subject_type = 'group' AND q.subject_id IN (SELECT id FROM theirs)))`,
    ...[tenantId, userId, now],
  ),
  statement(
    `SELECT ${usedSql('workspaces', '?2')} AS workspaces, ${usedSql('running', '?2')} AS running FROM tenants WHERE tenant_id = ?1`,
    ...[tenantId, userId],
  ),
];

const usedRow = z.object({ workspaces: z.number(), running: z.number() });
type Rows = { rows: Array<Record<string, unknown>> } | undefined;

export interface QuotaStanding {
  entries: QuotaEntry[];
  used: Record<QuotaField, number>;
}

/** What `standingOf` answered. */
export const standingFrom = (entries: Rows, used: Rows): QuotaStanding => ({
  entries: (entries?.rows ?? []).map(entryOf),
  used: usedRow.parse(used?.rows[0]),
});

/** Every level that says something: the organisation, then groups and people by name. */
export async function findQuotas(db: TenantDb, limit: number): Promise<QuotaEntry[]> {
  const rows = await db.rows<Record<string, unknown>>(
    `${NAMED} ORDER BY CASE q.subject_type WHEN 'tenant' THEN 0 WHEN 'group' THEN 1 ELSE 2 END, name LIMIT ?2`,
    ...[db.tenantId, limit],
  );
  return rows.map(entryOf);
}

export interface StoredQuota {
  values: QuotaValues;
  /** 0: nothing was ever set */
  revision: number;
}

type Subject = Pick<QuotaSubject, 'type' | 'id'>;

export async function findQuota(db: TenantDb, { type, id }: Subject): Promise<StoredQuota> {
  const found = await db.first<QuotaValues & { revision: number }>(
    'SELECT workspaces, running, revision FROM workspace_quotas WHERE tenant_id = ? AND subject_type = ? AND subject_id = ?',
    ...[db.tenantId, type, id],
  );
  return {
    values: { workspaces: found?.workspaces ?? null, running: found?.running ?? null },
    revision: found?.revision ?? 0,
  };
}

/** The name of whom a level is about; undefined where there is none. */
export async function nameOfSubject(db: TenantDb, { type, id }: Subject): Promise<string | undefined> {
  const [sql, ...params] = {
    tenant: ['SELECT name FROM tenants WHERE tenant_id = ?', db.tenantId] as const,
    group: ['SELECT name FROM groups WHERE tenant_id = ? AND id = ?', db.tenantId, id] as const,
    user: ["SELECT name FROM users WHERE tenant_id = ? AND id = ? AND state <> 'deactivated'", db.tenantId, id] as const,
  }[type];
  return (await db.first<{ name: string }>(sql, ...params))?.name;
}

/** Matches nothing unless what is stored is still that revision. */
export const storeQuota = (
  tenantId: string,
  { type, id }: Subject,
  change: { values: QuotaValues; revision: number; by: string; now: string },
): Statement =>
  statement(
    `INSERT INTO workspace_quotas (tenant_id, subject_type, subject_id, workspaces, running, revision, updated_at, updated_by)
     SELECT ?1, ?2, ?3, ?4, ?5, 1, ?7, ?8
     WHERE ?6 = 0 OR EXISTS (SELECT 1 FROM workspace_quotas WHERE tenant_id = ?1 AND subject_type = ?2 AND subject_id = ?3)
     ON CONFLICT (tenant_id, subject_type, subject_id) DO UPDATE SET workspaces = excluded.workspaces, running = excluded.running,
       revision = workspace_quotas.revision + 1, updated_at = excluded.updated_at, updated_by = excluded.updated_by
       WHERE workspace_quotas.revision = ?6`,
    ...[tenantId, type, id, change.values.workspaces, change.values.running, change.revision, change.now, change.by],
  );

const personRow = z.object({ id: z.string(), name: z.string() });

/** Those of a level who have workspaces, most first: whom a change of it may concern. */
export async function findConcerned(
  db: TenantDb,
  { type, id }: Subject,
  now: string,
  limit: number,
): Promise<Array<{ id: string; name: string }>> {
  const rows = await db.rows(
    `WITH RECURSIVE inside (type, id) AS (
       SELECT ?2, ?3
       UNION
       SELECT m.member_type, m.member_id FROM inside CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND inside.type = 'group' AND m.group_id = inside.id AND ${inForce('m', '?4')}
     )
     SELECT u.id, u.name FROM users u WHERE u.tenant_id = ?1 AND ${usedSql('workspaces', 'u.id')} > 0
       AND (?2 = 'tenant' OR u.id IN (SELECT id FROM inside WHERE type = 'user'))
     ORDER BY ${usedSql('workspaces', 'u.id')} DESC, u.id LIMIT ?5`,
    ...[db.tenantId, type, id, now, limit],
  );
  return rows.map((row) => personRow.parse(row));
}

const BUILT_IN = (Object.keys(BUILT_IN_ROLES) as BuiltInRole[])
  .filter((role) => permissionsOf([role]).has('runner:manage'))
  .map((role) => `'${role}'`)
  .join(', ');

const askRow = personRow.extend({ total: z.number() });

/** Active people who can give more. */
export async function findGivers(
  db: TenantDb,
  now: string,
  limit: number,
): Promise<{ people: Array<{ id: string; name: string }>; more: number }> {
  const rows = (
    await db.rows(
      `WITH RECURSIVE holds (type, id) AS (
         SELECT a.subject_type, a.subject_id FROM role_assignments a
         WHERE a.tenant_id = ?1 AND ${inForce('a', '?2')} AND (a.role IN (${BUILT_IN})
           OR EXISTS (SELECT 1 FROM roles r, json_each(r.permissions) AS held
             WHERE r.tenant_id = ?1 AND r.id = a.role AND held.value = 'runner:manage'))
         UNION
         SELECT m.member_type, m.member_id FROM holds CROSS JOIN group_members m
         WHERE m.tenant_id = ?1 AND holds.type = 'group' AND m.group_id = holds.id AND ${inForce('m', '?2')}
       )
       SELECT u.id, u.name, count(*) OVER () AS total FROM users u
       WHERE u.tenant_id = ?1 AND u.state = 'active' AND u.id IN (SELECT id FROM holds WHERE type = 'user') ORDER BY u.name LIMIT ?3`,
      ...[db.tenantId, now, limit],
    )
  ).map((row) => askRow.parse(row));
  return { people: rows.map(({ id, name }) => ({ id, name })), more: Math.max(0, (rows[0]?.total ?? 0) - rows.length) };
}
