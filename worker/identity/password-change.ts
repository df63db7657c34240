import type { z } from 'zod';
import type { passwordChange } from '@gatehouse/core/api/factors.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { findPersonById, replacePassword } from '../directory/people.ts';
import { commit, eventOf, onGuard, record } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import { countAttempt } from '../platform/throttle.ts';
import { tellOfChange } from './notices.ts';
import { checkPassword, hashPassword } from './password.ts';
import { requireGoodPassword } from './password-rules.ts';
import { deleteResets } from './password-reset.store.ts';
import { deleteSecondFactorChallenges } from './second-factor.store.ts';
import { deleteOtherSessions, sessionIdsOf } from './sessions.store.ts';

const PER_ACCOUNT = { limit: 10, windowSeconds: 900 };

/** @throws AppError `step-up-required`, `invalid` naming `current` or `password`, `rate-limited` */
export async function changePassword(asking: UserContext, input: z.infer<typeof passwordChange>): Promise<void> {
  const resource = { type: 'user', id: asking.actor.id, name: asking.actor.name } as const;
  const facts = { action: 'user.change_password', resource } as const;
  const ctx = await requireFresh(asking, facts);
  const { db, actor, tenant } = ctx;
  const throttle = `password change of ${actor.id}`;
  await countAttempt(ctx, throttle, PER_ACCOUNT, facts);
  const person = await findPersonById(db, actor.id, ctx.now().toISOString());
  const { matches } = await checkPassword(ctx, db.shard, input.current, person?.passwordHash ?? null);
  if (!person || !matches) {
    await record(ctx, { ...facts, outcome: 'failure', status: 422, reason: 'wrong password' });
    throw wrongCurrent();
  }
  await ctx.throttle.forget(throttle);
  if (input.password === input.current)
    throw new AppError('invalid', 'Choose another password', { errors: [{ path: 'password', message: 'is the one you have' }] });
  requireGoodPassword(input.password, [actor.name, actor.email, tenant.name, tenant.slug], 'password');

  const newHash = await hashPassword(ctx, db.shard, input.password);
  const others = input.endOthers ? (await sessionIdsOf(db, actor.id)).filter((id) => id !== actor.sessionId) : [];
  const changes = [
    ...[deleteResets(db, actor.id), deleteSecondFactorChallenges(db, actor.id)],
    ...(input.endOthers ? [deleteOtherSessions(db, actor.id, actor.sessionId)] : []),
  ];
  const event = eventOf(ctx, { ...facts, status: 204, details: { sessionsEnded: others.length } });
  const change = { guard: replacePassword(db, actor.id, person.passwordHash, newHash), changes, events: [event] };
  const lessens = { users: [actor.id], cause: 'The password was changed' };
  await onGuard(commit(ctx, input.endOthers ? { ...change, lessens } : change), wrongCurrent);
  tellOfChange(ctx, 'The password of your account was changed.');
}

const wrongCurrent = () =>
  new AppError('invalid', 'Your current password is another', { errors: [{ path: 'current', message: 'is wrong' }] });
