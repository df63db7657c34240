import type { Context } from '../platform/context.ts';
import { statement, type Statement, type TenantDb } from '../platform/tenant-db.ts';

/** What suspending somebody means beside their state, whoever does it: an administrator or a directory. */
export const SUSPENDED_CAUSE = 'Your account was suspended';

/** Sessions end, and a ticket that is on its way opens nothing. */
export const endSessions = (db: TenantDb, ids: readonly string[]): Statement[] =>
  ['sessions', 'tickets'].map((table) =>
    statement(
      `DELETE FROM ${table} WHERE tenant_id = ?1 AND user_id IN (SELECT value FROM json_each(?2))`,
      ...[db.tenantId, JSON.stringify(ids)],
    ),
  );

/** Tells the runners of their workspaces: those hold the credentials for git of those who are active. */
export async function renewOrders(
  { db, workspaces, log }: Pick<Context, 'db' | 'workspaces' | 'log'>,
  ids: readonly string[],
): Promise<void> {
  const running = await db.rows<{ id: string; runner_id: string }>(
    `SELECT id, runner_id FROM workspaces WHERE tenant_id = ?1 AND desired = 'running' AND phase <> 'deleted'
       AND owner_id IN (SELECT value FROM json_each(?2))`,
    ...[db.tenantId, JSON.stringify(ids)],
  );
  const told = await Promise.allSettled(running.map(({ id, runner_id }) => workspaces.order(db.shard, runner_id, id)));
  const failed = told.filter(({ status }) => status === 'rejected').length;
  if (failed > 0) log('warn', 'runners were not told that somebody’s state changed', { failed });
}
