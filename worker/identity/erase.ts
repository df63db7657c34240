import type { Erasure, ErasureReason } from '@gatehouse/core/api/erasure.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { usersById } from '../directory/users.ts';
import { commit, eventOf, onGuard, record, require, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import { takeName, takeTraces } from './erase.store.ts';

/**
 * Orders that all data of somebody who is deleted be erased from the audit log, and takes what their deletion left elsewhere. The
 * order is an event, by the id alone; the ledger follows it, and tells by another what came of it.
 * @throws AppError `browser-only`, `permission-denied` to all but owners, `step-up-required`, `not-found`, `conflict` for
 * somebody who is not deleted, and while it is under way
 */
export async function orderErasure(ctx: UserContext, userId: string, reason: ErasureReason): Promise<void> {
  const facts = { action: 'audit.erase', resource: { type: 'user', id: userId, name: userId } } as const;
  await requireSession(ctx, facts);
  if (!ctx.actor.roles.includes('owner')) {
    const why = 'Only an owner may erase somebody from the audit log';
    await record(ctx, { ...facts, outcome: 'denied', status: 403, reason: why });
    throw new AppError('permission-denied', why);
  }
  await requireFresh(ctx, facts);
  const [user] = await usersById(ctx, [userId]);
  if (!user) throw noPerson();
  if (user.state !== 'deactivated') throw notDeleted();
  const before = await ledgerOf(ctx).erasure(userId);
  if (before && (before.state === 'looking' || before.state === 'rewriting'))
    throw new AppError('conflict', 'This person is being erased already');
  const event = eventOf(ctx, { ...facts, status: 204, details: { why: reason } });
  await onGuard(commit(ctx, { guard: takeName(ctx.db, userId), changes: takeTraces(ctx.db, userId), events: [event] }), notDeleted);
}

const ledgerOf = ({ ledger, db }: UserContext) => ledger.open(db.tenantId, db.shard);
const noPerson = () => new AppError('not-found', 'There is no such person');
const notDeleted = () => new AppError('conflict', 'Delete the person first: nobody is erased who still has an account');

/** How far it is; null when nobody ordered it. @throws AppError `permission-denied`, `not-found` */
export async function readErasure(ctx: UserContext, userId: string): Promise<Erasure | null> {
  await require(ctx, 'user:read', { action: 'request.denied', resource: { type: 'policy', id: null, name: 'GET /users/{id}/erasure' } });
  const [user] = await usersById(ctx, [userId]);
  if (!user) throw noPerson();
  return ledgerOf(ctx).erasure(userId);
}
