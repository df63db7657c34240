import type { z } from 'zod';
import { MAX_PASSKEYS, type Passkey, type passkeyAdd, type passkeyAdded, type registrationOptions } from '@gatehouse/core/api/factors.ts';
import { diff } from '@gatehouse/core/audit/diff.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { onLastOwner, wayInRemains } from '../directory/owners.ts';
import { commit, eventOf, onGuard, onUnique, record, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { base64url } from '../platform/encoding.ts';
import { requireFresh } from '../platform/fresh.ts';
import { tellOfChange } from './notices.ts';
import { deletePasskey, insertPasskey, listPasskeys, renamePasskey, type PasskeyRow } from './passkeys.store.ts';
import { firstRecoveryCodes } from './recovery-codes.ts';
import { deleteOrphanedCodes } from './recovery-codes.store.ts';
import { lastFactor } from './totp.ts';
import { optionsToAdd, takeChallenge, verifiedRegistration } from './webauthn.ts';

/** One's own passkeys need no permission, but a session: every use case here names the caller's user id. */

const facts = <Action extends 'passkey.add' | 'passkey.rename' | 'passkey.remove'>(ctx: UserContext, action: Action) =>
  ({ action, resource: { type: 'user', id: ctx.actor.id, name: ctx.actor.name } }) as const;

export const presentPasskey = (row: PasskeyRow): Passkey => ({
  ...{ id: row.id, name: row.name, createdAt: row.created_at, lastUsedAt: row.last_used_at },
  ...{ synced: row.synced === 1, backedUp: row.backed_up === 1 },
});

/** What the browser needs to make a passkey. @throws AppError `step-up-required` */
export async function beginPasskey(asking: UserContext): Promise<z.infer<typeof registrationOptions>> {
  const ctx = await requireFresh(asking, facts(asking, 'passkey.add'));
  return optionsToAdd(ctx, await listPasskeys(ctx.db, ctx.actor.id));
}

/** @returns with recovery codes, where this is the first second factor. @throws AppError `step-up-required`, `invalid`, `conflict`, `quota-exceeded` */
export async function addPasskey(asking: UserContext, input: z.infer<typeof passkeyAdd>): Promise<z.infer<typeof passkeyAdded>> {
  const add = facts(asking, 'passkey.add');
  const ctx = await requireFresh(asking, add);
  const { db, actor } = ctx;
  const challenge = await takeChallenge(ctx, db, 'add', actor.sessionId, input.credential.response.clientDataJSON);
  const made = challenge === null ? null : await verifiedRegistration(ctx, input.credential, challenge);
  if (!made) {
    await record(ctx, { ...add, outcome: 'failure', status: 422, reason: 'not the answer to a challenge of this session' });
    throw new AppError('invalid', 'The passkey was not made for this page, or that took too long. Try again.', {
      errors: [{ path: 'credential', message: 'is not the answer to our challenge' }],
    });
  }
  const row = {
    ...{ id: ctx.newId('passkey'), credential_id: made.credential.id, public_key: base64url(made.credential.publicKey) },
    ...{ counter: made.credential.counter, transports: input.credential.response.transports, name: input.name },
    ...{ synced: made.credentialDeviceType === 'multiDevice' ? 1 : 0, backed_up: made.credentialBackedUp ? 1 : 0 },
    created_at: ctx.now().toISOString(),
  };
  const { codes, rows } = await firstRecoveryCodes(ctx);
  const event = eventOf(ctx, {
    ...add,
    status: 201,
    details: { passkey: row.id, name: row.name, synced: row.synced === 1, recoveryCodes: codes !== null },
  });
  const added = commit(ctx, { guard: insertPasskey(db, actor.id, row), changes: rows, events: [event] });
  const full = () => new AppError('quota-exceeded', `A person has at most ${MAX_PASSKEYS} passkeys`);
  const known = () => new AppError('conflict', 'This passkey is registered already');
  await onUnique(onGuard(added, full), 'passkeys.tenant_id, passkeys.credential_id', known);
  tellOfChange(ctx, `The passkey “${row.name}” was added to your account.`);
  return { passkey: presentPasskey({ ...row, last_used_at: null }), recoveryCodes: codes };
}

/** @throws AppError `not-found` */
export async function changePasskey(asking: UserContext, id: string, name: string): Promise<Passkey> {
  const rename = facts(asking, 'passkey.rename');
  const ctx = await requireSession(asking, rename);
  const before = await ownPasskey(ctx, id);
  const changed = diff({ name: 'tracked' }, { name: before.name }, { name });
  if (changed.length === 0) return presentPasskey(before);
  const event = eventOf(ctx, { ...rename, status: 200, diff: changed, details: { passkey: id } });
  await onGuard(commit(ctx, { guard: renamePasskey(ctx.db, ctx.actor.id, id, name), events: [event] }), gone);
  return presentPasskey({ ...before, name });
}

/** @throws AppError `step-up-required`, `not-found`, `conflict` */
export async function removePasskey(asking: UserContext, id: string): Promise<void> {
  const remove = facts(asking, 'passkey.remove');
  const ctx = await requireFresh(asking, remove);
  const { db, actor } = ctx;
  const { name } = await ownPasskey(ctx, id);
  const event = eventOf(ctx, { ...remove, status: 204, details: { passkey: id, name } });
  const change = { guard: deletePasskey(db, actor.id, id), changes: [deleteOrphanedCodes(db, actor.id), wayInRemains(db, [actor.id])] };
  await onLastOwner(onGuard(commit(ctx, { ...change, events: [event] }), lastFactor));
  tellOfChange(ctx, `The passkey “${name}” was removed from your account.`);
}

async function ownPasskey(ctx: UserContext, id: string): Promise<PasskeyRow> {
  const found = (await listPasskeys(ctx.db, ctx.actor.id)).find((row) => row.id === id);
  if (!found) throw gone();
  return found;
}

const gone = () => new AppError('not-found', 'There is no such passkey');
