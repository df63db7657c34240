import type { z } from 'zod';
import type { Snapshot, SnapshotList, workspaceMove } from '@gatehouse/core/api/snapshots.ts';
import { atLeast } from '@gatehouse/core/access/template-acl.ts';
import type { AuditAction } from '@gatehouse/core/audit/event.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, refuse, requireScope } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { runnerFor } from './placement.ts';
import { findRunner } from './runners.store.ts';
import { choiceOf } from './snapshot-stores.ts';
import * as store from './snapshots.store.ts';
import { accessOf, readWorkspace, resourceOf } from './workspaces.ts';
import { admit } from './queue.store.ts';
import { findWorkspace, wish, type WorkspaceRow } from './workspaces.store.ts';

/** Whoever sees the workspace sees that it has snapshots; nobody reads them but its next home. */
export async function listSnapshots(ctx: UserContext, workspaceId: string): Promise<SnapshotList> {
  const workspace = await readWorkspace(ctx, workspaceId);
  const [choice, rows, storedBytes] = await Promise.all([
    choiceOf(ctx.db),
    store.listSnapshots(ctx.db, workspace.id),
    store.storedBytes(ctx.db, workspace.id),
  ]);
  return { items: rows.map(store.presentSnapshot), isOn: choice.store_id !== null, storedBytes };
}

/**
 * The workspace, for its owner, or for whoever may stop everybody's where `others` says so.
 * @throws AppError `not-found`, `permission-denied`
 */
async function workspaceFor(ctx: UserContext, id: string, action: AuditAction, others: boolean): Promise<WorkspaceRow> {
  const workspace = await readWorkspace(ctx, id);
  const facts = { action, resource: resourceOf(workspace), workspaceId: id };
  if (workspace.owner_id === ctx.actor.id) await requireScope(ctx, 'workspace:run-own', facts);
  else if (!others) await refuse(ctx, facts, 'Only its owner decides what is in a workspace');
  else if (!ctx.actor.permissions.has('workspace:stop-all')) await refuse(ctx, facts, 'This needs the permission workspace:stop-all');
  if (workspace.desired === 'deleted') throw new AppError('not-ready', 'The workspace is being deleted');
  return workspace;
}

/** Asks for a snapshot now; one that is asked for already is not asked for twice. @throws AppError `not-ready`, `conflict` */
export async function askForSnapshot(ctx: UserContext, workspaceId: string): Promise<Snapshot> {
  const workspace = await workspaceFor(ctx, workspaceId, 'workspace.snapshot.ask', true);
  const [choice, homes] = await Promise.all([choiceOf(ctx.db), store.findHomes(ctx.db, [workspaceId])]);
  if (choice.store_id === null)
    throw new AppError('not-ready', 'Snapshots are off: an administrator says under Organisation → Snapshots where they go');
  await requireKnowing(ctx, workspace);
  if (!homes.has(workspaceId))
    throw new AppError('not-ready', 'The workspace’s runner has not heard of snapshots yet. Try again once it is online.');
  const made: store.NewSnapshot = {
    ...{ id: ctx.newId('snapshot'), workspaceId, runnerId: workspace.runner_id, storeId: choice.store_id, state: 'asked' },
    ...{ cause: 'asked', askedBy: ctx.actor.name, startedAt: ctx.now().toISOString() },
  };
  const event = eventOf(ctx, { ...about(workspace, 'workspace.snapshot.ask'), status: 202, details: { snapshot: made.id } });
  const changes = [store.countUp(ctx.db, workspaceId)];
  await onGuard(
    commit(ctx, { guard: store.insertSnapshot(ctx.db, made), changes, events: [event] }),
    () => new AppError('conflict', 'A snapshot is asked for already'),
  );
  ctx.defer(ctx.workspaces.order(ctx.db.shard, workspace.runner_id, workspaceId));
  return store.presentSnapshot(await existing(ctx, workspaceId, made.id));
}

/** @throws AppError `not-found`, `conflict` while it is being made or restored */
export async function deleteSnapshot(ctx: UserContext, workspaceId: string, id: string): Promise<void> {
  const workspace = await workspaceFor(ctx, workspaceId, 'workspace.snapshot.delete', true);
  const snapshot = await existing(ctx, workspaceId, id);
  const restore = (await store.findHomes(ctx.db, [workspaceId])).get(workspaceId)?.restore_id;
  if (snapshot.state === 'making' || snapshot.state === 'asked') throw new AppError('conflict', 'It is being made');
  if (restore === id) throw new AppError('conflict', 'The home is being restored from it');
  const details = { snapshot: id };
  const event = eventOf(ctx, { ...about(workspace, 'workspace.snapshot.delete'), status: 204, details });
  await onGuard(commit(ctx, { ...store.removeSnapshots(ctx.db, workspaceId, [id]), events: [event] }), notFound);
}

/**
 * Replaces the home of a stopped workspace with that of a snapshot; the runner keeps the one before for a week.
 * @throws AppError `not-found`, `not-ready` while it runs, `conflict`
 */
