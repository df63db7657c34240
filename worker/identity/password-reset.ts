import type { z } from 'zod';
import { networkOf } from '@gatehouse/core/access/networks.ts';
import type { passwordReset, passwordResetRequest } from '@gatehouse/core/api/factors.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { findPerson, findPersonByEmail } from '../directory/people.ts';
import { findPlace } from '../directory/places.ts';
import { commit, eventOf, onGuard } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { locateCredential, mintCredential } from '../platform/credential.ts';
import { hashSecret } from '../platform/encoding.ts';
import { countAttempt } from '../platform/throttle.ts';
import { mailChange } from './notices.ts';
import { hashPassword } from './password.ts';
import { requireGoodPassword } from './password-rules.ts';
import { deleteResets, insertReset, resetPassword, resettingUser } from './password-reset.store.ts';
import { deleteSecondFactorChallenges } from './second-factor.store.ts';
import { deleteAllSessions, sessionIdsOf } from './sessions.store.ts';
import { SSO_ONLY } from './sso-only.ts';

const LIFETIME_MINUTES = 60;
const PER_ACCOUNT = { limit: 3, windowSeconds: 3600 };
const PER_NETWORK = { limit: 30, windowSeconds: 3600 };

const REQUEST = 'user.request_password_reset';

/**
 * Mails a link, if there is such a person. The answer is the same and comes as soon if there is none: what depends on
 * the account happens behind it.
 * @throws AppError `rate-limited`, for known and unknown addresses alike
 */
export async function requestPasswordReset(
  services: Services,
  request: RequestFacts,
  input: z.infer<typeof passwordResetRequest>,
): Promise<void> {
  const ctx = { ...services, request, db: services.systemDb, actor: { type: 'anonymous' as const, name: input.email } };
  const asked = { action: REQUEST, resource: { type: 'user', id: null, name: input.email } } as const;
  await countAttempt(ctx, `password resets from ${networkOf(request.origin.ip)}`, PER_NETWORK, asked);
  await countAttempt(ctx, `password reset of ${await hashSecret(`${input.tenant} ${input.email}`)}`, PER_ACCOUNT, asked);
  const sent = mailReset(services, request, input);
  services.defer(sent.catch((error: unknown) => services.log('error', 'a password reset was not mailed', { error: String(error) })));
}

async function mailReset(services: Services, request: RequestFacts, input: z.infer<typeof passwordResetRequest>): Promise<void> {
  const place = await findPlace(services, input.tenant);
  if (!place) return;
  const db = services.tenantDb(place.shard, place.id);
  const person = await findPersonByEmail(db, input.email, services.now().toISOString());
  if (!person || person.state !== 'active' || person.tenantState !== 'active' || person.comesIn === 'sso') return;
  const { id, name, email } = person.user;
  const { text, hash } = await mintCredential('passwordReset', db, services.random);
  const expiresAt = new Date(services.now().getTime() + LIFETIME_MINUTES * 60_000).toISOString();
  const ctx = { ...services, request, db, actor: { type: 'anonymous' as const, name: email } };
  const event = eventOf(ctx, { action: REQUEST, resource: { type: 'user', id, name }, status: 202 });
  await commit(ctx, { changes: [insertReset(db, { tokenHash: hash, userId: id, expiresAt })], events: [event] });
  const link = `${services.settings.ORIGIN}/reset/new#${text}`;
  const words = `${name},\n\nopen this link to set a new password for ${person.tenant.name}:\n${link}\n\nIt works once, within ${LIFETIME_MINUTES} minutes, and signs you out everywhere. If you did not ask for it, ignore this mail: your password stays as it is.\n`;
  await services.mail.send({ to: email, subject: 'Set a new password for Gatehouse', text: words });
}

/**
 * Sets a new password by a mailed link and ends every session. Nobody is signed in by it, and a second factor stays.
 * @throws AppError `gone`, `invalid` naming `password`
 */
export async function redeemPasswordReset(services: Services, request: RequestFacts, input: z.infer<typeof passwordReset>): Promise<void> {
  const gone = () => new AppError('gone', 'The link was used or has expired. Ask for a new one.');
  const located = await locateCredential(services, 'passwordReset', input.token);
  const now = services.now().toISOString();
  const person = located ? await findPerson(located.db, resettingUser(located.db, located.hash, now), now) : null;
  if (!located || !person || person.state !== 'active' || person.tenantState !== 'active') throw gone();
  if (person.comesIn === 'sso') throw new AppError('sso-required', SSO_ONLY);
  const { db, hash } = located;
  const { user, tenant } = person;
  requireGoodPassword(input.password, [user.name, user.email, tenant.name, tenant.slug], 'password');
  const passwordHash = await hashPassword(services, db.shard, input.password);
  const ctx = { ...services, request, db, actor: { type: 'anonymous' as const, name: user.email } };
  const ended = await sessionIdsOf(db, user.id);
  const event = eventOf(ctx, {
    action: 'user.reset_password',
    resource: { type: 'user', id: user.id, name: user.name },
    ...{ status: 200, details: { sessionsEnded: ended.length } },
  });
  const changes = [deleteResets(db, user.id), deleteSecondFactorChallenges(db, user.id), deleteAllSessions(db, user.id)];
  const lessens = { users: [user.id], cause: 'The password was reset' };
  await onGuard(commit(ctx, { guard: resetPassword(db, user.id, hash, passwordHash, now), changes, events: [event], lessens }), gone);
  mailChange(
    services,
    { name: user.name, email: user.email, organisation: tenant.name },
    'Your password was reset by a link that we mailed you. All sessions ended.',
  );
}
