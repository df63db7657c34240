import { z } from 'zod';
import { TEMPLATE_ROLES, type TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import type { ReviewFilter } from '@gatehouse/core/api/access.ts';
import type { UserContext } from '../platform/context.ts';
import { inForce } from '../directory/in-force.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { WITH_GRANTED } from './people.ts';
import { administers, UNEXPIRED } from './template-access.ts';

const templateRow = z.object({ id: z.string(), name: z.string() });
export type ReviewedTemplate = z.infer<typeof templateRow>;
const personRow = z.object({ id: z.string(), name: z.string(), email: z.string() });
export type ReviewedPerson = z.infer<typeof personRow>;

/** Templates from that name on, it included. */
export async function findTemplatesFrom(ctx: UserContext, filter: ReviewFilter, from: string, limit: number): Promise<ReviewedTemplate[]> {
  const rows = await ctx.db.rows(
    `SELECT id, name FROM templates WHERE tenant_id = ?1 AND deleted_at IS NULL AND name >= ?2 AND (?3 IS NULL OR id = ?3) ORDER BY name LIMIT ?4`,
    ...[ctx.db.tenantId, from, filter.templateId ?? null, limit],
  );
  return rows.map((row) => templateRow.parse(row));
}

/** Of one person, the templates from that name on that they can do anything with. */
export async function findTemplatesOf(ctx: UserContext, filter: ReviewFilter, from: string, limit: number): Promise<ReviewedTemplate[]> {
  const rows = await ctx.db.rows(
    `WITH RECURSIVE subject (type, id) AS (
       SELECT 'user', ?2
       UNION SELECT 'everyone', ''
       UNION SELECT 'group', m.group_id FROM subject CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND m.member_type = subject.type AND m.member_id = subject.id AND ${inForce('m', '?3')}
     ),
     mighty (yes) AS (
       SELECT EXISTS (SELECT 1 FROM subject CROSS JOIN role_assignments a
         WHERE a.tenant_id = ?1 AND a.subject_type = subject.type AND a.subject_id = subject.id AND ${administers('a.role')} AND ${UNEXPIRED})
     ),
     granted (id) AS (
       SELECT DISTINCT a.template_id FROM subject CROSS JOIN template_acl a
       WHERE a.tenant_id = ?1 AND a.subject_type = subject.type AND a.subject_id = subject.id AND ${UNEXPIRED}
     )
     SELECT t.id, t.name FROM templates t WHERE t.tenant_id = ?1 AND t.deleted_at IS NULL AND t.name >= ?4 AND (?5 IS NULL OR t.id = ?5)
       AND ((SELECT yes FROM mighty) OR t.id IN (SELECT id FROM granted))
     ORDER BY t.name LIMIT ?6`,
    ...[ctx.db.tenantId, filter.userId, ctx.now().toISOString(), from, filter.templateId ?? null, limit],
  );
  return rows.map((row) => templateRow.parse(row));
}

/**
 * Active people who can do anything with a template, by id, from the one after `after`. Everyone's entry is read in steps of
 * the page; only a filter that leaves some of everyone out makes it look at all of them.
 */
export function peopleOf(ctx: UserContext, templateId: string, filter: ReviewFilter, page: { after: string; limit: number }): Statement {
  const narrowed = filter.role !== undefined || filter.groupId !== undefined || filter.userId !== undefined;
  return statement(
    `${WITH_GRANTED},
     within (type, id) AS (
       SELECT 'group', ?4 WHERE ?4 IS NOT NULL
       UNION
       SELECT m.member_type, m.member_id FROM within CROSS JOIN group_members m
       WHERE m.tenant_id = ?1 AND m.group_id = within.id AND within.type = 'group' AND ${inForce('m', '?3')}
     ),
     candidate (id, rank) AS (
       SELECT id, rank FROM granted WHERE type = 'user'
       UNION ALL
       SELECT * FROM (SELECT u.id, (SELECT max(rank) FROM granted WHERE type = 'everyone') FROM users u
         WHERE u.tenant_id = ?1 AND u.id > ?6 AND u.state = 'active' AND EXISTS (SELECT 1 FROM granted WHERE type = 'everyone')
         ORDER BY u.id LIMIT ?8)
     )
     SELECT u.id, u.name, u.email FROM candidate CROSS JOIN users u
     WHERE u.tenant_id = ?1 AND u.id = candidate.id AND u.state = 'active' AND u.id > ?6 AND (?5 IS NULL OR u.id = ?5)
       AND (?4 IS NULL OR u.id IN (SELECT id FROM within WHERE type = 'user'))
     GROUP BY u.id HAVING ?7 IS NULL OR max(candidate.rank) = ?7 ORDER BY u.id LIMIT ?9`,
    ...[ctx.db.tenantId, templateId, ctx.now().toISOString(), filter.groupId ?? null, filter.userId ?? null, page.after],
    ...[filter.role === undefined ? null : rankOf(filter.role), narrowed ? -1 : page.limit, page.limit],
  );
}

const rankOf = (role: TemplateRole): number => TEMPLATE_ROLES.indexOf(role) + 1;

export const peopleFrom = (rows: ReadonlyArray<Record<string, unknown>>): ReviewedPerson[] => rows.map((row) => personRow.parse(row));