export async function restoreHome(ctx: UserContext, id: string, snapshotId: string): Promise<WorkspaceRow> {
  const workspace = await workspaceFor(ctx, id, 'workspace.home.restore', false);
  await finished(ctx, id, snapshotId);
  await requireKnowing(ctx, workspace);
  const isAtRest = workspace.desired === 'stopped' ? workspace.phase !== 'stopping' : workspace.phase === 'failed';
  if (!isAtRest) throw new AppError('not-ready', 'Stop the workspace first: what runs in it would lose its files');
  const restore = { snapshotId, generation: workspace.generation + 1, kind: 'replace' as const };
  const event = eventOf(ctx, { ...about(workspace, 'workspace.home.restore'), status: 202, details: { snapshot: snapshotId } });
  await onGuard(
    commit(ctx, {
      guard: wish(ctx.db.tenantId, workspace, 'stopped', ctx.now()),
      changes: [store.wishRestore(ctx.db, id, restore)],
      events: [event],
    }),
    changedMeanwhile,
  );
  ctx.defer(ctx.workspaces.order(ctx.db.shard, workspace.runner_id, id));
  return (await findWorkspace(ctx.db, id)) ?? workspace;
}

/**
 * Gives a workspace to another runner, with the home of a snapshot; it goes on to run there if it was to run. The runner before,
 * should it be there or come back, hears that it is not its own any more: it stops it and keeps the files.
 * @throws AppError `not-found`, `not-ready` when no runner can take it, or while it runs; `conflict`
 */
export async function moveWorkspace(ctx: UserContext, id: string, input: z.infer<typeof workspaceMove>): Promise<WorkspaceRow> {
  const workspace = await workspaceFor(ctx, id, 'workspace.move', true);
  const facts = about(workspace, 'workspace.move');
  const mine = workspace.owner_id === ctx.actor.id;
  if (mine && !atLeast((await accessOf(ctx, workspace)).role, 'use'))
    return refuse(ctx, facts, `This needs the role “use” on template ${workspace.template_name}`);
  const snapshot = await finished(ctx, id, input.snapshotId);
  if (input.runnerId === workspace.runner_id) throw new AppError('not-ready', 'It is on that runner already: restore it in place');
  const isLive = workspace.runner_online === 1 && ['running', 'starting', 'stopping'].includes(workspace.phase);
  if (isLive) throw new AppError('not-ready', 'Its runner is there: stop the workspace first, so that the snapshot has all of it');
  const runner = await runnerFor(ctx, {
    ...{ templateId: workspace.template_id, spec: workspace.spec, runnerId: input.runnerId ?? null },
    ...{ besides: ['snapshots'], but: workspace.runner_id },
  });
  const now = ctx.now();
  const restore = { snapshotId: snapshot.id, generation: workspace.generation + 1, kind: 'move' as const };
  const details = { snapshot: snapshot.id, from: workspace.runner_name, to: runner.name };
  await onGuard(
    commit(ctx, {
      guard: store.moveTo(ctx.db, workspace, runner.id, now),
      changes: [
        // Its place where it was is free, and where it goes it stands in line like everybody.
        admit(ctx.db.tenantId, workspace.runner_id),
        admit(ctx.db.tenantId, runner.id),
        store.wishRestore(ctx.db, id, restore),
        store.breakOff(ctx.db, id, null, now.toISOString(), 'The workspace was moved to another runner'),
      ],
      events: [eventOf(ctx, { ...facts, status: 202, details })],
    }),
    changedMeanwhile,
  );
  const { shard } = ctx.db;
  ctx.defer(ctx.workspaces.stop(shard, id));
  ctx.defer(ctx.workspaces.refreshRunner(shard, workspace.runner_id));
  ctx.defer(ctx.workspaces.order(shard, runner.id, id));
  return (await findWorkspace(ctx.db, id)) ?? workspace;
}

/** A release before would pass over what is asked, and say that it is done. @throws AppError `not-ready` */
async function requireKnowing(ctx: UserContext, workspace: WorkspaceRow): Promise<void> {
  const runner = await findRunner(ctx.db, workspace.runner_id);
  if (runner === undefined) throw new AppError('not-ready', 'Its runner was removed: move it to another one');
  if (!(runner.understands ?? []).includes('snapshots'))
    throw new AppError('not-ready', `Runner ${runner.name} is of a release that knows no snapshots, or has never connected`);
}

const about = <A extends AuditAction>(workspace: Pick<WorkspaceRow, 'id' | 'name'>, action: A) => ({
  ...{ action, resource: resourceOf(workspace), workspaceId: workspace.id },
});

async function existing(ctx: UserContext, workspaceId: string, id: string): Promise<store.SnapshotRow> {
  const found = await store.findSnapshot(ctx.db, id);
  if (found?.workspace_id !== workspaceId) throw notFound();
  return found;
}

async function finished(ctx: UserContext, workspaceId: string, id: string): Promise<store.SnapshotRow> {
  const found = await existing(ctx, workspaceId, id);
  if (found.state !== 'done') throw new AppError('not-ready', 'The snapshot is not finished');
  return found;
}

const notFound = () => new AppError('not-found', 'There is no such snapshot of this workspace');
const changedMeanwhile = () => new AppError('conflict', 'The workspace changed in the meantime. Look again.');
