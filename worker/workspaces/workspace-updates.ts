import type { z } from 'zod';
import { atLeast } from '@gatehouse/core/access/template-acl.ts';
import { specDiff } from '@gatehouse/core/api/template-diff.ts';
import { carryOver, valuesSchema } from '@gatehouse/core/api/template-parameters.ts';
import type { ParameterValues } from '@gatehouse/core/api/parameter-values.ts';
import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import type { workspaceUpdate, WorkspaceUpdateOffer } from '@gatehouse/core/api/workspace-updates.ts';
import type { AuditChange } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, refuse, requireScope } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { nextValues, parseValues } from './parameters.ts';
import { requireFit } from './placement.ts';
import { startRefusal } from './queue.ts';
import { admit } from './queue.store.ts';
import { findVersion, findVersions, type VersionRow } from './template-versions.store.ts';
import { parseSpec } from './templates.store.ts';
import { templateFor } from './templates.ts';
import { isDue, versionOfTemplate } from './workspace-version.ts';
import { accessOf, passOn, readWorkspace, requireThere, resourceOf } from './workspaces.ts';
import * as store from './workspaces.store.ts';

const action = 'workspace.update';

/** Those made from a template, for its administrators. */
export async function listWorkspacesOf(
  ctx: UserContext,
  templateId: string,
  page: { limit: number; after: string },
): Promise<store.WorkspaceRow[]> {
  await templateFor(ctx, templateId, 'admin', 'template.read');
  return store.findWorkspacesOf(ctx, templateId, page);
}

/** What an update would change. @param versionId left out: to the newest version, or, where it has that, to none other */
export async function offerUpdate(ctx: UserContext, id: string, versionId: string | undefined): Promise<WorkspaceUpdateOffer> {
  const { workspace, isAdmin } = await updatable(ctx, id);
  const from = await present(ctx, workspace.version_id);
  const to = await allowed(ctx, workspace, isAdmin, versionId ?? newestFor(workspace));
  const had = parseValues(workspace.parameters);
  const [before, after] = [parseSpec(from.spec), parseSpec(to.spec)];
  const carried = carryOver(after.parameters, had);
  const parsed = valuesSchema(after.parameters).safeParse(carried);
  const known = new Set(before.parameters.map(({ name }) => name));
  const versions = (await findVersions(ctx, workspace.template_id)).filter((each) => mayHave(ctx, workspace, each, isAdmin));
  return {
    from: nameOf(from),
    to: nameOf(to),
    changes: specDiff(before, after),
    parameters: after.parameters,
    values: parsed.success ? parsed.data : { ...defaultsOf(after), ...carried },
    added: after.parameters.map(({ name }) => name).filter((name) => !known.has(name)),
    versions: versions.map(nameOf),
  };
}

/**
 * Gives a workspace another version, or other parameters: what runs is started again with it, what does not has it from its
 * next start on. For its owner, and for administrators of the template, who start nothing that they do not own.
 */
export async function updateWorkspace(ctx: UserContext, id: string, input: z.infer<typeof workspaceUpdate>): Promise<store.WorkspaceRow> {
  const { workspace, mine, isAdmin } = await updatable(ctx, id);
  requireThere(workspace);
  const version = await allowed(ctx, workspace, isAdmin, input.versionId ?? newestFor(workspace));
  const spec = parseSpec(version.spec);
  const had = parseValues(workspace.parameters);
  const parameters = nextValues(spec, had, input.parameters);
  const changes = changesOf(workspace, version, had, parameters);
  if (changes.length === 0) return workspace;
  await requireFit(ctx, workspace, spec);
  const as = { versionId: version.id, parameters };
  const restarts = workspace.desired === 'running' && (workspace.phase !== 'failed' || mine);
  const { tenantId } = ctx.db;
  const guard = restarts ? store.wish(tenantId, workspace, 'running', ctx.now(), as) : store.chooseVersion(tenantId, workspace, as);
  const event = eventOf(ctx, {
    ...{ action, resource: resourceOf(workspace), status: 202, workspaceId: id, diff: changes },
    details: { template: workspace.template_name, version: version.number, restarted: restarts },
  });
  await onGuard(
    commit(ctx, { guard, changes: [admit(tenantId, workspace.runner_id)], events: [event] }),
    async () =>
      (restarts ? await startRefusal(ctx, [], workspace.runner_id) : null) ??
      new AppError('conflict', 'The workspace changed in the meantime. Look again.'),
  );
  if (restarts) ctx.defer(passOn(ctx, workspace));
  return (await store.findWorkspace(ctx.db, id)) ?? workspace;
}

