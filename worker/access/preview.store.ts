import { z } from 'zod';
import type { GroupEdge } from '@gatehouse/core/access/groups.ts';
import type { OpenConnection } from '@gatehouse/core/access/preview.ts';
import { BUILT_IN_ROLES, type Permission } from '@gatehouse/core/access/permissions.ts';
import { TEMPLATE_ROLES, type AclEntry } from '@gatehouse/core/access/template-acl.ts';
import { builtInRole } from '@gatehouse/core/api/identity.ts';
import type { UserContext } from '../platform/context.ts';
import { inForce } from '../directory/in-force.ts';
import { storedPermissions } from '../directory/roles.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { subjectOf } from './template-acl.store.ts';
import { UNEXPIRED } from './template-access.ts';

export interface Member {
  type: 'user' | 'group';
  id: string;
}
export interface Assignment {
  /** what is not given yet has none */
  id?: string;
  role: string;
  subject: Member;
}
/** What of a tenant's rules is read whole: it has few of all of these. */
export interface Frame {
  nesting: GroupEdge[];
  /** of groups */
  assignments: Assignment[];
  roles: Map<string, ReadonlySet<Permission>>;
}

const edgeRow = z.object({ group_id: z.string(), member_id: z.string() });
const assignmentRow = z.object({ id: z.string(), role: z.string(), subject_type: z.enum(['user', 'group']), subject_id: z.string() });
const roleRow = z.object({ id: z.string(), permissions: z.string() });
const assignmentsFrom = (rows: ReadonlyArray<Record<string, unknown>> | undefined): Assignment[] =>
  (rows ?? [])
    .map((row) => assignmentRow.parse(row))
    .map(({ id, role, subject_type, subject_id }) => ({ id, role, subject: { type: subject_type, id: subject_id } }));

/** How groups nest, which roles groups have, and what each role may. */
export async function findFrame(ctx: UserContext): Promise<Frame> {
  const binds = [ctx.db.tenantId, ctx.now().toISOString()];
  const [edges, assignments, custom] = await ctx.db.batch([
    statement(
      `SELECT m.group_id, m.member_id FROM group_members m WHERE m.tenant_id = ?1 AND m.member_type = 'group' AND ${inForce('m', '?2')}`,
      ...binds,
    ),
    statement(
      `SELECT a.id, a.role, a.subject_type, a.subject_id FROM role_assignments a
       WHERE a.tenant_id = ?1 AND a.subject_type = 'group' AND ${inForce('a', '?2')}`,
      ...binds,
    ),
    statement('SELECT id, permissions FROM roles WHERE tenant_id = ?', ctx.db.tenantId),
  ]);
  return {
    nesting: (edges?.rows ?? [])
      .map((row) => edgeRow.parse(row))
      .map(({ group_id, member_id }) => ({ groupId: group_id, memberId: member_id })),
    assignments: assignmentsFrom(assignments?.rows),
    roles: new Map<string, ReadonlySet<Permission>>([
      ...builtInRole.options.map((role) => [role, new Set<Permission>(BUILT_IN_ROLES[role])] as const),
      ...(custom?.rows ?? [])
        .map((row) => roleRow.parse(row))
        .map(({ id, permissions }) => [id, new Set(storedPermissions(permissions))] as const),
    ]),
  };
}

/** Those of these that people and groups have. */
export async function findAssignments(ctx: UserContext, ids: readonly string[]): Promise<Assignment[]> {
  const rows = await ctx.db.rows<Record<string, unknown>>(
    `SELECT a.id, a.role, a.subject_type, a.subject_id FROM json_each(?2) AS wanted CROSS JOIN role_assignments a
     WHERE a.tenant_id = ?1 AND a.id = wanted.value AND a.subject_type IN ('user', 'group') AND ${inForce('a', '?3')}`,
    ...[ctx.db.tenantId, JSON.stringify(ids), ctx.now().toISOString()],
  );
  return assignmentsFrom(rows);
}

