import { deadlineOf } from '@gatehouse/core/access/deadline.ts';
import { nextStop, POSTPONED_MS } from '@gatehouse/core/api/template-schedule.ts';
import type { RunnerUsage, WorkspaceHealth } from '@gatehouse/core/api/workspace-health.ts';
import type { workspacePostpone } from '@gatehouse/core/api/workspace-health.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import type { WorkspaceUsage } from '@gatehouse/core/protocol/workspace-usage.ts';
import type { z } from 'zod';
import { policiesFrom, policiesOf } from '../directory/policies.ts';
import { commit, eventOf, onGuard, refuse, require, requireScope } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import { findRunner } from './runners.store.ts';
import * as store from './stopping.store.ts';
import { readWorkspace, resourceOf } from './workspaces.ts';

/** More than anybody looks at. */
const MOST_ON_RUNNER = 500;
/** A scheduled stop can be put off within the day before it. */
const DAY_MS = 24 * 3_600_000;

const listed = { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /workspace-health' } } as const;

/** The stop that its schedule brings next, as it was put off: before the sweep has looked at a new start, by the schedule alone. */
function scheduledStop(row: store.StopRow, now: number): number | null {
  if (row.planned_for === row.generation) return row.stop_at === null ? null : Date.parse(row.stop_at);
  return row.schedule === null ? null : nextStop(row.schedule, now);
}

const timesPostponed = (row: store.StopRow): number => (row.planned_for === row.generation ? (row.postponed ?? 0) : 0);

/** What these workspaces use now and when they stop by themselves; those that don't run, or are not for the caller to see, are left out. */
export async function readHealth(ctx: UserContext, ids: readonly string[]): Promise<WorkspaceHealth[]> {
  await requireScope(ctx, 'workspace:read-own', listed);
  const { rows, policies } = await store.findStops(ctx.db, ids, {
    id: ctx.actor.id,
    everybody: ctx.actor.permissions.has('workspace:read-all'),
  });
  const usage = await usageOf(ctx, rows);
  const stored = policiesFrom(policies);
  const now = ctx.now().getTime();
  return rows.map((row) => {
    const { policy } = policiesOf(ctx.settings.policy, stored, row.template_id);
    const deadline = deadlineOf(store.factsOf(row, scheduledStop(row, now)), policy);
    const left = deadline?.why === 'schedule' ? Math.max(0, (row.schedule?.postpone ?? 0) - timesPostponed(row)) : null;
    return {
      id: row.id,
      usage: usage[row.id] ?? null,
      stop: deadline && { at: new Date(deadline.at).toISOString(), why: deadline.why, left },
      mine: row.owner_id === ctx.actor.id,
    };
  });
}

/** Each runner's object is asked once; one that does not answer leaves its workspaces unknown. */
async function usageOf(
  ctx: Pick<UserContext, 'workspaces' | 'db' | 'log'>,
  rows: readonly { id: string; runner_id: string }[],
): Promise<Record<string, WorkspaceUsage>> {
  const byRunner = new Map<string, { id: string }[]>();
  for (const row of rows) byRunner.set(row.runner_id, [...(byRunner.get(row.runner_id) ?? []), row]);
  const answers = [...byRunner].map(([runnerId, its]) =>
    ctx.workspaces
      .usage(
        ctx.db.shard,
        runnerId,
        its.map(({ id }) => id),
      )
      .catch((error: unknown) => {
        ctx.log('warn', 'the object of a runner did not say what its workspaces use', { runnerId, error: String(error) });
        return {};
      }),
  );
  return Object.assign({}, ...(await Promise.all(answers)));
}

/** What runs on a runner, and what each uses, for those who may see runners. */
export async function readRunnerUsage(ctx: UserContext, runnerId: string): Promise<RunnerUsage> {
  const resource = { type: 'runner', id: runnerId, name: runnerId } as const;
  await require(ctx, 'runner:read', { action: 'request.denied', resource });
  if (!(await findRunner(ctx.db, runnerId))) throw new AppError('not-found', 'There is no such runner');
  const rows = await store.findRunningOn(ctx.db, runnerId, MOST_ON_RUNNER);
  const usage = await usageOf(
    ctx,
    rows.map(({ id }) => ({ id, runner_id: runnerId })),
  );
  return { items: rows.map((workspace) => ({ workspace, usage: usage[workspace.id] ?? null })) };
}

/**
 * Puts off the stop of a workspace that runs: one for want of people by counting as use, one of the schedule by an hour, as often as the
 * template allows. Only its owner does.
 */
export async function postponeStop(ctx: UserContext, id: string, { why }: z.infer<typeof workspacePostpone>): Promise<WorkspaceHealth> {
  const action = 'workspace.postpone';
  await requireScope(ctx, 'workspace:run-own', { action, resource: { type: 'workspace', id, name: id } });
  const workspace = await readWorkspace(ctx, id);
  const facts = { action, resource: resourceOf(workspace) } as const;
  if (workspace.owner_id !== ctx.actor.id) return refuse(ctx, facts, 'Only its owner keeps a workspace running');
  const { rows } = await store.findStops(ctx.db, [id], { id: ctx.actor.id, everybody: false });
  const [row] = rows;
  if (!row) throw new AppError('not-ready', 'The workspace does not run');
  const now = ctx.now();
  const until = why === 'schedule' ? laterStop(row, now.getTime()) : null;
  const guard =
    until === null
      ? store.keepRunning(ctx.db.tenantId, row, now.toISOString())
      : store.postpone(ctx.db.tenantId, row, until, timesPostponed(row) + 1);
  const event = eventOf(ctx, {
    ...facts,
    status: 200,
    workspaceId: id,
    details: { template: workspace.template_name, why, ...(until === null ? {} : { until }) },
  });
  await onGuard(
    commit(ctx, { guard, events: [event] }),
    () => new AppError('conflict', 'The workspace changed in the meantime. Look again.'),
  );
  const [health] = await readHealth(ctx, [id]);
  if (!health) throw new AppError('conflict', 'The workspace was stopped in the meantime');
  return health;
}

/** @throws AppError `not-ready` where there is no stop to put off, or no more time to give */
function laterStop(row: store.StopRow, now: number): string {
  const at = scheduledStop(row, now);
  if (at === null || row.schedule === null) throw new AppError('not-ready', 'Its template has no schedule');
  if (at - now > DAY_MS) throw new AppError('not-ready', 'The next stop is more than a day away');
  if (timesPostponed(row) >= row.schedule.postpone)
    throw new AppError('not-ready', 'This stop was put off as often as the template allows. Stop it and start it again when you need it.');
  return new Date(Math.max(at, now) + POSTPONED_MS).toISOString();
}

/** What a runner says of work in its workspaces, which holds up auto-stop. */
export async function recordWork(
  ctx: Omit<Context, 'tenant'>,
  runnerId: string,
  changed: readonly { workspaceId: string; working: boolean }[],
): Promise<void> {
  if (changed.length === 0) return;
  const now = ctx.now().toISOString();
  const note = (workspaceId: string, working: boolean) =>
    (working ? store.workBegan : store.workEnded)(ctx.db.tenantId, runnerId, workspaceId, now);
  await ctx.db.batch(changed.map(({ workspaceId, working }) => note(workspaceId, working)));
}