function changesOf(workspace: store.WorkspaceRow, version: VersionRow, had: ParameterValues, has: ParameterValues): AuditChange[] {
  const numbers = { path: 'version', old: workspace.version_number, new: version.number, secret: false };
  const values = { path: 'parameters', old: had, new: has, secret: false };
  const same = Object.keys({ ...had, ...has }).every((name) => had[name] === has[name]);
  return [...(workspace.version_id === version.id ? [] : [numbers]), ...(same ? [] : [values])];
}

/** The workspace, for those who may give it another version. */
async function updatable(ctx: UserContext, id: string): Promise<{ workspace: store.WorkspaceRow; mine: boolean; isAdmin: boolean }> {
  await requireScope(ctx, 'workspace:run-own', { action, resource: { type: 'workspace', id, name: id } });
  const workspace = await readWorkspace(ctx, id);
  const { role } = await accessOf(ctx, workspace);
  const mine = workspace.owner_id === ctx.actor.id;
  const isAdmin = atLeast(role, 'admin');
  if (isAdmin || (mine && atLeast(role, 'use'))) return { workspace, mine, isAdmin };
  const needed = mine ? 'use' : 'admin';
  return refuse(ctx, { action, resource: resourceOf(workspace) }, `This needs the role “${needed}” on template ${workspace.template_name}`);
}

/** A draft that is tried stays what it is; all else goes to the newest. */
const newestFor = (workspace: store.WorkspaceRow): string =>
  workspace.newest_number > workspace.version_number ? workspace.newest_id : workspace.version_id;

/** What is required by now rules out what is older, and the version that a workspace has is always one that it can keep. */
function mayHave(ctx: UserContext, workspace: store.WorkspaceRow, version: VersionRow, isAdmin: boolean): boolean {
  if (version.id === workspace.version_id) return true;
  if (isDue(workspace, ctx.now()) && version.number < (workspace.required_number ?? 0)) return false;
  return version.state === 'published' || (version.state === 'draft' && isAdmin);
}

/** @throws AppError `conflict` for a version that this workspace can't have */
async function allowed(ctx: UserContext, workspace: store.WorkspaceRow, isAdmin: boolean, versionId: string): Promise<VersionRow> {
  const version = await versionOfTemplate(ctx, workspace.template_id, versionId);
  if (mayHave(ctx, workspace, version, isAdmin)) return version;
  if (version.state === 'draft') throw new AppError('conflict', `Version ${version.number} is a draft: only administrators try it`);
  if (version.state === 'deprecated') throw new AppError('conflict', `Version ${version.number} is deprecated`);
  throw new AppError('conflict', `Version ${workspace.required_number} is required by now`);
}

async function present(ctx: UserContext, versionId: string): Promise<VersionRow> {
  const version = await findVersion(ctx, versionId);
  if (!version) throw new AppError('internal', 'A workspace has no version');
  return version;
}

const nameOf = ({ id, number, notes }: VersionRow) => ({ id, number, notes });
const defaultsOf = ({ parameters }: TemplateSpec): ParameterValues =>
  Object.fromEntries(parameters.flatMap(({ name, default: value }) => (value === null ? [] : [[name, value]])));
