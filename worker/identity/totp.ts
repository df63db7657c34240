import { Secret, TOTP } from 'otpauth';
import { AppError } from '@gatehouse/core/errors.ts';
import { onLastOwner, wayInRemains } from '../directory/owners.ts';
import { commit, eventOf, onGuard, record } from '../platform/commit.ts';
import type { Services, UserContext } from '../platform/context.ts';
import { requireFresh } from '../platform/fresh.ts';
import type { SecretAddress } from '../platform/secrets.ts';
import type { TenantDb } from '../platform/tenant-db.ts';
import { countAttempt } from '../platform/throttle.ts';
import { tellOfChange } from './notices.ts';
import { firstRecoveryCodes } from './recovery-codes.ts';
import { deleteOrphanedCodes } from './recovery-codes.store.ts';
import { confirmTotp, deleteTotp, findTotp, startTotp } from './totp.store.ts';

const PERIOD_SECONDS = 30;
const SECRET_BYTES = 20;
/** Clocks differ: the code before and the one after are good, too. */
const WINDOW = 1;
const CONFIRMATIONS = { limit: 10, windowSeconds: 900 };

const addressOf = (userId: string): SecretAddress => ({ table: 'totp_secrets', column: 'secret', row: userId });

const totpOf = (secret: string, names: { issuer: string; label: string } = { issuer: '', label: '' }): TOTP =>
  new TOTP({ ...names, secret: Secret.fromBase32(secret), algorithm: 'SHA1', digits: 6, period: PERIOD_SECONDS });

/** The 30 seconds whose code this is, counted since 1970; null when it is none of these minutes. */
function stepOf(secret: string, code: string, now: Date): number | null {
  const delta = totpOf(secret).validate({ token: code, timestamp: now.getTime(), window: WINDOW });
  return delta === null ? null : Math.floor(now.getTime() / 1000 / PERIOD_SECONDS) + delta;
}

/** Of the app that the person has confirmed. Whether the code was used before, the write that uses it decides. */
export async function matchingStep(
  services: Pick<Services, 'secrets' | 'now'>,
  db: TenantDb,
  userId: string,
  code: string,
): Promise<number | null> {
  const row = await findTotp(db, userId);
  if (!row || row.confirmed_at === null) return null;
  return stepOf(await services.secrets.open(db, addressOf(userId), row.secret), code, services.now());
}

const facts = (ctx: UserContext, action: 'totp.enable' | 'totp.disable') =>
  ({ action, resource: { type: 'user', id: ctx.actor.id, name: ctx.actor.name } }) as const;

/** A secret for an authenticator app. It counts for nothing until a code proves that the app has it. @throws AppError `step-up-required`, `conflict` */
export async function beginTotp(asking: UserContext): Promise<{ secret: string; uri: string }> {
  const ctx = await requireFresh(asking, facts(asking, 'totp.enable'));
  const { db, actor, tenant } = ctx;
  const secret = new Secret({ buffer: new Uint8Array(ctx.random(SECRET_BYTES)).buffer }).base32;
  const sealed = await ctx.secrets.seal(db, addressOf(actor.id), secret);
  const [written] = await db.batch([startTotp(db, actor.id, sealed, ctx.now().toISOString())]);
  if (written?.changes !== 1) throw new AppError('conflict', 'You have an authenticator app: remove it before you set up another');
  return { secret, uri: totpOf(secret, { issuer: `Gatehouse ${tenant.name}`, label: actor.email }).toString() };
}

/** From now on a password alone is not enough. @returns recovery codes, null where there are some. @throws AppError `step-up-required`, `not-ready`, `invalid` */
export async function enableTotp(asking: UserContext, code: string): Promise<string[] | null> {
  const enable = facts(asking, 'totp.enable');
  const ctx = await requireFresh(asking, enable);
  await countAttempt(ctx, `confirming an app of ${ctx.actor.id}`, CONFIRMATIONS, enable);
  const { db, actor } = ctx;
  const none = () => new AppError('not-ready', 'Start again: there is no authenticator app that waits for its first code');
  const row = await findTotp(db, actor.id);
  if (!row || row.confirmed_at !== null) throw none();
  const step = stepOf(await ctx.secrets.open(db, addressOf(actor.id), row.secret), code, ctx.now());
  if (step === null) {
    await record(ctx, { ...enable, outcome: 'failure', status: 422, reason: 'wrong code' });
    throw new AppError('invalid', 'That code is not of this app, or is too old', {
      errors: [{ path: 'code', message: 'is wrong: wait for the next one, and check the clock of your phone' }],
    });
  }
  const { codes, rows } = await firstRecoveryCodes(ctx);
  const event = eventOf(ctx, { ...enable, status: 200, details: { recoveryCodes: codes !== null } });
  const guard = confirmTotp(db, actor.id, row.secret, step, ctx.now().toISOString());
  await onGuard(commit(ctx, { guard, changes: rows, events: [event] }), none);
  tellOfChange(ctx, 'An authenticator app was set up: signing in with your password now asks for its code.');
  return codes;
}

/** @throws AppError `step-up-required`, `not-found`, `conflict` */
export async function disableTotp(asking: UserContext): Promise<void> {
  const disable = facts(asking, 'totp.disable');
  const ctx = await requireFresh(asking, disable);
  const { db, actor } = ctx;
  const row = await findTotp(db, actor.id);
  if (!row || row.confirmed_at === null) throw new AppError('not-found', 'There is no authenticator app');
  const change = { guard: deleteTotp(db, actor.id), changes: [deleteOrphanedCodes(db, actor.id), wayInRemains(db, [actor.id])] };
  await onLastOwner(onGuard(commit(ctx, { ...change, events: [eventOf(ctx, { ...disable, status: 204 })] }), lastFactor));
  tellOfChange(ctx, 'The authenticator app of your account was removed.');
}

export const lastFactor = () =>
  new AppError('conflict', 'Your organisation requires two factors, and this is your last one: set up another first');
