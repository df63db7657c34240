import { z } from 'zod';
import type { ExplainedEntry, GivenRole } from '@gatehouse/core/access/explain.ts';
import { BUILT_IN_ROLE_NAMES, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { TEMPLATE_ROLES, type Membership } from '@gatehouse/core/access/template-acl.ts';
import type { UserContext } from '../platform/context.ts';
import { inForce } from '../directory/in-force.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { WITH_GRANTED } from './people.ts';
import { subjectOf } from './template-acl.store.ts';
import { administers } from './template-access.ts';

/** Rows from which the access of some people to some templates is made out. */
export interface ClosureRows {
  memberships: Membership[];
  /** of groups and roles */
  names: Map<string, string>;
  /** by template */
  entries: Map<string, ExplainedEntry[]>;
  givenRoles: GivenRole[];
}

const edgeRow = z.object({
  group_id: z.string(),
  member_type: z.enum(['user', 'group']),
  member_id: z.string(),
  expires_at: z.string().nullable(),
  name: z.string().nullable(),
});
const entryRow = z.object({
  template_id: z.string(),
  subject_type: z.enum(['user', 'group', 'everyone']),
  subject_id: z.string(),
  grant_id: z.string(),
  role: z.enum(TEMPLATE_ROLES),
  expires_at: z.string().nullable(),
});
const roleRow = z.object({
  id: z.string(),
  role: z.string(),
  custom_name: z.string().nullable(),
  subject_type: z.enum(['user', 'group']),
  subject_id: z.string(),
  expires_at: z.string().nullable(),
});

/** ?1 tenant, ?2 ids of people (JSON), ?3 ids of templates (JSON). Also by what has ended: it is told as such. */
const WITH_CLOSURE = `
  WITH RECURSIVE subject (type, id) AS (
    SELECT 'user', value FROM json_each(?2)
    UNION
    SELECT 'everyone', ''
    UNION
    SELECT 'group', m.group_id FROM subject CROSS JOIN group_members m
    WHERE m.tenant_id = ?1 AND m.member_type = subject.type AND m.member_id = subject.id
  )`;

/** Only what these people are in and what these templates say of that: never the tenant's whole list of anything. */
export function closureQueries(
  tenantId: string,
  people: readonly string[],
  templates: readonly string[],
): [Statement, Statement, Statement] {
  const who = JSON.stringify(people);
  return [
    statement(
      `${WITH_CLOSURE}
       SELECT m.group_id, m.member_type, m.member_id, m.expires_at, g.name FROM subject
       CROSS JOIN group_members m LEFT JOIN groups g ON g.tenant_id = ?1 AND g.id = m.group_id
       WHERE m.tenant_id = ?1 AND m.member_type = subject.type AND m.member_id = subject.id`,
      ...[tenantId, who],
    ),
    statement(
      `${WITH_CLOSURE}
       SELECT a.template_id, a.subject_type, a.subject_id, a.grant_id, a.role, a.expires_at
       FROM json_each(?3) AS wanted CROSS JOIN template_acl a
       WHERE a.tenant_id = ?1 AND a.template_id = wanted.value AND (a.subject_type, a.subject_id) IN (SELECT type, id FROM subject)
       ORDER BY a.template_id, a.subject_type, a.subject_id, a.grant_id`,
      ...[tenantId, who, JSON.stringify(templates)],
    ),
    statement(
      `${WITH_CLOSURE}
       SELECT a.id, a.role, r.name AS custom_name, a.subject_type, a.subject_id, a.expires_at FROM subject CROSS JOIN role_assignments a
       LEFT JOIN roles r ON r.tenant_id = ?1 AND r.id = a.role
       WHERE a.tenant_id = ?1 AND a.subject_type = subject.type AND a.subject_id = subject.id AND ${administers('a.role')}
       ORDER BY a.id`,
      ...[tenantId, who],
    ),
  ];
}

const nameOfBuiltIn = (role: string): string => (role in BUILT_IN_ROLE_NAMES ? BUILT_IN_ROLE_NAMES[role as BuiltInRole] : role);

type Rows = { rows: Array<Record<string, unknown>> } | undefined;

/** What `closureQueries` answered. */
export function closureFrom(edges: Rows, entries: Rows, roles: Rows): ClosureRows {
  const parsed = (edges?.rows ?? []).map((each) => edgeRow.parse(each));
  const given = (roles?.rows ?? []).map((each) => roleRow.parse(each));
  const byTemplate = new Map<string, ExplainedEntry[]>();
  for (const each of (entries?.rows ?? []).map((row) => entryRow.parse(row))) {
    const entry = { subject: subjectOf(each.subject_type, each.subject_id), role: each.role, expiresAt: each.expires_at };
    byTemplate.set(each.template_id, [...(byTemplate.get(each.template_id) ?? []), { ...entry, grantId: each.grant_id || null }]);
  }
  return {
    memberships: parsed.map(({ group_id, member_type, member_id, expires_at }) => ({
      groupId: group_id,
      memberType: member_type,
      memberId: member_id,
      expiresAt: expires_at,
    })),
    names: new Map([
      ...parsed.map(({ group_id, name }) => [group_id, name ?? group_id] as const),
      ...given.map(({ role, custom_name }) => [role, custom_name ?? nameOfBuiltIn(role)] as const),
    ]),
    entries: byTemplate,
    givenRoles: given.map(({ id, role, subject_type, subject_id, expires_at }) => ({
      ...{ id, role, administers: true, subject: { type: subject_type, id: subject_id }, expiresAt: expires_at },
    })),
  };
}

const personRow = z.object({ id: z.string(), name: z.string(), state: z.string() });
const nameRow = z.object({ id: z.string(), name: z.string(), total: z.number() });
const requestRow = z.object({ id: z.string() });

/** One trip: the person, their closure, whom to ask, and their open request. @returns null when there is no such person */
export async function findExplained(ctx: UserContext, templateId: string, userId: string, asked: number) {
  const { tenantId } = ctx.db;
  const [person, edges, entries, roles, askable, request] = await ctx.db.batch([
    statement('SELECT id, name, state FROM users WHERE tenant_id = ? AND id = ?', tenantId, userId),
    ...closureQueries(tenantId, [userId], [templateId]),
    administrators(tenantId, templateId, ctx.now().toISOString(), asked),
    statement(
      "SELECT id FROM access_requests WHERE tenant_id = ? AND user_id = ? AND template_id = ? AND state = 'open'",
      ...[tenantId, userId, templateId],
    ),
  ]);
  const found = personRow.safeParse(person?.rows[0]);
  if (!found.success) return null;
  const admins = (askable?.rows ?? []).map((row) => nameRow.parse(row));
  return {
    person: { id: found.data.id, name: found.data.name, active: found.data.state === 'active' },
    closure: closureFrom(edges, entries, roles),
    ask: { people: admins.map(({ id, name }) => ({ id, name })), more: Math.max(0, (admins[0]?.total ?? 0) - admins.length) },
    requestId: requestRow.safeParse(request?.rows[0]).data?.id ?? null,
  };
}

/** Active people who administer the template: those whom its own list names before those who administer all. */
export const administrators = (tenantId: string, templateId: string, now: string, limit: number): Statement =>
  statement(
    `${WITH_GRANTED},
     listed (type, id) AS (
       SELECT a.subject_type, a.subject_id FROM template_acl a
       WHERE a.tenant_id = ?1 AND a.template_id = ?2 AND a.role = 'admin' AND (a.expires_at IS NULL OR a.expires_at > ?3)
       UNION
       SELECT m.member_type, m.member_id FROM listed
       CROSS JOIN group_members m WHERE m.tenant_id = ?1 AND m.group_id = listed.id AND listed.type = 'group' AND ${inForce('m', '?3')}
     )
     SELECT u.id, u.name, u.email, count(*) OVER () AS total FROM granted
     JOIN users u ON u.tenant_id = ?1 AND u.id = granted.id AND u.state = 'active'
     WHERE granted.type = 'user' AND granted.rank = 3
     ORDER BY u.id NOT IN (SELECT listed.id FROM listed), u.name, u.id LIMIT ?4`,
    ...[tenantId, templateId, now, limit],
  );

/** Whether the caller has a workspace from the template: somebody who lost it still learns why and whom to ask. */
export async function hasWorkspaceFrom(ctx: UserContext, templateId: string): Promise<boolean> {
  const found = await ctx.db.first(
    "SELECT 1 FROM workspaces WHERE tenant_id = ? AND template_id = ? AND owner_id = ? AND phase <> 'deleted' LIMIT 1",
    ...[ctx.db.tenantId, templateId, ctx.actor.id],
  );
  return found !== undefined;
}

const causeRow = z.object({ ended_cause: z.string(), ended_at: z.string() });

/** What took the caller's last connection to a workspace away, if something did. */
export async function findTaken(ctx: UserContext, workspaceId: string): Promise<{ cause: string; at: string } | null> {
  const found = await ctx.db.first(
    `SELECT ended_cause, ended_at FROM connections
     WHERE tenant_id = ? AND workspace_id = ? AND user_id = ? AND ended_cause IS NOT NULL AND ended_at IS NOT NULL
     ORDER BY ended_at DESC LIMIT 1`,
    ...[ctx.db.tenantId, workspaceId, ctx.actor.id],
  );
  const row = causeRow.safeParse(found);
  return row.success ? { cause: row.data.ended_cause, at: row.data.ended_at } : null;
}
