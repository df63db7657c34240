import { z } from 'zod';
import type { LookedAgain, Services } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { reviewPolicy } from './policy-revocation.ts';
import { findStanding, OPEN, openOf, thoseNamed, type Standing, type Which } from './standing.ts';

const task = z.object({ users: z.string().nullable(), cause: z.string(), policy: z.number() });

const TIME_OVER = 'The time for which access was given is over';
const SESSION_OVER = 'The session ended';

type PolicyReview = Awaited<ReturnType<typeof reviewPolicy>>;
const NO_POLICY: PolicyReview = { lost: [], kept: [] };

/** Connections that one run closes at most: a call of a Worker may make so many calls and no more. The sweep goes on. */
const MOST_AT_ONCE = 2_000;

/**
 * Closes every open connection that the people concerned could not open now, and removes the task. Four trips to D1, and one more for a policy,
 * however many connections there are. Idempotent.
 * @throws Error while something could not be closed: the task stays, and the sweep repeats it
 */
export async function runRevocation(services: Services, shard: string, tenantId: string, taskId: string): Promise<void> {
  const db = services.tenantDb(shard, tenantId);
  const found = task.safeParse(
    await db.first('SELECT users, cause, policy FROM revocations WHERE tenant_id = ? AND id = ?', tenantId, taskId),
  );
  if (!found.success) return;
  const { users, cause } = found.data;
  const isPolicy = found.data.policy === 1;
  const done = statement('DELETE FROM revocations WHERE tenant_id = ? AND id = ?', tenantId, taskId);
  const policy = isPolicy ? await reviewPolicy(services, db, users, services.now()) : NO_POLICY;
  await closeLost(services, db, { which: users === null ? OPEN : openOf(users), cause, done, policy });
}

/**
 * Closes what is not allowed now, and tells the objects of the others when that lapses sooner than they know.
 * @param work.done what is written when all of it is done
 * @param work.policy what the policy does not let in any more, and other bounds for what it does
 */
export async function closeLost(
  services: Services,
  db: TenantDb,
  { which, cause, done, policy = NO_POLICY }: { which: Which; cause: string; done?: Statement; policy?: PolicyReview },
): Promise<void> {
  const now = services.now().toISOString();
  const standings = await findStanding(db, which, now);
  const forbidden = new Set(policy.lost.map(({ connectionId }) => connectionId));
  const goes = ({ access, connectionId }: Standing) => access === null || forbidden.has(connectionId);
  const allLost = standings.filter(goes);
  const lost = allLost.slice(0, MOST_AT_ONCE);
  const going = new Set(allLost.map(({ connectionId }) => connectionId));
  const sooner = standings.filter((each) => !goes(each) && each.lapseNoted !== null && each.lapsesAt < each.lapseNoted);
  // First the tickets: one that is on its way must not open what is closed here.
  if (lost.length > 0) await db.batch([deleteTickets(db, lost)]);
  const { workspaces } = services;
  const failed = new Set(
    (
      await Promise.all([
        workspaces.closeConnections(db.shard, lost, cause),
        workspaces.expectLapses(db.shard, sooner),
        workspaces.boundConnections(
          db.shard,
          policy.kept.filter(({ connectionId }) => !going.has(connectionId)),
        ),
      ])
    ).flat(),
  );
  const reached = ({ connectionId }: Standing) => !failed.has(connectionId);
  const isAll = failed.size === 0 && lost.length === allLost.length;
  const writes = [
    ...(lost.some(reached) ? [endConnections(db, lost.filter(reached), now, cause)] : []),
    ...(sooner.some(reached) ? [moveLapses(db, sooner.filter(reached))] : []),
    ...(isAll && done ? [done] : []),
  ];
  if (writes.length > 0) await db.batch(writes);
  if (!isAll) throw new Error(`${failed.size} of ${allLost.length + sooner.length} connections could not be reached`);
}

/**
 * For the object that keeps these connections, at the moment at which one of them may lapse: whether each stands, and until
 * when at least. Whoever closes those that do not is the object itself.
 */
export async function lookAgain(services: Services, shard: string, tenantId: string, ids: readonly string[]): Promise<LookedAgain> {
  const db = services.tenantDb(shard, tenantId);
  const now = services.now().toISOString();
  const standings = await findStanding(db, thoseNamed(ids), now);
  const kept = standings.filter(({ access }) => access !== null);
  const lost = standings.filter(({ access }) => access === null);
  const over = [lost.filter(({ isAlive }) => isAlive), lost.filter(({ isAlive }) => !isAlive)] as const;
  const writes = [
    ...(kept.length > 0 ? [moveLapses(db, kept)] : []),
    ...(over[0].length > 0 ? [endConnections(db, over[0], now, TIME_OVER)] : []),
    ...(over[1].length > 0 ? [endConnections(db, over[1], now, SESSION_OVER)] : []),
  ];
  if (writes.length > 0) await db.batch(writes);
  const byId = new Map(standings.map((each) => [each.connectionId, each]));
  return ids.map((connectionId) => {
    const each = byId.get(connectionId);
    if (each !== undefined && each.access !== null) return { connectionId, lapsesAt: each.lapsesAt, cause: null };
    return { connectionId, lapsesAt: null, cause: each?.isAlive ? TIME_OVER : SESSION_OVER };
  });
}

const idsOf = (standings: readonly Standing[]) => JSON.stringify(standings.map(({ connectionId }) => connectionId));

const deleteTickets = ({ tenantId }: TenantDb, lost: readonly Standing[]): Statement =>
  statement('DELETE FROM tickets WHERE tenant_id = ? AND connection_id IN (SELECT value FROM json_each(?))', tenantId, idsOf(lost));

/** The cause is kept for the people concerned, also where the object told the end first. */
const endConnections = ({ tenantId }: TenantDb, lost: readonly Standing[], now: string, cause: string): Statement =>
  statement(
    `UPDATE connections SET ended_at = coalesce(ended_at, ?), ended_cause = ?
     WHERE tenant_id = ? AND id IN (SELECT value FROM json_each(?))`,
    ...[now, cause, tenantId, idsOf(lost)],
  );

const moveLapses = ({ tenantId }: TenantDb, kept: readonly Standing[]): Statement =>
  statement(
    `UPDATE connections SET lapses_at = (SELECT value ->> 'at' FROM json_each(?2) WHERE value ->> 'id' = connections.id)
     WHERE tenant_id = ?1 AND id IN (SELECT value ->> 'id' FROM json_each(?2))`,
    ...[tenantId, JSON.stringify(kept.map(({ connectionId, lapsesAt }) => ({ id: connectionId, at: lapsesAt })))],
  );
