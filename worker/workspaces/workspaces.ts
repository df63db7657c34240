import type { z } from 'zod';
import { appRefusal } from '@gatehouse/core/access/app-access.ts';
import { DEFAULT_POLICY, PORTS, type Policy } from '@gatehouse/core/access/policy.ts';
import { atLeast } from '@gatehouse/core/access/template-acl.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import type { WorkspaceAccess } from '@gatehouse/core/api/access.ts';
import { appLabel } from '@gatehouse/core/api/template-apps.ts';
import { QUOTAS, quotaWords } from '@gatehouse/core/api/directory.ts';
import type { Workspace, workspaceCreate, workspaceLogs } from '@gatehouse/core/api/workspaces.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { WorkspaceReport } from '@gatehouse/core/protocol/runner-control.ts';
import { explainWorkspace } from '../access/explain.ts';
import { findTemplateAccess, type TemplateAccess } from '../access/template-access.ts';
import { commit, eventOf, GuardFailed, onGuard, onUnique, refuse, require, requireScope } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { parseValues, resolveValues } from './parameters.ts';
import { runnerFor } from './placement.ts';
import { templateFor } from './templates.ts';
import { endOfRestore } from './snapshot-restores.ts';
import { isBehind, versionForNew, versionToStart } from './workspace-version.ts';
import * as store from './workspaces.store.ts';

export const resourceOf = (workspace: { id: string; name: string }) => ({
  type: 'workspace' as const,
  id: workspace.id,
  name: workspace.name,
});

export function present(ctx: UserContext, row: store.WorkspaceRow): Workspace {
  return {
    id: row.id,
    name: row.name,
    owner: { id: row.owner_id, name: row.owner_name },
    template: {
      ...{ id: row.template_id, name: row.template_name },
      ...{ version: row.version_number, versionId: row.version_id, state: row.version_state },
    },
    update:
      row.newest_number > row.version_number
        ? { versionId: row.newest_id, number: row.newest_number, requiredFrom: isBehind(row) ? row.required_from : null }
        : null,
    parameters: parseValues(row.parameters),
    rootfs: row.spec.rootfs?.digest ?? null,
    runner: { id: row.runner_id, name: row.runner_name, online: row.runner_online === 1 },
    desired: row.desired,
    phase: row.phase,
    generation: row.generation,
    step: row.step,
    percent: row.percent,
    error: row.error,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    mine: row.owner_id === ctx.actor.id,
    apps: openableApps(ctx, row),
  };
}

/** Those that the policy opens to the caller. Limits on data don't touch what a template names. */
function openableApps(ctx: UserContext, row: store.WorkspaceRow): Workspace['apps'] {
  if (ctx.settings.APPS_DOMAIN === null) return [];
  const policy = { ports: portsInForce(ctx, row), download: null };
  const mine = row.owner_id === ctx.actor.id;
  return row.spec.apps
    .filter((app) => appRefusal(policy, { mine, app }) === null)
    .map(({ name, port, icon, command }) => ({ label: appLabel(name), name, port, icon, kept: command.trim() !== '' }));
}

/** The strictest of what is set, without reading the whole policy. */
function portsInForce({ settings }: UserContext, { ports_set: set }: store.WorkspaceRow): Policy['ports'] {
  const values = [settings.policy.ports ?? DEFAULT_POLICY.ports, ...(set?.split(',') ?? [])];
  return PORTS.find((each) => values.includes(each)) ?? 'off';
}

const listed = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /workspaces' } } as const;
const named = (id: string) => ({ type: 'workspace' as const, id, name: id });

/** Everybody's workspaces only for those who may see them; others get their own. */
export async function listWorkspaces(
  ctx: UserContext,
  page: { limit: number; after: string | null; all: boolean },
): Promise<store.WorkspaceRow[]> {
  await requireScope(ctx, 'workspace:read-own', listed);
  return store.findWorkspaces(ctx, { ...page, everybody: page.all && ctx.actor.permissions.has('workspace:read-all') });
}

/**
 * The workspace, when the caller owns it, may see everybody's, or is an administrator of its template.
 * @throws AppError `not-found` otherwise, the same as for none
 */
