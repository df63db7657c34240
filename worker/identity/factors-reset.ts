import { AppError } from '@gatehouse/core/errors.ts';
import { findPersonById } from '../directory/people.ts';
import { onLastOwner, wayInRemains } from '../directory/owners.ts';
import { OBSTACLES, obstacleTo } from '../directory/users.ts';
import { commit, eventOf, onGuard, refuse, require, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import { deleteAllFactors, touchWithFactors } from './factors.store.ts';
import { mailChange } from './notices.ts';
import { deleteRecoveryCodes } from './recovery-codes.store.ts';
import { deleteSecondFactorChallenges } from './second-factor.store.ts';
import { deleteAllSessions, sessionIdsOf } from './sessions.store.ts';

/**
 * For somebody who has lost their devices and their recovery codes: all their factors and sessions end, and the password
 * is what is left. Nobody does this to somebody mightier than they are.
 * @throws AppError `browser-only`, `permission-denied`, `step-up-required`, `not-found`, `conflict`, `not-ready`
 */
export async function resetFactors(asking: UserContext, userId: string): Promise<void> {
  const facts = { action: 'user.reset_factors', resource: { type: 'user', id: userId, name: 'somebody' } } as const;
  const ctx = await requireSession(asking, facts);
  await require(ctx, 'user:update', facts);
  await requireFresh(ctx, facts);
  const { db, tenant } = ctx;
  const person = await findPersonById(db, userId, ctx.now().toISOString());
  if (!person) throw new AppError('not-found', 'There is no such person');
  const named = { ...facts, resource: { ...facts.resource, name: person.user.name } };
  if (userId === ctx.actor.id) throw new AppError('conflict', 'Your own factors you change on your account page');
  const { roles, customRoles, state } = person;
  if (obstacleTo(ctx, { id: userId, roles, customRoles, state }) === 'mightier') await refuse(ctx, named, OBSTACLES.mightier);

  const ended = await sessionIdsOf(db, userId);
  const changes = [
    ...[...deleteAllFactors(db, userId), deleteRecoveryCodes(db, userId)],
    ...[deleteSecondFactorChallenges(db, userId), deleteAllSessions(db, userId), wayInRemains(db, [userId])],
  ];
  const event = eventOf(ctx, { ...named, status: 204, details: { sessionsEnded: ended.length } });
  const lessens = { users: [userId], cause: 'Your second factors were reset' };
  const reset = commit(ctx, { guard: touchWithFactors(db, userId), changes, events: [event], lessens });
  await onLastOwner(onGuard(reset, () => new AppError('not-ready', 'This person has no second factor')));
  const { name, email } = person.user;
  const what = `${ctx.actor.name} removed your passkeys, your authenticator app and your recovery codes, and ended your sessions. Your password is as it was.`;
  mailChange(ctx, { name, email, organisation: tenant.name }, what);
}
