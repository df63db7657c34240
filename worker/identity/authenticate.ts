import { AppError } from '@gatehouse/core/errors.ts';
import { seenNow } from '../directory/people.ts';
import type { RequestFacts, Services, UserContext } from '../platform/context.ts';
import { locateCredential } from '../platform/credential.ts';
import { sessionCredential } from './cookie.ts';
import { hoursBefore, IDLE_HOURS, SEEN_MINUTES, signedIn } from './session.ts';
import { readSession, touchSession } from './sessions.store.ts';

/**
 * Who asks. One trip to D1 and no cache: whatever was revoked, suspended or changed a moment ago counts.
 * @throws AppError `not-signed-in`
 */
export async function authenticate(services: Services, request: RequestFacts, cookie: string | undefined): Promise<UserContext> {
  const located = await locateCredential(services, 'session', sessionCredential(cookie) ?? '');
  if (!located) throw notSignedIn();
  const { db, hash } = located;
  const now = services.now();
  const found = await readSession(db, hash, now.toISOString());
  if (!found) throw notSignedIn();
  const { session, person } = found;
  const over = session.expires_at <= now.toISOString() || session.last_seen_at <= hoursBefore(now, IDLE_HOURS);
  if (over || person.state !== 'active' || person.tenantState !== 'active') throw notSignedIn();
  if (session.last_seen_at <= hoursBefore(now, SEEN_MINUTES / 60)) {
    const seen = db.batch([touchSession(db, session.id, now.toISOString()), seenNow(db, person.user.id, now.toISOString())]);
    services.defer(seen.catch((error: unknown) => services.log('warn', 'a session was not marked as seen', { error: String(error) })));
  }
  const { id, method } = session;
  return signedIn(services, request, db, person, { id, method, expiresAt: session.expires_at, authenticatedAt: session.authenticated_at });
}

const notSignedIn = () => new AppError('not-signed-in', 'Sign in first');
