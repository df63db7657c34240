import { inNetworks } from '@gatehouse/core/access/networks.ts';
import type { Policy } from '@gatehouse/core/access/policy-in-force.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { seenNow } from '../directory/people.ts';
import { policiesOf } from '../directory/policies.ts';
import { refuseByPolicy } from '../directory/policy-refusals.ts';
import type { RequestFacts, Services, SessionContext } from '../platform/context.ts';
import { locateCredential } from '../platform/credential.ts';
import { sessionCredential } from './cookie.ts';
import { hoursBefore, IDLE_HOURS, NETWORK_REFUSED, SEEN_MINUTES, signedIn } from './session.ts';
import { readSession, touchSession } from './sessions.store.ts';

/**
 * Who asks. One trip to D1 and no cache: whatever was revoked, suspended or changed a moment ago counts.
 * @throws AppError `not-signed-in`
 */
export async function authenticate(services: Services, request: RequestFacts, cookie: string | undefined): Promise<SessionContext> {
  const located = await locateCredential(services, 'session', sessionCredential(cookie) ?? '');
  if (!located) throw notSignedIn();
  const { db, hash } = located;
  const now = services.now();
  const found = await readSession(db, hash, now.toISOString());
  if (!found) throw notSignedIn();
  const { session, person, policies } = found;
  const { policy } = policiesOf(services.settings.policy, policies, null);
  const idleHours = Math.min(IDLE_HOURS, policy.idleTimeout / 60);
  const over =
    session.expires_at <= now.toISOString() ||
    session.created_at <= hoursBefore(now, policy.sessionLimit / 60) ||
    session.last_seen_at <= hoursBefore(now, idleHours);
  if (over || person.state !== 'active' || person.tenantState !== 'active') throw notSignedIn();
  if (session.last_seen_at <= hoursBefore(now, Math.min(SEEN_MINUTES / 60, idleHours / 2))) {
    const seen = db.batch([touchSession(db, session.id, now.toISOString()), seenNow(db, person.user.id, now.toISOString())]);
    services.defer(seen.catch((error: unknown) => services.log('warn', 'a session was not marked as seen', { error: String(error) })));
  }
  const ctx = signedIn(services, request, db, person, {
    ...{ id: session.id, expiresAt: session.expires_at, createdAt: session.created_at },
    ...{ keyThumbprint: session.key_thumbprint, method: session.method },
    ...{ authenticatedAt: session.authenticated_at, presenceAt: session.presence_at },
  });
  await refuseForeignNetwork(ctx, policy);
  return ctx;
}

/** One event for a session in ten minutes: a page that goes on asking would fill the log. */
const TOLD = { limit: 1, windowSeconds: 600 };

async function refuseForeignNetwork(ctx: SessionContext, policy: Policy): Promise<void> {
  if (policy.allowedNetworks === null || !ctx.request || inNetworks(ctx.request.origin.ip, policy.allowedNetworks)) return;
  const { id, name, sessionId } = ctx.actor;
  if ((await ctx.throttle.begin(`network of ${sessionId}`, TOLD)) > 0) throw new AppError('network-refused', NETWORK_REFUSED);
  const facts = { action: 'request.denied' as const, resource: { type: 'policy' as const, id, name } };
  await refuseByPolicy(ctx, facts, { field: 'allowedNetworks', code: 'network-refused', reason: NETWORK_REFUSED });
}

const notSignedIn = () => new AppError('not-signed-in', 'Sign in first');
