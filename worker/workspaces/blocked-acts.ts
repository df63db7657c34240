import type { BlockedActs } from '@gatehouse/core/api/blocked-acts.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { countAttempt } from '../platform/throttle.ts';

/** Of one session: its page sums up and tells at most once in ten seconds. */
const TELLING = { limit: 10, windowSeconds: 60 };

interface ConnectionRow {
  workspace_id: string;
  name: string;
}

/**
 * Records what a page kept somebody from doing, as that page tells it: only of a connection of the same session.
 * @throws AppError `browser-only`, `not-found`, `rate-limited`
 */
export async function recordBlockedActs(asking: UserContext, { connectionId, acts }: BlockedActs): Promise<void> {
  const resource = { type: 'connection', id: connectionId, name: connectionId } as const;
  const ctx = await requireSession(asking, { action: 'connection.block', resource });
  const connection = await ctx.db.first<ConnectionRow>(
    `SELECT c.workspace_id, w.name FROM connections c JOIN workspaces w ON w.tenant_id = ?1 AND w.id = c.workspace_id
     WHERE c.tenant_id = ?1 AND c.id = ?2 AND c.session_id = ?3`,
    ...[ctx.db.tenantId, connectionId, ctx.actor.sessionId],
  );
  if (connection === undefined) throw new AppError('not-found', 'This session has no such connection');
  const facts = {
    action: 'connection.block',
    resource: { ...resource, name: connection.name },
    workspaceId: connection.workspace_id,
  } as const;
  await countAttempt(ctx, `blocked acts of ${ctx.actor.sessionId}`, TELLING, facts);
  const reason = 'The policy of the organisation; told by the page';
  const events = acts.map((details) => eventOf(ctx, { ...facts, status: 204, reason, details: { ...details, toldBy: 'page' } }));
  await commit(ctx, { events });
}
