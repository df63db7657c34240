import { z } from 'zod';
import { TEMPLATE_ROLES, type AclEntry, type AclSubject } from '@gatehouse/core/access/template-acl.ts';
import type { aclPut, aclShown } from '@gatehouse/core/api/templates.ts';
import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { statement } from '../platform/tenant-db.ts';
import { templateFor } from './templates.ts';

const row = z.object({
  subject_type: z.enum(['user', 'group', 'everyone']),
  subject_id: z.string(),
  role: z.enum(TEMPLATE_ROLES),
  expires_at: z.string().nullable(),
  name: z.string().nullable(),
});

const keyOf = (subject: AclSubject) => (subject.type === 'everyone' ? 'everyone' : `${subject.type} ${subject.id}`);
const idOf = (subject: AclSubject) => (subject.type === 'everyone' ? '' : subject.id);

/** Everyone first, then by name. */
export async function readAcl(ctx: UserContext, templateId: string): Promise<{ acl: z.infer<typeof aclShown>; revision: number }> {
  const template = await templateFor(ctx, templateId, 'admin', 'template.read');
  const rows = await ctx.db.rows(
    `SELECT a.subject_type, a.subject_id, a.role, a.expires_at, coalesce(u.name, g.name) AS name FROM template_acl a
     LEFT JOIN users u ON u.tenant_id = ?1 AND a.subject_type = 'user' AND u.id = a.subject_id
     LEFT JOIN groups g ON g.tenant_id = ?1 AND a.subject_type = 'group' AND g.id = a.subject_id
     WHERE a.tenant_id = ?1 AND a.template_id = ?2 ORDER BY a.subject_type <> 'everyone', name, a.subject_id`,
    ctx.db.tenantId,
    templateId,
  );
  const items = rows
    .map((each) => row.parse(each))
    .map((each) => ({
      subject: subjectOf(each),
      role: each.role,
      expiresAt: each.expires_at,
      name: each.name ?? (each.subject_type === 'everyone' ? 'Everyone' : each.subject_id),
    }));
  return { acl: { items }, revision: template.acl_revision };
}

function subjectOf(each: z.infer<typeof row>): AclSubject {
  return each.subject_type === 'everyone' ? { type: 'everyone' } : { type: each.subject_type, id: each.subject_id };
}

/**
 * Replaces the whole list, if it is still the one that the caller saw.
 * @throws AppError `stale-version`; `invalid` when a subject is named twice or is not in the organisation
 */
export async function replaceAcl(ctx: UserContext, templateId: string, revision: number, input: z.infer<typeof aclPut>): Promise<void> {
  const template = await templateFor(ctx, templateId, 'admin', 'template.acl.update');
  const before = (await readAcl(ctx, templateId)).acl.items;
  refuseDuplicates(input.items);
  await refuseStrangers(ctx, input.items);
  const tenantId = ctx.db.tenantId;
  const guard = statement(
    'UPDATE templates SET acl_revision = acl_revision + 1 WHERE tenant_id = ? AND id = ? AND acl_revision = ? AND deleted_at IS NULL',
    tenantId,
    templateId,
    revision,
  );
  const clear = statement('DELETE FROM template_acl WHERE tenant_id = ? AND template_id = ?', tenantId, templateId);
  const fill = statement(
    `INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, expires_at, created_at, created_by)
     SELECT ?1, ?2, value ->> 'type', value ->> 'id', value ->> 'role', value ->> 'expiresAt', ?3, ?4 FROM json_each(?5)`,
    tenantId,
    templateId,
    ctx.now().toISOString(),
    ctx.actor.id,
    JSON.stringify(input.items.map(({ subject, role, expiresAt }) => ({ type: subject.type, id: idOf(subject), role, expiresAt }))),
  );
  const event = eventOf(ctx, {
    action: 'template.acl.update',
    resource: { type: 'template', id: templateId, name: template.name },
    status: 200,
    diff: aclDiff(before, input.items),
  });
  await onGuard(
    commit(ctx, {
      ...{ guard, changes: [clear, fill], events: [event] },
      lessens: { users: 'everybody', cause: `Who may use template ${template.name} changed` },
    }),
    () =>
      new AppError('stale-version', 'Somebody changed who may use this template in the meantime. Load it again and repeat your change.'),
  );
}

function refuseDuplicates(items: AclEntry[]): void {
  const keys = items.map(({ subject }) => keyOf(subject));
  const errors = keys.flatMap((key, index) =>
    keys.indexOf(key) < index ? [{ path: `items.${index}.subject`, message: 'is named twice' }] : [],
  );
  if (errors.length > 0) throw new AppError('invalid', 'Some of the input is wrong', { errors });
}

async function refuseStrangers(ctx: UserContext, items: AclEntry[]): Promise<void> {
  const known = await ctx.db.rows<{ id: string }>(
    `SELECT id FROM users WHERE tenant_id = ?1 AND state <> 'deactivated' AND id IN (SELECT value FROM json_each(?2))
     UNION ALL SELECT id FROM groups WHERE tenant_id = ?1 AND id IN (SELECT value FROM json_each(?2))`,
    ctx.db.tenantId,
    JSON.stringify(items.map(({ subject }) => idOf(subject))),
  );
  const ids = new Set(known.map(({ id }) => id));
  const errors = items.flatMap(({ subject }, index) =>
    subject.type !== 'everyone' && !ids.has(subject.id)
      ? [{ path: `items.${index}.subject.id`, message: 'is nobody in this organisation' }]
      : [],
  );
  if (errors.length > 0) throw new AppError('invalid', 'Some of the input is wrong', { errors });
}

/** One change for each subject whose entry came, went or became another. */
function aclDiff(before: AclEntry[], after: AclEntry[]): AuditChange[] {
  const grants = (items: AclEntry[]) => new Map(items.map(({ subject, role, expiresAt }) => [keyOf(subject), { role, expiresAt }]));
  const old = grants(before);
  const now = grants(after);
  return [...new Set([...old.keys(), ...now.keys()])]
    .filter((key) => JSON.stringify(old.get(key)) !== JSON.stringify(now.get(key)))
    .map((key) => ({ path: `acl.${key}`, old: old.get(key) ?? null, new: now.get(key) ?? null, secret: false }));
}
