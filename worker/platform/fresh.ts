import { FRESH_MINUTES } from '@gatehouse/core/api/factors.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { record, requireSession, type EventFacts } from './commit.ts';
import type { SessionContext, UserContext } from './context.ts';

/**
 * For what whoever finds an open browser must not be able to do: the person proved who they are within the last
 * ten minutes, at sign-in or again (POST /me/step-up/…).
 * @throws AppError `step-up-required`, `browser-only` to tokens, which nobody confirms; the refusal is an event
 */
export async function requireFresh(asking: UserContext, facts: Pick<EventFacts, 'action' | 'resource'>): Promise<SessionContext> {
  const ctx = await requireSession(asking, facts);
  const since = new Date(ctx.now().getTime() - FRESH_MINUTES * 60_000).toISOString();
  if (ctx.actor.authentication.at > since) return ctx;
  const reason = 'This needs a sign-in, or a confirmation, of the last ten minutes';
  await record(ctx, { ...facts, outcome: 'denied', status: 403, reason });
  throw new AppError('step-up-required', reason);
}
