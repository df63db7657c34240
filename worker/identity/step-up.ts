import type { z } from 'zod';
import type { Assertion, assertionOptions, stepUpPassword } from '@gatehouse/core/api/factors.ts';
import { AppError, type FieldError } from '@gatehouse/core/errors.ts';
import { findPersonById } from '../directory/people.ts';
import { commit, eventOf, onGuard, record, requireSession } from '../platform/commit.ts';
import type { SessionContext, UserContext } from '../platform/context.ts';
import { mintCredential } from '../platform/credential.ts';
import type { Statement } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { checkPassword } from './password.ts';
import { findPasskey, listPasskeys, usePasskey } from './passkeys.store.ts';
import { confirmSession } from './sessions.store.ts';
import { matchingStep } from './totp.ts';
import { useTotp } from './totp.store.ts';
import { optionsToAssert, takeChallenge, verifiedAssertion } from './webauthn.ts';

const PER_ACCOUNT = { limit: 10, windowSeconds: 900 };

export interface SteppedUp {
  authenticatedAt: string;
  /** takes the place of the one before, which opens nothing any more */
  credential: string;
}

const facts = ({ actor }: UserContext) => ({ action: 'user.step_up', resource: { type: 'user', id: actor.id, name: actor.name } }) as const;
const throttleOf = ({ actor }: UserContext) => `step-up of ${actor.id}`;

/**
 * Confirms who sits at this session, as strongly as they sign in: by password, with the app's code where they have
 * one; who has passkeys only uses one of them.
 * @throws AppError `invalid`, `not-ready`, `rate-limited`
 */
export async function stepUpByPassword(asking: UserContext, input: z.infer<typeof stepUpPassword>): Promise<SteppedUp> {
  const ctx = await requireSession(asking, facts(asking));
  await countAttempt(ctx, throttleOf(ctx), PER_ACCOUNT, facts(ctx));
  const { db, actor } = ctx;
  const person = await findPersonById(db, actor.id, ctx.now().toISOString());
  const { matches } = await checkPassword(ctx, db.shard, input.password, person?.passwordHash ?? null);
  if (!person || !matches) throw await fail(ctx, 'wrong password', { path: 'password', message: 'is wrong' });
  if (!person.factors.totp) {
    if (person.factors.passkey) throw new AppError('not-ready', 'You sign in with a passkey: confirm with it');
    return confirm(ctx, 'password');
  }
  const step = input.code === undefined ? null : await matchingStep(ctx, db, actor.id, input.code);
  const wrong = { path: 'code', message: input.code === undefined ? 'is needed, too' : 'is wrong or was used already' };
  if (step === null) throw await fail(ctx, 'wrong code', wrong);
  return confirm(ctx, 'password+totp', { guard: useTotp(db, actor.id, step), failed: () => fail(ctx, 'used code', wrong) });
}

/** What the browser needs to confirm with a passkey of the caller. */
export async function beginPasskeyStepUp(asking: UserContext): Promise<z.infer<typeof assertionOptions>> {
  const ctx = await requireSession(asking, facts(asking));
  return optionsToAssert(ctx, ctx.db, 'step-up', ctx.actor.sessionId, await listPasskeys(ctx.db, ctx.actor.id));
}

/** @throws AppError `invalid`, `rate-limited` */
export async function stepUpByPasskey(asking: UserContext, credential: Assertion): Promise<SteppedUp> {
  const ctx = await requireSession(asking, facts(asking));
  await countAttempt(ctx, throttleOf(ctx), PER_ACCOUNT, facts(ctx));
  const { db, actor } = ctx;
  const challenge = await takeChallenge(ctx, db, 'step-up', actor.sessionId, credential.response.clientDataJSON);
  const passkey = await findPasskey(db, actor.id, credential.id);
  const proved = challenge !== null && passkey ? await verifiedAssertion(ctx, credential, challenge, passkey) : null;
  const wrong = { path: 'credential', message: 'is not an answer of one of your passkeys' };
  if (!passkey || !proved) throw await fail(ctx, 'wrong passkey', wrong);
  const used = { counter: proved.newCounter, backedUp: proved.credentialBackedUp, now: ctx.now().toISOString() };
  return confirm(ctx, 'passkey', { guard: usePasskey(db, actor.id, passkey, used), failed: () => fail(ctx, 'used passkey', wrong) });
}

/** The session is confirmed under a new secret, and stays bound to the key that it has. @param proof uses up what was shown */
export async function confirm(
  ctx: SessionContext,
  method: string,
  proof?: { guard: Statement; failed: () => Promise<AppError> },
): Promise<SteppedUp> {
  const { text: credential, hash } = await mintCredential('session', ctx.db, ctx.random);
  const authenticatedAt = ctx.now().toISOString();
  const row = confirmSession(ctx.db, ctx.actor.sessionId, hash, authenticatedAt, method === 'passkey');
  const event = eventOf(ctx, { ...facts(ctx), status: 200, details: { method } });
  const change = proof ? { guard: proof.guard, changes: [row] } : { guard: row };
  let failed = false;
  await onGuard(commit(ctx, { ...change, events: [event] }), () => ((failed = true), new AppError('not-signed-in', 'Sign in first'))).catch(
    async (error: unknown) => {
      throw failed && proof ? await proof.failed() : error;
    },
  );
  await ctx.throttle.forget(throttleOf(ctx));
  return { authenticatedAt, credential };
}

async function fail(ctx: UserContext, reason: string, error: FieldError): Promise<AppError> {
  await record(ctx, { ...facts(ctx), outcome: 'failure', status: 422, reason });
  return new AppError('invalid', 'That did not confirm that it is you', { errors: [error] });
}