export async function readWorkspace(ctx: UserContext, id: string): Promise<store.WorkspaceRow> {
  await requireScope(ctx, 'workspace:read-own', { action: 'workspace.read', resource: named(id) });
  const row = await store.findWorkspace(ctx.db, id);
  if (!row || !(await maySee(ctx, row))) throw new AppError('not-found', 'There is no such workspace');
  return row;
}

async function maySee(ctx: UserContext, row: store.WorkspaceRow): Promise<boolean> {
  if (row.owner_id === ctx.actor.id || ctx.actor.permissions.has('workspace:read-all')) return true;
  return atLeast((await accessOf(ctx, row)).role, 'admin');
}

/** The caller's role on the workspace's template, and what it hangs on; no role also when that is deleted. */
export async function accessOf(
  ctx: UserContext,
  { template_id }: Pick<store.WorkspaceRow, 'template_id'>,
): Promise<Pick<TemplateAccess, 'role' | 'grantId'>> {
  return (await findTemplateAccess(ctx, template_id)) ?? { role: null, grantId: null };
}

/** Why the caller can or can't connect to a workspace that they may see, what took it away, and whom to ask. */
export async function readWorkspaceAccess(ctx: UserContext, id: string): Promise<WorkspaceAccess> {
  const workspace = await readWorkspace(ctx, id);
  const explanation = await explainWorkspace(ctx, { id, templateId: workspace.template_id });
  const mine = workspace.owner_id === ctx.actor.id;
  return { ...explanation, needed: mine ? 'use' : 'admin', allowed: connectAccess(mine, explanation.role) !== null };
}

export async function createWorkspace(ctx: UserContext, input: z.infer<typeof workspaceCreate>): Promise<store.WorkspaceRow> {
  await require(ctx, 'workspace:create', { action: 'workspace.create', resource: { type: 'workspace', id: null, name: input.name } });
  const template = await templateFor(ctx, input.templateId, 'use', 'workspace.create');
  const version = await versionForNew(ctx, template, input.versionId);
  const parameters = resolveValues(version.spec, input.parameters);
  const runner = await runnerFor(ctx, { templateId: template.id, spec: version.spec, runnerId: input.runnerId ?? null });
  const id = ctx.newId('workspace');
  const workspace = {
    id,
    name: input.name,
    ownerId: ctx.actor.id,
    templateId: template.id,
    versionId: version.id,
    runnerId: runner.id,
    parameters,
    createdAt: ctx.now().toISOString(),
  };
  const event = eventOf(ctx, {
    action: 'workspace.create',
    resource: resourceOf(workspace),
    status: 201,
    workspaceId: id,
    diff: Object.keys(parameters).length === 0 ? [] : [{ path: 'parameters', old: null, new: parameters, secret: false }],
    details: { template: template.name, version: version.number, runner: runner.name },
  });
  await onUnique(
    onGuard(
      commit(ctx, { guard: store.insertWorkspace(ctx.db.tenantId, workspace, QUOTAS.workspaces), events: [event] }),
      () => new AppError('quota-exceeded', `An organisation has ${quotaWords('workspaces')}`),
    ),
    'workspaces.tenant_id, workspaces.owner_id, workspaces.name',
    () => new AppError('conflict', `You have a workspace ${input.name} already`, { errors: [{ path: 'name', message: 'is taken' }] }),
  );
  ctx.defer(ctx.workspaces.order(ctx.db.shard, runner.id, id));
  return readWorkspace(ctx, id);
}

const WISHES = {
  start: { action: 'workspace.start', desired: 'running' },
  stop: { action: 'workspace.stop', desired: 'stopped' },
  delete: { action: 'workspace.delete', desired: 'deleted' },
} as const satisfies Record<string, { action: AuditAction; desired: 'running' | 'stopped' | 'deleted' }>;

/**
 * Starts, stops or deletes. The owner may always stop and delete, even when access to the template was
 * taken away; starting needs `use`. Others need `workspace:stop-all`, and never start what is not theirs.
 */
