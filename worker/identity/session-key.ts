import { AppError } from '@gatehouse/core/errors.ts';
import { commit, eventOf, onGuard, onUnique, record, requireSession } from '../platform/commit.ts';
import type { UserContext } from '../platform/context.ts';
import { USED_TWICE, useUp } from '../platform/proof.ts';
import { hoursBefore } from './session.ts';
import { bindKey } from './sessions.store.ts';

/** A session that began without a key may take one for so long. */
const WITHIN_MINUTES = 5;

/**
 * Binds the caller's session to the key of their browser, once: for ways of signing in that carry no proof.
 * @throws AppError `invalid` naming `DPoP`; `browser-only` when it has another key, or is too old
 */
export async function bindSessionKey(asking: UserContext): Promise<void> {
  const resource = { type: 'session' as const, id: asking.actor.sessionId, name: asking.actor.name };
  const ctx = await requireSession(asking, { action: 'session.bind_key', resource });
  const { id, name, sessionId, keyThumbprint } = ctx.actor;
  const facts = { action: 'session.bind_key' as const, resource: { type: 'session' as const, id: sessionId, name } };
  const proof = ctx.request?.proof ?? { good: false as const, why: 'it is missing' };
  if (!proof.good) throw wrong(proof.why);
  if (keyThumbprint === proof.thumbprint) return;
  const refused = async () => {
    const reason = `Only once, and within ${WITHIN_MINUTES} minutes of its start, a session takes a key: sign in again`;
    await record(ctx, { ...facts, outcome: 'denied', status: 403, reason, details: { user: id } });
    return new AppError('browser-only', reason);
  };
  const guard = bindKey(ctx.db, sessionId, proof.thumbprint, hoursBefore(ctx.now(), WITHIN_MINUTES / 60));
  const event = eventOf(ctx, { ...facts, status: 204, details: { keyThumbprint: proof.thumbprint } });
  const bound = commit(ctx, { guard, changes: [useUp(ctx.db, proof)], events: [event] });
  const late = new AppError('browser-only', '');
  try {
    await onGuard(
      onUnique(bound, USED_TWICE, () => wrong('it was used before')),
      () => late,
    );
  } catch (error) {
    throw error === late ? await refused() : error;
  }
}

const wrong = (why: string) =>
  new AppError('invalid', `The proof of this browser’s key was refused: ${why}`, { errors: [{ path: 'DPoP', message: why }] });
