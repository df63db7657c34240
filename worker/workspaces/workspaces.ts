import type { z } from 'zod';
import { appRefusal } from '@gatehouse/core/access/app-access.ts';
import { DEFAULT_POLICY, PORTS, type Policy } from '@gatehouse/core/access/policy-in-force.ts';
import { atLeast } from '@gatehouse/core/access/template-acl.ts';
import { connectAccess } from '@gatehouse/core/access/workspace-access.ts';
import type { WorkspaceAccess } from '@gatehouse/core/api/access.ts';
import { appLabel } from '@gatehouse/core/api/template-apps.ts';
import { QUOTAS, quotaWords } from '@gatehouse/core/api/directory.ts';
import { describeState, trashedUntil, type StateFacts } from '@gatehouse/core/api/workspace-states.ts';
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
import { atFreePlace, startRefusal } from './queue.ts';
import { admit } from './queue.store.ts';
import type { RunnerRow } from './runners.store.ts';
import { templateFor } from './templates.ts';
import { endOfRestore } from './snapshot-restores.ts';
import { isBehind, versionForNew, versionToStart } from './workspace-version.ts';
import * as store from './workspaces.store.ts';

export const resourceOf = (workspace: { id: string; name: string }) => ({
  type: 'workspace' as const,
  id: workspace.id,
  name: workspace.name,
});

const factsOf = (row: store.WorkspaceRow) =>
  ({
    desired: row.desired,
    phase: row.phase,
    failure: row.failure,
    step: row.step,
    changedAt: row.changed_at,
    trash: row.trashed_at === null ? null : { at: row.trashed_at, until: trashedUntil(row.trashed_at) },
    runner: {
      name: row.runner_name,
      online: row.runner_online === 1,
      drain: row.runner_drains === 1 ? { until: row.runner_drain_until } : null,
      revoked: row.runner_revoked === 1,
      removed: row.runner_removed === 1,
      lastSeenAt: row.runner_seen_at,
    },
    line: store.lineOf(row),
  }) satisfies StateFacts;

export function present(ctx: UserContext, row: store.WorkspaceRow): Workspace {
  const facts = factsOf(row);
  const mine = row.owner_id === ctx.actor.id;
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
    image: row.spec.image,
    ...facts,
    runner: { id: row.runner_id, ...facts.runner },
    generation: row.generation,
    percent: row.percent,
    error: row.error,
    state: describeState(facts, { mine, mayStopAll: ctx.actor.permissions.has('workspace:stop-all') }, ctx.now().getTime()),
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    mine,
    apps: openableApps(ctx, row),
  };
}

/** Those that the policy opens to the caller. Limits on data don't touch what a template names. */
function openableApps(ctx: UserContext, row: store.WorkspaceRow): Workspace['apps'] {
  if (ctx.settings.APPS_DOMAIN === null) return [];
  const policy = { ports: portsInForce(ctx, row), download: null, clipboardOut: null };
  const mine = row.owner_id === ctx.actor.id;
  return row.spec.apps
    .filter((app) => appRefusal(policy, { mine, app }) === null)
    .map(({ name, port, icon, command, share }) => ({
      ...{ label: appLabel(name), name, port, icon, kept: command.trim() !== '' },
      share: policy.ports === 'tenant' ? share : 'owner',
    }));
}

/** The strictest of what is set, without reading the whole policy. */
function portsInForce({ settings }: UserContext, { ports_set: set }: store.WorkspaceRow): Policy['ports'] {
  const values = [settings.policy.ports ?? DEFAULT_POLICY.ports, ...(set?.split(',') ?? [])];
  return PORTS.find((each) => values.includes(each)) ?? 'off';
}

const listed = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /workspaces' } } as const;
const named = (id: string) => ({ type: 'workspace' as const, id, name: id });

/** Everybody's workspaces only for those who may see them; others get their own. @param page.trashed those in the trash instead */
export async function listWorkspaces(
  ctx: UserContext,
  page: { limit: number; after: string | null; all: boolean; trashed: boolean },
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
  const id = ctx.newId('workspace');
  const make = (runner: RunnerRow, mayWait: boolean) => {
    const workspace = {
      ...{ id, name: input.name, ownerId: ctx.actor.id, templateId: template.id, versionId: version.id },
      ...{ runnerId: runner.id, parameters, createdAt: ctx.now().toISOString() },
    };
    const event = eventOf(ctx, {
      action: 'workspace.create',
      resource: resourceOf(workspace),
      status: 201,
      workspaceId: id,
      diff: Object.keys(parameters).length === 0 ? [] : [{ path: 'parameters', old: null, new: parameters, secret: false }],
      details: { template: template.name, version: version.number, runner: runner.name },
    });
    const guard = store.insertWorkspace(ctx.db.tenantId, workspace, QUOTAS.workspaces, mayWait);
    return commit(ctx, { guard, changes: [admit(ctx.db.tenantId, runner.id)], events: [event] });
  };
  const wanted = { templateId: template.id, spec: version.spec, runnerId: input.runnerId ?? null };
  const { id: runnerId } = await onUnique(
    onGuard(
      atFreePlace(ctx, () => runnerFor(ctx, wanted), make),
      () =>
        new AppError(
          'quota-exceeded',
          `An organisation has ${quotaWords('workspaces')}. Those in the trash count until they are deleted for good.`,
        ),
    ),
    NAME_INDEX,
    () => nameTaken(input.name),
  );
  ctx.defer(ctx.workspaces.order(ctx.db.shard, runnerId, id));
  return readWorkspace(ctx, id);
}

export const NAME_INDEX = 'workspaces.tenant_id, workspaces.owner_id, workspaces.name';
export const nameTaken = (name: string) =>
  new AppError('conflict', `There is a workspace ${name} already`, { errors: [{ path: 'name', message: 'is taken' }] });

