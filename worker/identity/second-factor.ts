import type { SecondFactor } from '@gatehouse/core/api/factors.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { findPerson, replacePassword, type Person } from '../directory/people.ts';
import { commit, eventOf, record, type EventContext } from '../platform/commit.ts';
import type { RequestFacts, Services } from '../platform/context.ts';
import { locateCredential, mintCredential } from '../platform/credential.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { enter, type Entered } from './enter.ts';
import { recoveryCodeHash } from './recovery-codes.ts';
import {
  challengedUser,
  deleteSecondFactorChallenges,
  insertSecondFactorChallenge,
  useRecoveryCodeToEnter,
  useTotpToEnter,
} from './second-factor.store.ts';
import { matchingStep } from './totp.ts';

const LIFETIME_MINUTES = 5;
/** Guesses at the second factor of one account, whatever the challenge; only who knows the password can spend them. */
const PER_ACCOUNT = { limit: 5, windowSeconds: 900 };

/** The password was right and is not enough: no session begins, and what the answer holds opens nothing by itself. */
export async function askSecondFactor(
  services: Services,
  request: RequestFacts,
  db: TenantDb,
  { user, passwordHash, factors }: Person,
  newHash: string | null,
): Promise<SecondFactor> {
  const { text: challenge, hash } = await mintCredential('secondFactor', db, services.random);
  const expiresAt = new Date(services.now().getTime() + LIFETIME_MINUTES * 60_000).toISOString();
  const ctx = { ...services, request, db, actor: { type: 'anonymous' as const, name: user.email } };
  const asked = eventOf(ctx, { action: 'user.owe_second_factor', resource: { type: 'user', id: user.id, name: user.name }, status: 202 });
  const rehash = newHash === null ? [] : [replacePassword(db, user.id, passwordHash, newHash)];
  await commit(ctx, {
    changes: [insertSecondFactorChallenge(db, { tokenHash: hash, userId: user.id, expiresAt }), ...rehash],
    events: [asked],
  });
  const methods = [...(factors.passkey ? (['passkey'] as const) : []), ...(factors.totp ? (['totp'] as const) : [])];
  return { challenge, expiresAt, methods: [...methods, 'recovery-code'] };
}

/** @throws AppError `gone`, `code-refused`, `rate-limited` */
export async function enterByTotp(services: Services, request: RequestFacts, input: { challenge: string; code: string }): Promise<Entered> {
  const owing = await whoOwes(services, request, input.challenge);
  const { db, person, owed } = owing;
  const step = person.factors.totp ? await matchingStep(services, db, person.user.id, input.code) : null;
  if (step === null) throw await refuseCode(owing, 'wrong code');
  return finish(owing, { method: 'password+totp', guard: useTotpToEnter(db, owed, step) });
}

/** @throws AppError `gone`, `code-refused`, `rate-limited` */
export async function enterByRecoveryCode(
  services: Services,
  request: RequestFacts,
  input: { challenge: string; code: string },
): Promise<Entered> {
  const owing = await whoOwes(services, request, input.challenge);
  const { db, person, owed } = owing;
  const codeHash = await recoveryCodeHash(db, person.user.id, input.code);
  return finish(owing, {
    method: 'password+recovery-code',
    guard: useRecoveryCodeToEnter(db, owed, codeHash),
    also: ['recovery_code.use'],
  });
}

interface Owing {
  ctx: EventContext & Services & { request: RequestFacts };
  db: TenantDb;
  person: Person;
  owed: { userId: string; tokenHash: string; now: string };
  throttle: string;
}

/** Whose challenge it is, with the attempt counted. */
async function whoOwes(services: Services, request: RequestFacts, challenge: string): Promise<Owing> {
  const located = await locateCredential(services, 'secondFactor', challenge);
  const now = services.now().toISOString();
  const person = located ? await findPerson(located.db, challengedUser(located.db, located.hash, now), now) : null;
  if (!located || !person) throw new AppError('gone', 'That took too long, or was answered already. Sign in again.');
  const { db, hash } = located;
  const { id, name, email } = person.user;
  const ctx = { ...services, request, db, actor: { type: 'anonymous' as const, name: email } };
  const throttle = `second factor of ${id}`;
  await countAttempt(ctx, throttle, PER_ACCOUNT, { action: 'user.sign_in', resource: { type: 'user', id, name } });
  return { ctx, db, person, owed: { userId: id, tokenHash: hash, now }, throttle };
}

async function finish(owing: Owing, way: Pick<Parameters<typeof enter>[4], 'method' | 'guard' | 'also'>): Promise<Entered> {
  const { ctx, db, person } = owing;
  try {
    const entered = await enter(ctx, ctx.request, db, person, {
      ...way,
      changes: [deleteSecondFactorChallenges(db, person.user.id)],
      refusal: () => new AppError('code-refused', ''),
    });
    await ctx.throttle.forget(owing.throttle);
    return entered;
  } catch (error) {
    if (error instanceof AppError && error.code === 'code-refused') throw await refuseCode(owing, 'wrong code, or one that was used');
    throw error;
  }
}

async function refuseCode({ ctx, person }: Owing, reason: string): Promise<AppError> {
  const { id, name } = person.user;
  await record(ctx, { action: 'user.sign_in', resource: { type: 'user', id, name }, outcome: 'failure', status: 401, reason });
  const message = 'is wrong or was used already';
  return new AppError('code-refused', 'Each code works once. Wait for the next one, or check that the clock of your phone is right.', {
    errors: [{ path: 'code', message }],
  });
}
