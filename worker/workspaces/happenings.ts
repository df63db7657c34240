import { z } from 'zod';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import { newId } from '@gatehouse/core/ids.ts';
import type { EgressHappening, Happening } from '@gatehouse/core/protocol/runner-control.ts';
import { eventOf, type EventFacts } from '../platform/commit.ts';
import type { Context, RunnerActor } from '../platform/context.ts';
import type { TenantDb } from '../platform/tenant-db.ts';

type RunnerAlone = Omit<Context, 'tenant'>;

const row = z.object({
  id: z.string(),
  name: z.string(),
  owner_id: z.string(),
  owner_name: z.string(),
  owner_email: z.string().nullable(),
  template_name: z.string(),
});

/** Also of a workspace that is deleted: what is told late was so. */
async function findOwn(db: TenantDb, runnerId: string, workspaceId: string): Promise<z.infer<typeof row> | undefined> {
  const found = await db.first(
    `SELECT w.id, w.name, w.owner_id, coalesce(u.name, w.owner_id) AS owner_name, u.email AS owner_email, t.name AS template_name FROM workspaces w
     JOIN templates t ON t.tenant_id = w.tenant_id AND t.id = w.template_id
     LEFT JOIN users u ON u.tenant_id = w.tenant_id AND u.id = w.owner_id
     WHERE w.tenant_id = ? AND w.runner_id = ? AND w.id = ?`,
    db.tenantId,
    runnerId,
    workspaceId,
  );
  return found === undefined ? undefined : row.parse(found);
}

/**
 * Something that a runner saw, for the trail; returns once the ledger holds it. Its event has the number of the report for a name, so
 * that a repetition is the same event. What is told of a workspace that is not the runner's is dropped.
 */
export async function recordHappening(
  ctx: RunnerAlone,
  runner: RunnerActor,
  told: { report: number; time: string; body: Happening },
): Promise<void> {
  const workspace = await findOwn(ctx.db, runner.id, told.body.workspaceId);
  if (!workspace) return;
  const event = eventOf(ctx, {
    ...egressFacts(told.body.egress),
    resource: { type: 'workspace', id: workspace.id, name: workspace.name },
    workspaceId: workspace.id,
    actor: { type: 'user', id: workspace.owner_id, name: workspace.owner_name, email: workspace.owner_email, via: 'workspace' },
  });
  event.details = { ...event.details, template: workspace.template_name, runner: runner.name };
  const named: DraftEvent = { ...event, id: await nameOf(runner.id, told), time: new Date(told.time).toISOString() };
  await ctx.ledger.tell(ctx.db.tenantId, ctx.db.shard, `runner:${runner.id}`, [named]);
}

async function nameOf(runnerId: string, { report, time }: { report: number; time: string }): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`${runnerId} ${report}`));
  return newId('event', Date.parse(time), new Uint8Array(hash).subarray(0, 16));
}

type Facts = Pick<EventFacts, 'action' | 'outcome' | 'reason' | 'details' | 'status'>;

/** What it is in the trail. */
function egressFacts(egress: EgressHappening): Facts {
  switch (egress.what) {
    case 'refused': {
      const { host, port, why, count } = egress;
      return { action: 'egress.connect', outcome: 'denied', reason: why, details: { host, port, count } };
    }
    case 'used': {
      const { host, port, connections, sent, received } = egress;
      return { action: 'egress.connect', details: { host, port, connections, sent, received } };
    }
    case 'git-fetch': {
      const { repository, asPerson, status } = egress;
      return { action: 'git.fetch', ...outcomeOf(status), details: { repository, credential: asPerson } };
    }
    case 'git-push': {
      const { repository, asPerson, status, refs, more } = egress;
      const all = more === 0 ? refs : [...refs, `and ${more} more`];
      return { action: 'git.push', ...outcomeOf(status), details: { repository, credential: asPerson, refs: all.join('\n') } };
    }
    case 'git-refused': {
      const { repository, service, why, count } = egress;
      const action = service === 'push' ? 'git.push' : 'git.fetch';
      return { action, outcome: 'denied', reason: why, details: { repository, count } };
    }
  }
}

/** 0: it is recorded before the server has answered. */
const outcomeOf = (status: number): Pick<Facts, 'outcome' | 'reason'> =>
  status >= 400 ? { outcome: 'failure', reason: `The server answered ${status}` } : { outcome: 'success' };
