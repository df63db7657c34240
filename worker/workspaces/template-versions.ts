import type { z } from 'zod';
import { specDiff } from '@gatehouse/core/api/template-diff.ts';
import type { templateVersionChange, templateVersionCreate, TemplateVersion, versionDiff } from '@gatehouse/core/api/templates.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, requireScope, type EventFacts } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import type { Statement } from '../platform/tenant-db.ts';
import * as store from './template-versions.store.ts';
import { parseSpec, touchTemplate, type TemplateRow } from './templates.store.ts';
import { refuseDoubledApps, resourceOf, stale, templateFor } from './templates.ts';

export const presentVersion = (row: store.VersionRow): TemplateVersion => ({
  id: row.id,
  number: row.number,
  state: row.state,
  spec: parseSpec(row.spec),
  notes: row.notes,
  createdBy: row.created_by,
  createdAt: row.created_at,
  publishedAt: row.published_at,
  requiredFrom: row.required_from,
  workspaces: row.workspaces,
});

export async function listVersions(ctx: UserContext, templateId: string): Promise<TemplateVersion[]> {
  await templateFor(ctx, templateId, 'admin', 'template.read');
  return (await store.findVersions(ctx, templateId)).map(presentVersion);
}

/** Publishes a version at once, or keeps it as the template's draft. */
export async function createVersion(
  ctx: UserContext,
  templateId: string,
  { spec, notes, state }: z.infer<typeof templateVersionCreate>,
): Promise<TemplateVersion> {
  const action = state === 'draft' ? 'template.draft.save' : 'template.publish';
  const template = await templateFor(ctx, templateId, 'admin', action);
  refuseDoubledApps(spec);
  const [newest] = await store.findVersions(ctx, templateId);
  if (newest?.state === 'draft') throw new AppError('conflict', `Version ${newest.number} is a draft. Publish it or discard it first.`);
  const id = ctx.newId('templateVersion');
  const version = {
    ...{ id, templateId, number: (newest?.number ?? 0) + 1, state, notes, spec },
    ...{ createdBy: ctx.actor.id, createdAt: ctx.now().toISOString() },
  };
  await change(ctx, template, {
    changes: [store.insertVersion(ctx.db.tenantId, version), store.chooseNewest(ctx.db.tenantId, templateId)],
    event: { action, status: 201, diff: specDiff(parseSpec(template.spec), spec), details: { version: version.number } },
  });
  return versionOf(ctx, id);
}

/** Another content for a draft; notes of any version. @param revision of the template, as it was seen */
export async function changeVersion(
  ctx: UserContext,
  id: string,
  revision: number,
  { spec, notes }: z.infer<typeof templateVersionChange>,
): Promise<TemplateVersion> {
  const { version, template } = await versionFor(ctx, id, 'template.draft.save');
  if (spec !== undefined && version.state !== 'draft')
    throw new AppError('conflict', `Version ${version.number} is ${version.state}: only a draft can be changed. Make a new version.`);
  if (spec !== undefined) refuseDoubledApps(spec);
  const before = parseSpec(version.spec);
  const after = { spec: JSON.stringify(spec ?? before), notes: notes ?? version.notes };
  const noted = { path: 'notes', old: version.notes, new: after.notes, secret: false };
  await change(
    ctx,
    { ...template, revision },
    {
      changes: [store.writeVersion(ctx.db.tenantId, id, after)],
      event: {
        ...{ action: 'template.draft.save', status: 200, details: { version: version.number } },
        diff: [...specDiff(before, spec ?? before), ...(after.notes === version.notes ? [] : [noted])],
      },
    },
  );
  return versionOf(ctx, id);
}

/** What new workspaces use from now on, and others are offered. */
export async function publishVersion(ctx: UserContext, id: string): Promise<TemplateVersion> {
  const { version, template } = await versionFor(ctx, id, 'template.publish');
  if (version.state !== 'draft') throw new AppError('conflict', `Version ${version.number} is ${version.state}, not a draft`);
  await change(ctx, template, {
    changes: toState(ctx, version, 'published'),
    event: {
      ...{ action: 'template.publish', status: 200, details: { version: version.number } },
      diff: specDiff(parseSpec(template.spec), parseSpec(version.spec)),
    },
  });
  return versionOf(ctx, id);
}

/** Not for new workspaces any more; those that have it go on. */
export async function deprecateVersion(ctx: UserContext, id: string): Promise<TemplateVersion> {
  const { version, template } = await versionFor(ctx, id, 'template.deprecate');
  if (version.state !== 'published') throw new AppError('conflict', `Version ${version.number} is ${version.state}, not published`);
  const others = await store.findVersions(ctx, template.id);
  if (!others.some((each) => each.state === 'published' && each.id !== id))
    throw new AppError('conflict', 'It is the only published version: new workspaces would have none. Publish another one first.');
  await change(ctx, template, {
    changes: toState(ctx, version, 'deprecated'),
    event: { action: 'template.deprecate', status: 200, details: { version: version.number } },
  });
  return versionOf(ctx, id);
}