const WISHES = {
  start: { action: 'workspace.start', desired: 'running' },
  stop: { action: 'workspace.stop', desired: 'stopped' },
  restart: { action: 'workspace.restart', desired: 'running' },
} as const satisfies Record<string, { action: AuditAction; desired: 'running' | 'stopped' }>;

/**
 * The workspace, for what its owner may always do, even when access to the template was taken away, and others with
 * `workspace:stop-all`: stop, delete, restore.
 */
export async function endable(ctx: UserContext, id: string, action: AuditAction): Promise<store.WorkspaceRow> {
  const mayStopAll = ctx.actor.permissions.has('workspace:stop-all');
  if (!mayStopAll) await requireScope(ctx, 'workspace:run-own', { action, resource: named(id) });
  const workspace = await readWorkspace(ctx, id);
  const facts = { action, resource: resourceOf(workspace) };
  const mine = workspace.owner_id === ctx.actor.id;
  if (mine) await requireScope(ctx, 'workspace:run-own', facts);
  if (!mine && !mayStopAll) return refuse(ctx, facts, 'This needs the permission workspace:stop-all');
  return workspace;
}

/** The workspace, for those who may start it: its owner, with `use` on its template. */
async function startable(ctx: UserContext, id: string, action: AuditAction): Promise<store.WorkspaceRow> {
  await requireScope(ctx, 'workspace:run-own', { action, resource: named(id) });
  const workspace = await readWorkspace(ctx, id);
  const facts = { action, resource: resourceOf(workspace) };
  if (workspace.owner_id !== ctx.actor.id) return refuse(ctx, facts, 'Only its owner starts a workspace');
  if (!atLeast((await accessOf(ctx, workspace)).role, 'use'))
    return refuse(ctx, facts, `This needs the role “use” on template ${workspace.template_name}`);
  return workspace;
}

/** @throws AppError `not-ready` for what is in the trash, or whose runner was removed */
export function requireThere(workspace: Pick<store.WorkspaceRow, 'desired' | 'trashed_at' | 'runner_removed' | 'runner_name'>): void {
  if (workspace.desired === 'deleted') throw new AppError('not-ready', 'The workspace is being deleted');
  if (workspace.trashed_at !== null) throw new AppError('not-ready', 'The workspace is in the trash. Restore it first.');
  if (workspace.runner_removed === 1)
    throw new AppError('not-ready', `Runner ${workspace.runner_name}, which has the workspace’s files, was removed.`);
}

/**
 * Starts, stops or restarts: each a wish of its own for its runner, which carries it out when it can. A restart is one, from
 * whatever state: stop script, end, start.
 */
export async function wishFor(ctx: UserContext, id: string, verb: keyof typeof WISHES): Promise<store.WorkspaceRow> {
  const { action, desired } = WISHES[verb];
  const workspace = await (verb === 'stop' ? endable : startable)(ctx, id, action);
  const facts = { action, resource: resourceOf(workspace) };
  // Wishing again for what is wanted and not failed changes nothing.
  if (verb !== 'restart' && workspace.desired === desired && workspace.phase !== 'failed') return workspace;
  requireThere(workspace);
  const as = verb === 'stop' ? null : await versionToStart(ctx, workspace);
  const details = as === null ? {} : { version: as.number };
  const event = eventOf(ctx, { ...facts, status: 202, workspaceId: id, details });
  const guard = store.wish(ctx.db.tenantId, workspace, desired, ctx.now(), as);
  const work = commit(ctx, { guard, changes: [admit(ctx.db.tenantId, workspace.runner_id)], events: [event] });
  const refused = async () => (desired === 'running' ? startRefusal(ctx, ['running'], workspace.runner_id) : null);
  await onGuard(work, async () => (await refused()) ?? new AppError('conflict', 'The workspace changed in the meantime. Look again.'));
  ctx.defer(passOn(ctx, workspace));
  return (await store.findWorkspace(ctx.db, id)) ?? workspace;
}

/** A new wish: whoever is in the workspace is told that it stopped before its runner starts it anew, whose link must not be closed with theirs. */
export async function passOn(ctx: Pick<Context, 'workspaces' | 'db'>, workspace: store.WorkspaceRow): Promise<void> {
  const { id, runner_id: runnerId, phase } = workspace;
  if (phase === 'running') await ctx.workspaces.stop(ctx.db.shard, id);
  await ctx.workspaces.order(ctx.db.shard, runnerId, id);
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
 * A runner's report on one of its workspaces. A repeated or outdated report changes nothing and leaves no event. A place that it
 * gives back goes to who waits for it, in the same transaction.
 * @returns whether anything changed
 */
export async function recordReport(ctx: Omit<Context, 'tenant'>, runnerId: string, report: WorkspaceReport): Promise<boolean> {
  const guard = store.applyReport(ctx.db.tenantId, runnerId, report, ctx.now());
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
    ...(report.error ? { reason: report.error } : {}),
    details: {
      generation: report.generation,
      ...(report.reason === undefined ? {} : { failure: report.reason }),
      ...(report.exitCode === undefined ? {} : { exitCode: report.exitCode }),
    },
  });
  const restore = await endOfRestore(ctx, { id: report.workspaceId, name: workspace?.name ?? report.workspaceId }, report);
  const events = [event, ...restore.events.map((facts) => eventOf(ctx, facts))];
  try {
    await commit(ctx, { guard, changes: [admit(ctx.db.tenantId, runnerId), ...restore.changes], events });
    return true;
  } catch (error) {
    if (error instanceof GuardFailed) return false;
    throw error;
  }
}