/** The people and groups that have a role. */
export async function findHolders(ctx: UserContext, role: string): Promise<Member[]> {
  const rows = await ctx.db.rows<Record<string, unknown>>(
    `SELECT a.id, a.role, a.subject_type, a.subject_id FROM role_assignments a
     WHERE a.tenant_id = ?1 AND a.role = ?2 AND a.subject_type IN ('user', 'group') AND ${inForce('a', '?3')}`,
    ...[ctx.db.tenantId, role, ctx.now().toISOString()],
  );
  return assignmentsFrom(rows).map(({ subject }) => subject);
}

const personRow = z.object({ id: z.string(), name: z.string(), groups: z.string() });
const entryRow = z.object({
  template_id: z.string(),
  subject_type: z.enum(['user', 'group', 'everyone']),
  subject_id: z.string(),
  role: z.enum(TEMPLATE_ROLES),
  expires_at: z.string().nullable(),
});
const templateRow = z.object({ id: z.string(), name: z.string() });
const connectionRow = z.object({
  id: z.string(),
  user_id: z.string(),
  template_id: z.string(),
  mine: z.number(),
  workspace_id: z.string(),
  workspace_name: z.string(),
});

/** Whom a change is about: these people, the members of these groups, or everybody. */
export interface Concerned {
  everybody: boolean;
  users: readonly string[];
  /** with all inside them */
  groups: readonly string[];
}
/** Templates that a change can matter for: this one, or all that name one of these groups. */
export interface ConcernedTemplates {
  templateId: string | null;
  groups: readonly string[];
}

export type PreviewConnection = OpenConnection & { workspace: { id: string; name: string } };

/** One trip: the people with their own groups and roles, the templates with their entries, and the open connections of the people. */
export async function findConcerned(ctx: UserContext, who: Concerned, what: ConcernedTemplates, limit: number) {
  const { tenantId } = ctx.db;
  const now = ctx.now().toISOString();
  const [found, entries, templates, connections, assignments] = await ctx.db.batch([
    peopleQuery(tenantId, who, now, limit),
    ...templateQueries(tenantId, what, now),
    connectionQuery(tenantId, who, now, limit),
    assignmentQuery(tenantId, who, now, limit),
  ]);
  const rows = (found?.rows ?? []).map((row) => personRow.parse(row));
  const byTemplate = new Map<string, AclEntry[]>();
  for (const { template_id, subject_type, subject_id, role, expires_at } of (entries?.rows ?? []).map((row) => entryRow.parse(row))) {
    const entry = { subject: subjectOf(subject_type, subject_id), role, expiresAt: expires_at };
    byTemplate.set(template_id, [...(byTemplate.get(template_id) ?? []), entry]);
  }
  return {
    people: rows.slice(0, limit).map(({ id, name }) => ({ id, name })),
    complete: rows.length <= limit,
    groupsOf: new Map(rows.map(({ id, groups }) => [id, z.array(z.string()).parse(JSON.parse(groups))])),
    templates: new Map((templates?.rows ?? []).map((row) => templateRow.parse(row)).map(({ id, name }) => [id, name])),
    entries: byTemplate,
    assignments: assignmentsFrom(assignments?.rows),
    connections: (connections?.rows ?? [])
      .map((row) => connectionRow.parse(row))
      .map((row): PreviewConnection => ({
        ...{ id: row.id, userId: row.user_id, templateId: row.template_id, mine: row.mine === 1 },
        workspace: { id: row.workspace_id, name: row.workspace_name },
      })),
  };
}

/** ?1 tenant, ?2 people (JSON), ?3 groups (JSON), ?4 everybody, ?5 now */
const CONCERNED = `u.tenant_id = ?1 AND u.state = 'active' AND (?4 OR u.id IN (SELECT value FROM json_each(?2)) OR u.id IN (
  SELECT m.member_id FROM json_each(?3) AS inside CROSS JOIN group_members m
  WHERE m.tenant_id = ?1 AND m.group_id = inside.value AND m.member_type = 'user' AND ${inForce('m', '?5')}))`;
