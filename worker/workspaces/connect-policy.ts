import { inNetworks } from '@gatehouse/core/access/networks.ts';
import { presenceUntil } from '@gatehouse/core/access/policy.ts';
import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';
import { refuseByPolicy } from '../directory/policy-refusals.ts';
import { NETWORK_REFUSED } from '../identity/session.ts';
import type { EventFacts } from '../platform/commit.ts';
import type { SessionContext } from '../platform/context.ts';

const MINUTE_MS = 60_000;

export type ConnectFacts = Pick<EventFacts, 'action' | 'resource' | 'workspaceId'>;

/** How long a connection may last, and stay unused. */
export interface ConnectBounds {
  /** ISO */
  endsAt: string;
  idleMinutes: number;
  /** ISO; null: the policy does not ask for a passkey */
  presenceUntil: string | null;
}

/**
 * What the policy asks of whoever connects, to a workspace or to one of its apps. A refusal is an event, and counted.
 * @throws AppError `browser-only`, `network-refused`, `presence-required`
 */
export async function requirePolicy(
  ctx: SessionContext,
  facts: ConnectFacts,
  policy: Policy,
  shown: { keyThumbprint: string; fetchSite: string | undefined },
): Promise<void> {
  const reason = policy.browserOnly === 'on' ? notThisBrowser(ctx, shown) : null;
  if (reason !== null) await refuseByPolicy(ctx, facts, { field: 'browserOnly', code: 'browser-only', reason });
  if (policy.allowedNetworks !== null && !inNetworks(ctx.request?.origin.ip ?? null, policy.allowedNetworks))
    await refuseByPolicy(ctx, facts, { field: 'allowedNetworks', code: 'network-refused', reason: NETWORK_REFUSED });
  const began = ctx.actor.sessionBeganAt;
  if (began !== undefined && ctx.now().getTime() - new Date(began).getTime() >= policy.sessionLimit * MINUTE_MS) {
    const old = `This workspace needs a session that is younger than ${policy.sessionLimit} minutes: sign in again`;
    await refuseByPolicy(ctx, facts, { field: 'sessionLimit', code: 'browser-only', reason: old });
  }
  const until = presenceUntil(ctx.actor.authentication.presentAt, policy);
  if (until !== null && until <= ctx.now().toISOString())
    await refuseByPolicy(ctx, facts, { field: 'stepUp', code: 'presence-required', reason: presenceAsked(policy) });
}

const presenceAsked = ({ stepUp }: Policy): string =>
  stepUp === 1 ? 'This workspace asks for your passkey every hour' : `This workspace asks for your passkey every ${stepUp} hours`;

/**
 * Browser-only: our own page, in the browser that the session began in, for the key that the session is bound to. Why
 * not; null when all of it is so.
 */
function notThisBrowser(
  { actor, request }: SessionContext,
  shown: { keyThumbprint: string; fetchSite: string | undefined },
): string | null {
  if (shown.fetchSite !== 'same-origin') return 'A workspace opens only from Gatehouse’s own page in a browser';
  if (typeof actor.keyThumbprint !== 'string') return 'This session is not bound to a browser’s key: sign in again in this browser';
  const proof = request?.proof ?? null;
  if (proof === null) return 'The proof of this browser’s key is missing';
  if (!proof.good) return `The proof of this browser’s key was refused: ${proof.why}`;
  if (proof.thumbprint !== actor.keyThumbprint) return 'This is not the browser that the session began in: sign in again here';
  return shown.keyThumbprint === actor.keyThumbprint ? null : 'The connection is for another key than the session’s';
}

/** How long the connection may last, and stay unused. */
export function boundsOf({ actor, now }: SessionContext, policy: Policy): ConnectBounds {
  const limit = new Date(new Date(actor.sessionBeganAt ?? now()).getTime() + policy.sessionLimit * MINUTE_MS).toISOString();
  return {
    endsAt: limit < actor.sessionExpiresAt ? limit : actor.sessionExpiresAt,
    idleMinutes: policy.idleTimeout,
    presenceUntil: presenceUntil(actor.authentication.presentAt, policy),
  };
}
