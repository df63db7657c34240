import type { z } from 'zod';
import type { Me, sessionList } from '@gatehouse/core/api/identity.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, GuardFailed, onGuard, requireSession, type Lessening } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { deviceOf } from '../platform/origin.ts';
import { pageOf } from '../platform/route.ts';
import { hoursBefore, IDLE_HOURS, meOf } from './session.ts';
import { deleteAllSessions, deleteOtherSessions, deleteSession, liveSessions, type ListedSession } from './sessions.store.ts';

/** One's own sessions need no permission, but a session: every use case here names the caller's user id. */

/** Sorts after every id. */
const NEWEST = 'ses_~';

/** Who is signed in. A token asks GET /token instead. */
export async function readMe(ctx: UserContext): Promise<Me> {
  return meOf(await requireSession(ctx, { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /me' } }));
}

export async function listSessions(ctx: UserContext, page: { limit: number; after: string }): Promise<z.infer<typeof sessionList>> {
  await requireSession(ctx, { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /me/sessions' } });
  return sessionsOf(ctx, ctx.actor.id, page);
}

/** Live sessions of a person, whoever asks: for use cases that have checked. */
export async function sessionsOf(
  ctx: UserContext,
  userId: string,
  page: { limit: number; after: string },
): Promise<z.infer<typeof sessionList>> {
  const now = ctx.now();
  const live = { now: now.toISOString(), seenSince: hoursBefore(now, IDLE_HOURS) };
  const rows = await liveSessions(ctx.db, userId, live, { limit: page.limit, before: page.after || NEWEST });
  return pageOf(
    rows,
    page.limit,
    (row) => present(ctx, row),
    (row) => [row.id],
  );
}

const present = (ctx: UserContext, row: ListedSession) => ({
  ...{ id: row.id, current: row.id === ctx.actor.sessionId, createdAt: row.created_at, lastSeenAt: row.last_seen_at },
  read: { files: row.read_files, terminals: row.read_terminals, apps: row.read_apps, other: row.read_other },
  ...{ expiresAt: row.expires_at, ip: row.ip, ...deviceOf(row.user_agent), country: row.country, city: row.city, method: row.method },
});

/** What the sessions held open is closed; the connections of the person's other sessions stay. */
const ended = (userId: string): Lessening => ({ users: [userId], cause: 'The session ended' });

const self = ({ actor }: UserContext) => ({ type: 'user' as const, id: actor.id, name: actor.name });

/** Ends the session that asks. That it has ended already is no fault. */
export async function signOut(ctx: UserContext): Promise<void> {
  const facts = { action: 'user.sign_out', resource: self(ctx) } as const;
  const { sessionId } = (await requireSession(ctx, facts)).actor;
  const event = eventOf(ctx, { ...facts, status: 204 });
  try {
    await commit(ctx, { guard: deleteSession(ctx.db, ctx.actor.id, sessionId), events: [event], lessens: ended(ctx.actor.id) });
  } catch (error) {
    if (!(error instanceof GuardFailed)) throw error;
  }
}

/** @throws AppError `not-found`, also for a session of somebody else */
export async function endSession(ctx: UserContext, id: string): Promise<void> {
  const facts = { action: 'session.end', resource: { type: 'session', id, name: ctx.actor.name } } as const;
  await requireSession(ctx, facts);
  const event = eventOf(ctx, { ...facts, status: 204 });
  const change = { guard: deleteSession(ctx.db, ctx.actor.id, id), events: [event], lessens: ended(ctx.actor.id) };
  await onGuard(commit(ctx, change), () => new AppError('not-found', 'There is no such session'));
}

/** Ends every session of the caller, this one too, with all that they hold open. */
export async function signOutEverywhere(ctx: UserContext): Promise<void> {
  const facts = { action: 'user.sign_out_everywhere', resource: self(ctx) } as const;
  await requireSession(ctx, facts);
  const event = eventOf(ctx, { ...facts, status: 204 });
  const change = { guard: deleteAllSessions(ctx.db, ctx.actor.id), events: [event], lessens: ended(ctx.actor.id) };
  await onGuard(commit(ctx, change), () => new AppError('not-signed-in', 'Sign in first'));
}

/** Ends every session of the caller but this one. That there was none is no fault. */
export async function signOutOthers(ctx: UserContext): Promise<void> {
  const facts = { action: 'user.sign_out_others', resource: self(ctx) } as const;
  const { sessionId } = (await requireSession(ctx, facts)).actor;
  const event = eventOf(ctx, { ...facts, status: 204 });
  try {
    await commit(ctx, { guard: deleteOtherSessions(ctx.db, ctx.actor.id, sessionId), events: [event], lessens: ended(ctx.actor.id) });
  } catch (error) {
    if (!(error instanceof GuardFailed)) throw error;
  }
}
