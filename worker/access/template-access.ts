import { z } from 'zod';
import { BUILT_IN_ROLES, permissionsOf, type BuiltInRole } from '@gatehouse/core/access/permissions.ts';
import { inScope } from '@gatehouse/core/access/scopes.ts';
import { atLeast, TEMPLATE_ROLES, type TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { inForce } from '../directory/in-force.ts';
import { refuse, requireScope } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';

/**
 * SQL of the template access list, to be put into queries on templates (alias `t`).
 * Bind ?1 tenant, ?2 user, ?3 now (ISO). CROSS JOIN makes SQLite begin at the person: left to itself it begins with all
 * memberships of the tenant. Tests hold it against core/access/template-acl.ts.
 */
export const WITH_SUBJECTS = `
  WITH RECURSIVE subject(type, id) AS (
    SELECT 'user', ?2
    UNION
    SELECT 'everyone', ''
    UNION
    SELECT 'group', m.group_id FROM subject CROSS JOIN group_members m
    WHERE m.tenant_id = ?1 AND m.member_type = subject.type AND m.member_id = subject.id AND ${inForce('m', '?3')}
  )`;

/** Rank of the role of an entry (alias `a`): 1 view, 2 use, 3 admin. */
export const RANK = `CASE a.role WHEN 'view' THEN 1 WHEN 'use' THEN 2 ELSE 3 END`;
export const UNEXPIRED = inForce('a', '?3');

/** 0 nothing, 1 view, 2 use, 3 admin. */
const rankWhere = (condition: string) => `
  coalesce((
    SELECT max(${RANK}) FROM subject CROSS JOIN template_acl a
    WHERE a.tenant_id = ?1 AND a.template_id = t.id AND a.subject_type = subject.type AND a.subject_id = subject.id
      AND ${UNEXPIRED} AND ${condition}
  ), 0)`;
export const ROLE_RANK = rankWhere('TRUE');

/** Condition: the role in that column, built-in or custom, administers every template. Bind ?1 tenant. */
export const administers = (column: string): string =>
  `(${column} IN (${(Object.keys(BUILT_IN_ROLES) as BuiltInRole[])
    .filter((role) => permissionsOf([role]).has('template:admin'))
    .map((role) => `'${role}'`)
    .join(', ')})
    OR EXISTS (SELECT 1 FROM roles custom, json_each(custom.permissions) AS held
      WHERE custom.tenant_id = ?1 AND custom.id = ${column} AND held.value = 'template:admin'))`;

/** Owners and template administrators have `admin` on every template. */
export const adminOfAll = (ctx: Context): boolean => 'permissions' in ctx.actor && ctx.actor.permissions.has('template:admin');

export const roleOfRank = (rank: number): TemplateRole | null => TEMPLATE_ROLES[rank - 1] ?? null;

/**
 * The role that a rank and the caller's tenant-wide permissions give together. No list names a service account, and
 * everyone is people. A token that may not manage templates is a user of those that its owner administers.
 */
export function roleOf(ctx: UserContext, rank: number): TemplateRole | null {
  if (adminOfAll(ctx)) return 'admin';
  if (ctx.actor.type === 'service-account') return null;
  const role = roleOfRank(rank);
  return role === 'admin' && !inScope(ctx.actor.token?.scopes ?? null, 'template:manage') ? 'use' : role;
}

const row = z.object({
  id: z.string(),
  name: z.string(),
  acl_revision: z.number(),
  rank: z.number(),
  standing: z.number(),
  grant_id: z.string().nullable(),
});

/** The caller's access to a template. */
export interface TemplateAccess {
  id: string;
  name: string;
  aclRevision: number;
  role: TemplateRole | null;
  /** the approved request without which the caller could not use it */
  grantId: string | null;
}

/** @returns undefined when there is no such template */
export async function findTemplateAccess(ctx: UserContext, id: string): Promise<TemplateAccess | undefined> {
  const found = await ctx.db.first(
    `${WITH_SUBJECTS}
     SELECT t.id, t.name, t.acl_revision, ${ROLE_RANK} AS rank, ${rankWhere("a.grant_id = ''")} AS standing,
       (SELECT a.grant_id FROM template_acl a
        WHERE a.tenant_id = ?1 AND a.template_id = t.id AND a.subject_type = 'user' AND a.subject_id = ?2 AND a.grant_id <> ''
          AND ${UNEXPIRED} ORDER BY a.expires_at DESC LIMIT 1) AS grant_id
     FROM templates t WHERE t.tenant_id = ?1 AND t.id = ?4 AND t.deleted_at IS NULL`,
    ...[ctx.db.tenantId, ctx.actor.id, ctx.now().toISOString(), id],
  );
  if (found === undefined) return undefined;
  const { name, acl_revision, rank, standing, grant_id } = row.parse(found);
  const needsGrant = !atLeast(roleOf(ctx, standing), 'use');
  return { id, name, aclRevision: acl_revision, role: roleOf(ctx, rank), grantId: needsGrant ? grant_id : null };
}

/**
 * The template, when the caller has at least that role on it.
 * @throws AppError `not-found` when the caller may not even see it, `permission-denied` (an event) when the role is too low
 */
export async function accessTo(ctx: UserContext, id: string, needed: TemplateRole, action: AuditAction): Promise<TemplateAccess> {
  const scope = needed === 'admin' ? 'template:manage' : 'template:read';
  await requireScope(ctx, scope, { action, resource: { type: 'template', id, name: id } });
  const access = await findTemplateAccess(ctx, id);
  if (!access || access.role === null) throw new AppError('not-found', 'There is no such template');
  if (atLeast(access.role, needed)) return access;
  const resource = { type: 'template' as const, id, name: access.name };
  return refuse(ctx, { action, resource }, `This needs the role “${needed}” on template ${access.name}`);
}
