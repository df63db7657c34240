import { z } from 'zod';
import type { DraftEvent } from '@gatehouse/core/audit/event.ts';
import { newId } from '@gatehouse/core/ids.ts';
import type { ReadReport } from '@gatehouse/core/protocol/runner-control.ts';
import { eventOf } from '../platform/commit.ts';
import type { Context, RunnerActor } from '../platform/context.ts';
import { statement } from '../platform/tenant-db.ts';

const row = z.object({
  id: z.string(),
  session_id: z.string(),
  workspace_id: z.string(),
  workspace_name: z.string(),
  user_id: z.string(),
  user_name: z.string(),
  user_email: z.string().nullable(),
});

/**
 * What connections have read from a runner's workspaces, in all so far: kept with the connection, and in the trail once it is over.
 * Reports of connections that are not the runner's are dropped. A repetition changes nothing: its numbers are no larger, and its
 * event has the same name.
 */
export async function recordReads(ctx: Omit<Context, 'tenant'>, runner: RunnerActor, reports: readonly ReadReport[]): Promise<void> {
  const { tenantId, shard } = ctx.db;
  const [, found] = await ctx.db.batch([
    statement(
      `UPDATE connections SET read_files = max(read_files, r.value ->> 'files'), read_terminals = max(read_terminals, r.value ->> 'terminals'),
         read_other = max(read_other, r.value ->> 'other')
       FROM json_each(?3) r
       WHERE connections.tenant_id = ?1 AND connections.id = r.value ->> 'connectionId'
         AND connections.workspace_id IN (SELECT w.id FROM workspaces w WHERE w.tenant_id = ?1 AND w.runner_id = ?2)`,
      ...[tenantId, runner.id, JSON.stringify(reports)],
    ),
    statement(
      `SELECT c.id, c.session_id, c.workspace_id, w.name AS workspace_name, c.user_id, coalesce(u.name, c.user_id) AS user_name, u.email AS user_email
       FROM connections c JOIN workspaces w ON w.tenant_id = ?1 AND w.id = c.workspace_id AND w.runner_id = ?2
       LEFT JOIN users u ON u.tenant_id = ?1 AND u.id = c.user_id
       WHERE c.tenant_id = ?1 AND c.id IN (SELECT value ->> 'connectionId' FROM json_each(?3) WHERE value ->> 'endedAt' IS NOT NULL)`,
      ...[tenantId, runner.id, JSON.stringify(reports)],
    ),
  ]);
  const rows = new Map(
    z
      .array(row)
      .parse(found?.rows ?? [])
      .map((each) => [each.id, each]),
  );
  const events = await Promise.all(
    reports.flatMap(({ connectionId, endedAt, files, terminals, other }) => {
      const connection = rows.get(connectionId);
      if (connection === undefined || endedAt === null) return [];
      const event = eventOf(ctx, {
        action: 'connection.read',
        resource: { type: 'connection', id: connectionId, name: connection.workspace_name },
        details: { files, terminals, other, bytes: files + terminals + other },
        workspaceId: connection.workspace_id,
        sessionId: connection.session_id,
        actor: { type: 'user', id: connection.user_id, name: connection.user_name, email: connection.user_email, via: 'connection' },
      });
      return [nameOf(connectionId, endedAt).then((id): DraftEvent => ({ ...event, id, time: new Date(endedAt).toISOString() }))];
    }),
  );
  if (events.length > 0) await ctx.ledger.tell(tenantId, shard, `runner:${runner.id}`, events);
}

/** The same for each repetition. */
async function nameOf(connectionId: string, endedAt: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`read ${connectionId}`));
  return newId('event', Date.parse(endedAt), new Uint8Array(hash).subarray(0, 16));
}
