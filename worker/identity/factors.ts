import type { Factors } from '@gatehouse/core/api/factors.ts';
import { requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { listPasskeys } from './passkeys.store.ts';
import { presentPasskey } from './passkeys.ts';
import { recoveryCodesLeft } from './recovery-codes.store.ts';
import { findTotp } from './totp.store.ts';

/** How the caller can prove who they are, beside a password. */
export async function listFactors(asking: UserContext): Promise<Factors> {
  const resource = { type: 'policy', id: null, name: 'GET /me/factors' } as const;
  const { db, actor } = await requireSession(asking, { action: 'request.denied', resource });
  const [passkeys, totp, left] = await Promise.all([listPasskeys(db, actor.id), findTotp(db, actor.id), recoveryCodesLeft(db, actor.id)]);
  return {
    passkeys: passkeys.map(presentPasskey),
    totp: totp?.confirmed_at ? { since: totp.confirmed_at } : null,
    recoveryCodes: { left },
  };
}
