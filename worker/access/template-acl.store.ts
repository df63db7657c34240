import { z } from 'zod';
import { TEMPLATE_ROLES, type AclSubject } from '@gatehouse/core/access/template-acl.ts';
import type { aclEntry, aclShown } from '@gatehouse/core/api/templates.ts';
import type { UserContext } from '../platform/context.ts';
import { inForce } from '../directory/in-force.ts';
import { statement, type Statement } from '../platform/tenant-db.ts';
import { WITH_GRANTED } from './people.ts';

const entryRow = z.object({
  subject_type: z.enum(['user', 'group', 'everyone']),
  subject_id: z.string(),
  grant_id: z.string(),
  role: z.enum(TEMPLATE_ROLES),
  expires_at: z.string().nullable(),
  name: z.string().nullable(),
  given_by: z.string().nullable(),
});
const peopleRow = z.object({ id: z.string(), people: z.number() });
const reachRow = z.object({ view: z.number().nullable(), use: z.number().nullable(), admin: z.number().nullable(), everyone: z.number() });

export const idOf = (subject: AclSubject) => (subject.type === 'everyone' ? '' : subject.id);
export const subjectOf = (type: AclSubject['type'], id: string): AclSubject => (type === 'everyone' ? { type } : { type, id });

/** Everyone first, then by name. Grants that have ended are not shown: nothing is left of them. */
export async function findAcl(ctx: UserContext, templateId: string): Promise<z.infer<typeof aclShown>> {
  const binds = [ctx.db.tenantId, templateId, ctx.now().toISOString()];
  const [entries, inGroups, reach] = await ctx.db.batch([
    statement(
      `SELECT a.subject_type, a.subject_id, a.grant_id, a.role, a.expires_at, coalesce(u.name, g.name) AS name, giver.name AS given_by
       FROM template_acl a
       LEFT JOIN users u ON u.tenant_id = ?1 AND a.subject_type = 'user' AND u.id = a.subject_id
       LEFT JOIN groups g ON g.tenant_id = ?1 AND a.subject_type = 'group' AND g.id = a.subject_id
       LEFT JOIN users giver ON giver.tenant_id = ?1 AND giver.id = a.created_by
       WHERE a.tenant_id = ?1 AND a.template_id = ?2 AND (a.grant_id = '' OR a.expires_at > ?3)
       ORDER BY a.subject_type <> 'everyone', coalesce(u.name, g.name) COLLATE NOCASE, a.subject_id, a.grant_id`,
      ...binds,
    ),
    statement(
      `WITH RECURSIVE inside (root, type, id) AS (
         SELECT subject_id, 'group', subject_id FROM template_acl WHERE tenant_id = ?1 AND template_id = ?2 AND subject_type = 'group'
         UNION
         SELECT inside.root, m.member_type, m.member_id FROM inside
         CROSS JOIN group_members m WHERE m.tenant_id = ?1 AND m.group_id = inside.id AND inside.type = 'group' AND ${inForce('m', '?3')}
       )
       SELECT inside.root AS id, count(*) AS people FROM inside
       JOIN users u ON u.tenant_id = ?1 AND u.id = inside.id AND u.state = 'active' WHERE inside.type = 'user' GROUP BY inside.root`,
      ...binds,
    ),
    reachOf(binds),
  ]);
  const people = new Map((inGroups?.rows ?? []).map((each) => peopleRow.parse(each)).map(({ id, people: count }) => [id, count]));
  const { everyone, ...reached } = reachRow.parse(reach?.rows[0]);
  const items = (entries?.rows ?? [])
    .map((each) => entryRow.parse(each))
    .map((each) => ({
      subject: subjectOf(each.subject_type, each.subject_id),
      role: each.role,
      expiresAt: each.expires_at,
      grantId: each.grant_id || null,
      name: each.name ?? (each.subject_type === 'everyone' ? 'Everyone' : each.subject_id),
      people: { user: 1, group: people.get(each.subject_id) ?? 0, everyone }[each.subject_type],
      givenBy: each.given_by,
    }));
  return { items, reach: { view: reached.view ?? 0, use: reached.use ?? 0, admin: reached.admin ?? 0 } };
}

const reachOf = (binds: string[]): Statement =>
  statement(
    `${WITH_GRANTED},
     person (id, rank) AS (
       SELECT id, rank FROM granted WHERE type = 'user'
       UNION ALL
       SELECT u.id, granted.rank FROM granted JOIN users u ON u.tenant_id = ?1 WHERE granted.type = 'everyone'
     )
     SELECT sum(best.rank >= 1) AS "view", sum(best.rank >= 2) AS "use", sum(best.rank >= 3) AS "admin",
       (SELECT count(*) FROM users WHERE tenant_id = ?1 AND state = 'active') AS everyone
     FROM (SELECT person.id, max(person.rank) AS rank FROM person
       JOIN users u ON u.tenant_id = ?1 AND u.id = person.id AND u.state = 'active' GROUP BY person.id) AS best`,
    ...binds,
  );

/** Replaces all entries; `guard` matches nothing when the list is not the one that the caller saw. */
export function replaceEntries(
  ctx: UserContext,
  templateId: string,
  revision: number,
  items: ReadonlyArray<z.output<typeof aclEntry>>,
): { guard: Statement; changes: Statement[] } {
  const { tenantId } = ctx.db;
  const written = items.map(({ subject, role, expiresAt, grantId }) => ({
    ...{ type: subject.type, id: idOf(subject), role, expiresAt, grantId: grantId ?? '' },
  }));
  const key = `a.subject_type || ' ' || a.subject_id || ' ' || a.grant_id`;
  return {
    guard: statement(
      'UPDATE templates SET acl_revision = acl_revision + 1 WHERE tenant_id = ? AND id = ? AND acl_revision = ? AND deleted_at IS NULL',
      ...[tenantId, templateId, revision],
    ),
    changes: [
      statement(
        `DELETE FROM template_acl AS a WHERE a.tenant_id = ?1 AND a.template_id = ?2
         AND ${key} NOT IN (SELECT value ->> 'type' || ' ' || (value ->> 'id') || ' ' || (value ->> 'grantId') FROM json_each(?3))`,
        ...[tenantId, templateId, JSON.stringify(written)],
      ),
      // Who gave an entry that is left as it is stays who gave it.
      statement(
        `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, expires_at, grant_id, created_at, created_by)
         SELECT ?1, ?2, value ->> 'type', value ->> 'id', value ->> 'role', value ->> 'expiresAt', value ->> 'grantId', ?3, ?4 FROM json_each(?5)
         WHERE TRUE
         ON CONFLICT (tenant_id, template_id, subject_type, subject_id, grant_id) DO UPDATE SET role = excluded.role,
           expires_at = excluded.expires_at, created_at = excluded.created_at, created_by = excluded.created_by
         WHERE template_acl.role <> excluded.role OR template_acl.expires_at IS NOT excluded.expires_at`,
        ...[tenantId, templateId, ctx.now().toISOString(), ctx.actor.id, JSON.stringify(written)],
      ),
    ],
  };
}

/** Which of these are people or groups of the organisation. */
export async function findKnown(ctx: UserContext, ids: readonly string[]): Promise<Set<string>> {
  const known = await ctx.db.rows<{ id: string }>(
    `SELECT id FROM users WHERE tenant_id = ?1 AND state <> 'deactivated' AND id IN (SELECT value FROM json_each(?2))
     UNION ALL SELECT id FROM groups WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))`,
    ...[ctx.db.tenantId, JSON.stringify(ids)],
  );
  return new Set(known.map(({ id }) => id));
}
