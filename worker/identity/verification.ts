import { AppError } from '@gatehouse/core/errors.ts';
import { findVerification, insertVerification, markVerified, useUpVerifications } from './verification.store.ts';
import { commit, eventOf, onGuard, requireSession } from '../platform/commit.ts';
import type { RequestFacts, Services, UserContext } from '../platform/context.ts';
import { locateCredential, mintCredential } from '../platform/credential.ts';
import type { Statement, TenantDb } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { hoursBefore } from './session.ts';

const LIFETIME_HOURS = 24;
const RESENDS = { limit: 5, windowSeconds: 3600 };

/** A link that proves who reads a mailbox; it works once its row is committed. */
export async function newVerification(
  services: Pick<Services, 'random' | 'now' | 'settings'>,
  db: TenantDb,
  userId: string,
): Promise<{ link: string; row: Statement }> {
  const { text, hash } = await mintCredential('verification', db, services.random);
  const row = insertVerification(db, { tokenHash: hash, userId, expiresAt: hoursBefore(services.now(), -LIFETIME_HOURS) });
  return { link: `${services.settings.ORIGIN}/verify#${text}`, row };
}

export async function mailVerification(services: Pick<Services, 'mail'>, to: { name: string; email: string }, link: string): Promise<void> {
  const text = `${to.name},\n\nopen this link to show that this address is yours:\n${link}\n\nIt works once, within ${LIFETIME_HOURS} hours. If you did not sign up at Gatehouse, ignore this mail.\n`;
  await services.mail.send({ to: to.email, subject: 'Verify your address for Gatehouse', text });
}

/** Sends the caller a new link; older ones keep working until one is used. @throws AppError `rate-limited`, `conflict` */
export async function resendVerification(ctx: UserContext): Promise<void> {
  const resource = { type: 'user' as const, id: ctx.actor.id, name: ctx.actor.name };
  const facts = { action: 'user.request_verification', resource } as const;
  const { id, name, email, emailVerified } = (await requireSession(ctx, facts)).actor;
  if (emailVerified) throw new AppError('conflict', 'The address is verified already');
  await countAttempt(ctx, `verification ${id}`, RESENDS, facts);
  const { link, row } = await newVerification(ctx, ctx.db, id);
  await commit(ctx, { changes: [row], events: [eventOf(ctx, { ...facts, status: 204 })] });
  await mailVerification(ctx, { name, email }, link);
}

/** Needs no session: whoever holds the link reads the mailbox. @throws AppError `gone` */
export async function verifyEmail(services: Services, request: RequestFacts, token: string): Promise<void> {
  const gone = () => new AppError('gone', 'The link was used or has expired. Sign in to have a new one sent.');
  const located = await locateCredential(services, 'verification', token);
  const now = services.now().toISOString();
  const found = located ? await findVerification(located.db, located.hash, now) : undefined;
  if (!located || !found) throw gone();
  const { db, hash } = located;
  const ctx = { ...services, request, db, actor: { type: 'anonymous' as const, name: found.email } };
  const event = eventOf(ctx, { action: 'user.verify_email', resource: { type: 'user', id: found.user_id, name: found.name }, status: 200 });
  const change = { guard: markVerified(db, hash, now), changes: [useUpVerifications(db, found.user_id)], events: [event] };
  await onGuard(commit(ctx, change), gone);
}
