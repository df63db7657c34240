import type { TemplateSpec } from '@gatehouse/core/api/templates.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { UserContext } from '../platform/context.ts';
import { nextValues, parseValues } from './parameters.ts';
import { requireFit } from './placement.ts';
import { findVersion, type VersionRow } from './template-versions.store.ts';
import { parseSpec, type TemplateRow } from './templates.store.ts';
import { templateFor } from './templates.ts';
import type { VersionChoice, WorkspaceRow } from './workspaces.store.ts';

export interface ChosenVersion {
  id: string;
  number: number;
  spec: TemplateSpec;
}

/**
 * The version that a new workspace is made from.
 * @throws AppError `permission-denied` for a draft (an event), `conflict` for a deprecated one
 */
export async function versionForNew(ctx: UserContext, template: TemplateRow, versionId: string | undefined): Promise<ChosenVersion> {
  if (versionId === undefined || versionId === template.version_id)
    return { id: template.version_id, number: template.version_number, spec: parseSpec(template.spec) };
  const version = await versionOfTemplate(ctx, template.id, versionId);
  if (version.state === 'draft') await templateFor(ctx, template.id, 'admin', 'workspace.create');
  if (version.state === 'deprecated')
    throw new AppError('conflict', `Version ${version.number} is deprecated: no new workspace is made from it`);
  return { id: version.id, number: version.number, spec: parseSpec(version.spec) };
}

/** @throws AppError `invalid` */
export async function versionOfTemplate(ctx: UserContext, templateId: string, versionId: string): Promise<VersionRow> {
  const version = await findVersion(ctx, versionId);
  if (version?.template_id === templateId) return version;
  throw new AppError('invalid', 'There is no such version', { errors: [{ path: 'versionId', message: 'is no version of this template' }] });
}

/** It has an older version than the one that is, or will be, required. */
export const isBehind = ({ required_number: required, version_number: number }: Pick<WorkspaceRow, 'required_number' | 'version_number'>) =>
  required !== null && required > number;

export const isDue = (workspace: Pick<WorkspaceRow, 'required_from'>, now: Date): boolean =>
  workspace.required_from !== null && Date.parse(workspace.required_from) <= now.getTime();

/**
 * Another version that a start takes: the one that is required by now; or, where the last start failed, the newest one,
 * in which it may have been mended. Null: the workspace keeps its own.
 * @throws AppError `not-ready` when the required one asks for what nobody has said
 */
export async function versionToStart(ctx: UserContext, workspace: WorkspaceRow): Promise<(VersionChoice & { number: number }) | null> {
  if (isDue(workspace, ctx.now()) && isBehind(workspace) && workspace.required_id !== null) {
    try {
      return await choiceOf(ctx, workspace, workspace.required_id);
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'invalid') throw error;
      const asked = `Version ${workspace.required_number} is required by now, and asks for parameters. Update the workspace to give them.`;
      throw new AppError('not-ready', asked, { errors: error.errors ?? [] });
    }
  }
  if (workspace.phase !== 'failed' || workspace.newest_number <= workspace.version_number) return null;
  try {
    return await choiceOf(ctx, workspace, workspace.newest_id);
  } catch (error) {
    // It can't have the newest as it is: the version that it has is tried again.
    if (error instanceof AppError && (error.code === 'invalid' || error.code === 'not-ready')) return null;
    throw error;
  }
}

async function choiceOf(ctx: UserContext, workspace: WorkspaceRow, versionId: string): Promise<VersionChoice & { number: number }> {
  const version = await versionOfTemplate(ctx, workspace.template_id, versionId);
  const spec = parseSpec(version.spec);
  await requireFit(ctx, workspace, spec);
  return { versionId, number: version.number, parameters: nextValues(spec, parseValues(workspace.parameters), {}) };
}
