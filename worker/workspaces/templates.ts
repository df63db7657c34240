import type { z } from 'zod';
import { atLeast, type TemplateRole } from '@gatehouse/core/access/template-acl.ts';
import { QUOTAS, quotaWords } from '@gatehouse/core/api/directory.ts';
import type { templateCreate, templateDetail, templateUpdate, Template, TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { specDiff } from '@gatehouse/core/api/template-diff.ts';
import { diff, type FieldRules } from '@gatehouse/core/audit/diff.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { doubledApp } from '@gatehouse/core/api/template-apps.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { adminOfAll, roleOf } from '../access/template-access.ts';
import { commit, eventOf, onGuard, onUnique, refuse, require, requireScope } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { forgetSecrets } from './template-secrets.store.ts';
import { insertVersion } from './template-versions.store.ts';
import * as store from './templates.store.ts';

const templateRules: FieldRules<{ name: string; description: string; icon: string }> = {
  name: 'tracked',
  description: 'tracked',
  icon: 'tracked',
};

export const resourceOf = (template: { id: string; name: string }) => ({ type: 'template' as const, id: template.id, name: template.name });

/** Those that the caller may at least see, by name. */
export async function listTemplates(ctx: UserContext, page: store.TemplatePage): Promise<store.TemplateRow[]> {
  await requireScope(ctx, 'template:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /templates' } });
  if (ctx.actor.type === 'service-account' && !adminOfAll(ctx)) return [];
  return store.findTemplates(ctx, page);
}

export function present(ctx: UserContext, row: store.TemplateRow): Template {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    icon: row.icon,
    version: { id: row.version_id, number: row.version_number, createdAt: row.version_created_at },
    role: roleOf(ctx, row.rank) ?? 'view',
    workspaces: row.workspaces,
    asked: row.asked === 1,
    createdAt: row.created_at,
  };
}

/** `view` learns that the template exists; `use` also how it is made; environment values are for `admin` alone. */
export function presentDetail(ctx: UserContext, row: store.TemplateRow): z.infer<typeof templateDetail> {
  const template = present(ctx, row);
  const spec = store.parseSpec(row.spec);
  switch (template.role) {
    case 'admin':
      return { ...template, spec };
    case 'use':
      return { ...template, spec: { ...spec, environment: Object.fromEntries(Object.keys(spec.environment).map((name) => [name, ''])) } };
    case 'view':
      return { ...template, spec: { ...spec, ...{ startupScript: '', stopScript: '', environment: {}, parameters: [] } } };
  }
}

/**
 * The template, when the caller has at least that role on it.
 * @throws AppError `not-found` when the caller may not even see it, `permission-denied` (an event) when the role is too low
 */
export async function templateFor(ctx: UserContext, id: string, needed: TemplateRole, action: AuditAction): Promise<store.TemplateRow> {
  const scope = needed === 'admin' ? 'template:manage' : 'template:read';
  // Making a workspace has a scope of its own.
  if (action !== 'workspace.create') await requireScope(ctx, scope, { action, resource: { type: 'template', id, name: id } });
  const row = await store.findTemplate(ctx, id);
  const role = row === undefined ? null : roleOf(ctx, row.rank);
  if (row === undefined || role === null) throw new AppError('not-found', 'There is no such template');
  if (!atLeast(role, needed))
    return refuse(ctx, { action, resource: resourceOf(row) }, `This needs the role “${needed}” on template ${row.name}`);
  return row;
}

export async function createTemplate(ctx: UserContext, input: z.infer<typeof templateCreate>): Promise<store.TemplateRow> {
  await require(ctx, 'template:create', { action: 'template.create', resource: { type: 'template', id: null, name: input.name } });
  refuseDoubledApps(input.spec);
  const id = ctx.newId('template');
  const versionId = ctx.newId('templateVersion');
  const createdAt = ctx.now().toISOString();
  const guard = store.insertTemplate(ctx.db.tenantId, { id, ...input, versionId, createdAt }, QUOTAS.templates);
  const version = insertVersion(ctx.db.tenantId, {
    id: versionId,
    templateId: id,
    number: 1,
    state: 'published',
    notes: '',
    spec: input.spec,
    createdBy: ctx.actor.id,
    createdAt,
  });
  const changes = [...diff(templateRules, null, input), ...specDiff(null, input.spec)];
  const event = eventOf(ctx, { action: 'template.create', resource: resourceOf({ id, name: input.name }), status: 201, diff: changes });
  await onUnique(
    onGuard(
      commit(ctx, { guard, changes: [version], events: [event] }),
      () => new AppError('quota-exceeded', `An organisation has ${quotaWords('templates')}`),
    ),
    'templates.tenant_id, templates.name',
    () => new AppError('conflict', `There is a template ${input.name} already`, { errors: [{ path: 'name', message: 'is taken' }] }),
  );
  return templateFor(ctx, id, 'view', 'template.read');
}

export async function changeTemplate(
  ctx: UserContext,
  id: string,
  revision: number,
  input: z.infer<typeof templateUpdate>,
): Promise<store.TemplateRow> {
  const before = await templateFor(ctx, id, 'admin', 'template.update');
  const after = { name: before.name, description: input.description ?? before.description, icon: input.icon ?? before.icon };
  const guard = store.updateTemplate(ctx.db.tenantId, id, revision, { ...after, versionId: before.version_id });
  const event = eventOf(ctx, {
    action: 'template.update',
    resource: resourceOf(before),
    status: 200,
    diff: diff(templateRules, before, after),
  });
  await onGuard(commit(ctx, { guard, events: [event] }), stale);
  return templateFor(ctx, id, 'admin', 'template.read');
}

export async function deleteTemplate(ctx: UserContext, id: string): Promise<void> {
  const template = await templateFor(ctx, id, 'admin', 'template.delete');
  const guard = store.deleteTemplate(ctx.db.tenantId, id, ctx.now().toISOString());
  const event = eventOf(ctx, {
    ...{ action: 'template.delete', resource: resourceOf(template), status: 204 },
    diff: diff(templateRules, template, null),
  });
  await onGuard(
    commit(ctx, { guard, changes: [forgetSecrets(ctx.db.tenantId, id)], events: [event] }),
    () => new AppError('conflict', 'Workspaces are made from this template. Delete them first, those in the trash for good.'),
  );
}

export const stale = () =>
  new AppError('stale-version', 'Somebody changed the template in the meantime. Load it again and repeat your change.');

/** Not a rule of the schema: versions of a release before may have two, and still start. */
export function refuseDoubledApps({ apps }: Pick<TemplateSpec, 'apps'>): void {
  const index = doubledApp(apps);
  if (index < 0) return;
  throw new AppError('invalid', 'Two web apps have the same name or port', {
    errors: [{ path: `spec.apps.${index}.name`, message: 'has a name or port that another app has' }],
  });
}