export async function wishFor(ctx: UserContext, id: string, verb: keyof typeof WISHES): Promise<store.WorkspaceRow> {
  const { action, desired } = WISHES[verb];
  if (!ctx.actor.permissions.has('workspace:stop-all')) await requireScope(ctx, 'workspace:run-own', { action, resource: named(id) });
  const workspace = await readWorkspace(ctx, id);
  const facts = { action, resource: resourceOf(workspace) };
  const mine = workspace.owner_id === ctx.actor.id;
  if (mine) await requireScope(ctx, 'workspace:run-own', facts);
  if (verb === 'start') {
    if (!mine) return refuse(ctx, facts, 'Only its owner starts a workspace');
    if (!atLeast((await accessOf(ctx, workspace)).role, 'use'))
      return refuse(ctx, facts, `This needs the role “use” on template ${workspace.template_name}`);
  } else if (!mine && !ctx.actor.permissions.has('workspace:stop-all')) {
    return refuse(ctx, facts, 'This needs the permission workspace:stop-all');
  }
  // Wishing again for what is wanted and not failed changes nothing.
  if (workspace.desired === desired && workspace.phase !== 'failed') return workspace;
  if (workspace.desired === 'deleted') throw new AppError('not-ready', 'The workspace is being deleted');
  const as = verb === 'start' ? await versionToStart(ctx, workspace) : null;
  const details = as === null ? {} : { version: as.number };
  const event = eventOf(ctx, { ...facts, status: 202, workspaceId: id, details });
  const work = commit(ctx, { guard: store.wish(ctx.db.tenantId, workspace, desired, ctx.now(), as), events: [event] });
  await onGuard(work, () => new AppError('conflict', 'The workspace changed in the meantime. Look again.'));
  ctx.defer(ctx.workspaces.order(ctx.db.shard, workspace.runner_id, id));
  if (desired !== 'running' && workspace.phase === 'running') ctx.defer(ctx.workspaces.stop(ctx.db.shard, id));
  return (await store.findWorkspace(ctx.db, id)) ?? workspace;
}

/** Build log of the present generation from that byte on. */
export async function readLogs(ctx: UserContext, id: string, from: number): Promise<z.infer<typeof workspaceLogs>> {
  const workspace = await readWorkspace(ctx, id);
  return ctx.workspaces.logs(ctx.db.shard, workspace.runner_id, id, from);
}

/** Phases that end a wish, and the event that each leaves. */
function eventAction(phase: WorkspaceReport['phase']): AuditAction | null {
  switch (phase) {
    case 'running':
    case 'failed':
      return 'workspace.running';
    case 'stopped':
      return 'workspace.stopped';
    case 'deleted':
      return 'workspace.deleted';
    case 'starting':
    case 'stopping':
      return null;
  }
}

/**
 * A runner's report on one of its workspaces. A repeated or outdated report changes nothing and leaves no event.
 * @returns whether anything changed
 */
export async function recordReport(ctx: Omit<Context, 'tenant'>, runnerId: string, report: WorkspaceReport): Promise<boolean> {
  const guard = store.applyReport(ctx.db.tenantId, runnerId, report);
  const action = eventAction(report.phase);
  if (action === null) {
    const [result] = await ctx.db.batch([guard]);
    return (result?.changes ?? 0) > 0;
  }
  const workspace = await store.findWorkspace(ctx.db, report.workspaceId);
  const failed = report.phase === 'failed';
  const event = eventOf(ctx, {
    action,
    resource: resourceOf(workspace ?? { id: report.workspaceId, name: report.workspaceId }),
    outcome: failed ? 'failure' : 'success',
    workspaceId: report.workspaceId,
    ...(failed && report.error ? { reason: report.error } : {}),
    details: { generation: report.generation, ...(report.exitCode === undefined ? {} : { exitCode: report.exitCode }) },
  });
  const restore = await endOfRestore(ctx, { id: report.workspaceId, name: workspace?.name ?? report.workspaceId }, report);
  const events = [event, ...restore.events.map((facts) => eventOf(ctx, facts))];
  try {
    await commit(ctx, { guard, changes: restore.changes, events });
    return true;
  } catch (error) {
    if (error instanceof GuardFailed) return false;
    throw error;
  }
}