const bindsOf = (tenantId: string, { users, groups, everybody }: Concerned, now: string) => [
  ...[tenantId, JSON.stringify(users), JSON.stringify(groups), everybody ? 1 : 0, now],
];

const peopleQuery = (tenantId: string, who: Concerned, now: string, limit: number): Statement =>
  statement(
    `SELECT u.id, u.name, (SELECT json_group_array(o.group_id) FROM group_members o
       WHERE o.tenant_id = ?1 AND o.member_type = 'user' AND o.member_id = u.id AND ${inForce('o', '?5')}) AS "groups"
     FROM users u WHERE ${CONCERNED} ORDER BY u.id LIMIT ?6`,
    ...[...bindsOf(tenantId, who, now), limit + 1],
  );

/** The roles that the people have themselves. */
const assignmentQuery = (tenantId: string, who: Concerned, now: string, limit: number): Statement =>
  statement(
    `SELECT a.id, a.role, a.subject_type, a.subject_id FROM (SELECT u.id FROM users u WHERE ${CONCERNED} ORDER BY u.id LIMIT ?6) AS person
     CROSS JOIN role_assignments a WHERE a.tenant_id = ?1 AND a.subject_type = 'user' AND a.subject_id = person.id AND ${inForce('a', '?5')}`,
    ...[...bindsOf(tenantId, who, now), limit],
  );

/** Open ones of the people, in workspaces of whatever template. */
const connectionQuery = (tenantId: string, who: Concerned, now: string, limit: number): Statement =>
  statement(
    `SELECT c.id, c.user_id, w.template_id, w.owner_id = c.user_id AS mine, w.id AS workspace_id, w.name AS workspace_name
     FROM connections c JOIN workspaces w ON w.tenant_id = ?1 AND w.id = c.workspace_id
     WHERE c.tenant_id = ?1 AND c.ended_at IS NULL AND c.user_id IN (SELECT u.id FROM users u WHERE ${CONCERNED} ORDER BY u.id LIMIT ?6)
     ORDER BY c.id`,
    ...[...bindsOf(tenantId, who, now), limit],
  );

/** The entries that count of the templates concerned and of those that somebody is connected to, and their names. */
function templateQueries(tenantId: string, { templateId, groups }: ConcernedTemplates, now: string): [Statement, Statement] {
  const ids = `SELECT value FROM json_each(?2)
    UNION SELECT b.template_id FROM json_each(?4) AS named CROSS JOIN template_acl b
      WHERE b.tenant_id = ?1 AND b.subject_type = 'group' AND b.subject_id = named.value
    UNION SELECT w.template_id FROM connections c JOIN workspaces w ON w.tenant_id = ?1 AND w.id = c.workspace_id
      WHERE c.tenant_id = ?1 AND c.ended_at IS NULL`;
  const binds = [tenantId, JSON.stringify(templateId === null ? [] : [templateId]), now, JSON.stringify(groups)];
  return [
    statement(
      `SELECT a.template_id, a.subject_type, a.subject_id, a.role, a.expires_at FROM template_acl a
       WHERE a.tenant_id = ?1 AND ${UNEXPIRED} AND a.template_id IN (${ids})`,
      ...binds,
    ),
    statement(
      `SELECT t.id, t.name FROM templates t WHERE t.tenant_id = ?1 AND ?3 = ?3 AND t.deleted_at IS NULL AND t.id IN (${ids}) ORDER BY t.name`,
      ...binds,
    ),
  ];
}

/** Whether the group is there. */
export async function hasGroup(ctx: UserContext, groupId: string): Promise<boolean> {
  return (await ctx.db.first('SELECT 1 FROM groups WHERE tenant_id = ? AND id = ?', ctx.db.tenantId, groupId)) !== undefined;
}

/** Whether there is such a role of the organisation's own. */
export async function hasRole(ctx: UserContext, roleId: string): Promise<boolean> {
  return (await ctx.db.first('SELECT 1 FROM roles WHERE tenant_id = ? AND id = ?', ctx.db.tenantId, roleId)) !== undefined;
}