export async function restoreVersion(ctx: UserContext, id: string): Promise<TemplateVersion> {
  const { version, template } = await versionFor(ctx, id, 'template.restore');
  if (version.state !== 'deprecated') throw new AppError('conflict', `Version ${version.number} is ${version.state}, not deprecated`);
  await change(ctx, template, {
    changes: toState(ctx, version, 'published'),
    event: { action: 'template.restore', status: 200, details: { version: version.number } },
  });
  return versionOf(ctx, id);
}

/** From that time on workspaces of older versions start as this one. @param from null: no more */
export async function requireVersion(ctx: UserContext, id: string, from: string | null): Promise<TemplateVersion> {
  const { version, template } = await versionFor(ctx, id, 'template.require');
  if (version.state !== 'published')
    throw new AppError('conflict', `Version ${version.number} is ${version.state}: only a published one can be required`);
  await change(ctx, template, {
    changes: store.requireVersion(ctx.db.tenantId, version, from),
    event: {
      ...{ action: 'template.require', status: 200, details: { version: version.number } },
      diff: [{ path: 'requiredFrom', old: version.required_from, new: from, secret: false }],
    },
  });
  return versionOf(ctx, id);
}

export async function discardDraft(ctx: UserContext, id: string): Promise<void> {
  const { version, template } = await versionFor(ctx, id, 'template.draft.discard');
  if (version.state !== 'draft')
    throw new AppError('conflict', `Version ${version.number} is ${version.state}: only a draft can be discarded`);
  if (version.workspaces > 0) throw new AppError('conflict', 'Workspaces were made to try this draft. Delete them first.');
  await change(ctx, template, {
    guard: store.touchUnused(ctx.db.tenantId, template, id),
    changes: [store.deleteVersion(ctx.db.tenantId, id)],
    event: { action: 'template.draft.discard', status: 204, details: { version: version.number } },
  });
}

/** What differs between two versions, by their numbers. Environment values are never told. */
export async function diffVersions(ctx: UserContext, templateId: string, from: number, to: number): Promise<z.infer<typeof versionDiff>> {
  await templateFor(ctx, templateId, 'admin', 'template.read');
  const specOf = async (number: number, path: string) => {
    const version = await store.findVersionByNumber(ctx, templateId, number);
    if (version) return parseSpec(version.spec);
    throw new AppError('invalid', `There is no version ${number}`, { errors: [{ path, message: 'is no version of this template' }] });
  };
  return { changes: specDiff(await specOf(from, 'from'), await specOf(to, 'to')) };
}

const toState = (ctx: UserContext, version: store.VersionRow, state: 'published' | 'deprecated'): Statement[] => [
  store.setState(ctx.db.tenantId, version.id, state, ctx.now().toISOString()),
  store.chooseNewest(ctx.db.tenantId, version.template_id),
];

/** Changes versions of a template together with its revision, which whoever was faster has taken. */
async function change(
  ctx: UserContext,
  template: TemplateRow,
  what: { guard?: Statement; changes: Statement[]; event: Omit<EventFacts, 'resource'> },
): Promise<void> {
  const guard = what.guard ?? touchTemplate(ctx.db.tenantId, template.id, template.revision);
  const event = eventOf(ctx, { ...what.event, resource: resourceOf(template) });
  await onGuard(commit(ctx, { guard, changes: what.changes, events: [event] }), stale);
}

/** A version and its template, for an administrator of it. */
async function versionFor(
  ctx: UserContext,
  id: string,
  action: AuditAction,
): Promise<{ version: store.VersionRow; template: TemplateRow }> {
  await requireScope(ctx, 'template:manage', { action, resource: { type: 'template', id: null, name: id } });
  const found = await store.findVersion(ctx, id);
  if (!found) throw new AppError('not-found', 'There is no such version');
  const template = await templateFor(ctx, found.template_id, 'admin', action);
  // Looked at after the template's revision: what changed in between fails the guard.
  const version = await store.findVersion(ctx, id);
  if (!version) throw new AppError('not-found', 'There is no such version');
  return { version, template };
}

async function versionOf(ctx: UserContext, id: string): Promise<TemplateVersion> {
  const version = await store.findVersion(ctx, id);
  if (!version) throw new AppError('not-found', 'There is no such version');
  return presentVersion(version);
}
