import { TEMPLATE_ROLES, type TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import { inScope } from '@gatehouse/core/access/scopes.ts';
import type { Context, UserContext } from '../platform/context.ts';

/**
 * SQL of the template access list, to be put into queries on templates (alias `t`).
 * Bind ?1 tenant, ?2 user, ?3 now (ISO). Tests hold it against core/access/template-acl.ts.
 */
export const WITH_SUBJECTS = `
  WITH RECURSIVE subject(type, id) AS (
    SELECT 'user', ?2
    UNION
    SELECT 'group', m.group_id FROM subject
    JOIN group_members m ON m.tenant_id = ?1 AND m.member_type = subject.type AND m.member_id = subject.id
  )`;

/** 0 nothing, 1 view, 2 use, 3 admin. */
export const ROLE_RANK = `
  coalesce((
    SELECT max(CASE a.role WHEN 'view' THEN 1 WHEN 'use' THEN 2 ELSE 3 END) FROM template_acl a
    WHERE a.tenant_id = ?1 AND a.template_id = t.id AND (a.expires_at IS NULL OR a.expires_at > ?3)
      AND (a.subject_type = 'everyone' OR EXISTS (SELECT 1 FROM subject WHERE subject.type = a.subject_type AND subject.id = a.subject_id))
  ), 0)`;

/** Owners and template administrators have `admin` on every template. */
export const adminOfAll = (ctx: Context): boolean => 'permissions' in ctx.actor && ctx.actor.permissions.has('template:admin');

/**
 * The role that a rank and the caller's tenant-wide permissions give together. No list names a service account, and
 * everyone is people. A token that may not manage templates is a user of those that its owner administers.
 */
export function roleOf(ctx: UserContext, rank: number): TemplateRole | null {
  if (adminOfAll(ctx)) return 'admin';
  if (ctx.actor.type === 'service-account') return null;
  const role = TEMPLATE_ROLES[rank - 1] ?? null;
  return role === 'admin' && !inScope(ctx.actor.token?.scopes ?? null, 'template:manage') ? 'use' : role;
}
