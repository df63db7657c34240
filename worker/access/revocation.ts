import { z } from 'zod';
import type { LookedAgain, Services } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';
import { findStanding, OPEN, openOf, thoseNamed, type Standing, type Which } from './standing.ts';

const task = z.object({ users: z.string().nullable(), cause: z.string() });

/** Connections that one run closes at most: a call of a Worker may make so many calls and no more. The sweep goes on. */
const MOST_AT_ONCE = 2_000;

/**
 * Closes every open connection that the people concerned could not open now, and removes the task. Four trips to D1,
 * however many connections there are. Idempotent.
 * @throws Error while something could not be closed: the task stays, and the sweep repeats it
 */
export async function runRevocation(services: Services, shard: string, tenantId: string, taskId: string): Promise<void> {
  const db = services.tenantDb(shard, tenantId);
  const found = task.safeParse(await db.first('SELECT users, cause FROM revocations WHERE tenant_id = ? AND id = ?', tenantId, taskId));
  if (!found.success) return;
  const { users, cause } = found.data;
  const done = statement('DELETE FROM revocations WHERE tenant_id = ? AND id = ?', tenantId, taskId);
  await closeLost(services, db, { which: users === null ? OPEN : openOf(users), cause, done });
}

/**
 * Closes what is not allowed now, and tells the objects of the others when that lapses sooner than they know.
 * @param work.done what is written when all of it is done
 */
export async function closeLost(
  services: Services,
  db: TenantDb,
  { which, cause, done }: { which: Which; cause: string; done?: Statement },
): Promise<void> {
  const now = services.now().toISOString();
  const standings = await findStanding(db, which, now);
  const allLost = standings.filter(({ access }) => access === null);
  const lost = allLost.slice(0, MOST_AT_ONCE);
  const sooner = standings.filter(({ access, lapsesAt, lapseNoted }) => access !== null && lapseNoted !== null && lapsesAt < lapseNoted);
  // First the tickets: one that is on its way must not open what is closed here.
  if (lost.length > 0) await db.batch([deleteTickets(db, lost)]);
  const { workspaces } = services;
  const [open, untold] = await Promise.all([workspaces.closeConnections(db.shard, lost, cause), workspaces.expectLapses(db.shard, sooner)]);
  const failed = new Set([...open, ...untold]);
  const reached = ({ connectionId }: Standing) => !failed.has(connectionId);
  const isAll = failed.size === 0 && lost.length === allLost.length;
  const writes = [
    ...(lost.some(reached) ? [endConnections(db, lost.filter(reached), now)] : []),
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
  const writes = [...(kept.length > 0 ? [moveLapses(db, kept)] : []), ...(lost.length > 0 ? [endConnections(db, lost, now)] : [])];
  if (writes.length > 0) await db.batch(writes);
  const byId = new Map(standings.map((each) => [each.connectionId, each]));
  return ids.map((connectionId) => {
    const each = byId.get(connectionId);
    if (each !== undefined && each.access !== null) return { connectionId, lapsesAt: each.lapsesAt, cause: null };
    return { connectionId, lapsesAt: null, cause: each?.isAlive ? 'The time for which access was given is over' : 'The session ended' };
  });
}

const idsOf = (standings: readonly Standing[]) => JSON.stringify(standings.map(({ connectionId }) => connectionId));

const deleteTickets = ({ tenantId }: TenantDb, lost: readonly Standing[]): Statement =>
  statement('DELETE FROM tickets WHERE tenant_id = ? AND connection_id IN (SELECT value FROM json_each(?))', tenantId, idsOf(lost));

const endConnections = ({ tenantId }: TenantDb, lost: readonly Standing[], now: string): Statement =>
  statement(
    'UPDATE connections SET ended_at = ? WHERE tenant_id = ? AND ended_at IS NULL AND id IN (SELECT value FROM json_each(?))',
    ...[now, tenantId, idsOf(lost)],
  );

const moveLapses = ({ tenantId }: TenantDb, kept: readonly Standing[]): Statement =>
  statement(
    `UPDATE connections SET lapses_at = (SELECT value ->> 'at' FROM json_each(?2) WHERE value ->> 'id' = connections.id)
     WHERE tenant_id = ?1 AND id IN (SELECT value ->> 'id' FROM json_each(?2))`,
    ...[tenantId, JSON.stringify(kept.map(({ connectionId, lapsesAt }) => ({ id: connectionId, at: lapsesAt })))],
  );
