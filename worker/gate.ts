import type { Context as HonoContext, MiddlewareHandler } from 'hono';
import { TRANSPORTS } from '@gatehouse/core/access/transports.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { authenticate } from './identity/authenticate.ts';
import { sessionCredential } from './identity/cookie.ts';
import { lacksSecondFactor } from './identity/session.ts';
import { authenticateToken } from './identity/token-auth.ts';
import { record } from './platform/commit.ts';
import type { UserContext } from './platform/context.ts';
import type { HonoEnv } from './platform/route.ts';

/**
 * Routes that open without a session. `page`: our own page calls it before somebody has signed in.
 * `program`: a runner or the operator, who brings a code or a token and no cookie. Every other route is
 * closed until somebody has signed in, so a new one starts closed.
 */
export const OPEN_ROUTES: Readonly<Record<string, 'page' | 'program'>> = {
  'GET /api/v1/health': 'page',
  'GET /api/v1/openapi.json': 'page',
  'POST /api/v1/signup': 'page',
  'POST /api/v1/login': 'page',
  'POST /api/v1/login/totp': 'page',
  'POST /api/v1/login/recovery-code': 'page',
  'POST /api/v1/login/passkey/options': 'page',
  'POST /api/v1/login/passkey': 'page',
  'POST /api/v1/login/realm': 'page',
  'POST /api/v1/login/sso/start': 'page',
  'POST /api/v1/login/sso': 'page',
  'POST /api/v1/password-resets': 'page',
  'POST /api/v1/password-resets/redeem': 'page',
  'POST /api/v1/verify-email': 'page',
  'POST /api/v1/invitations/preview': 'page',
  'POST /api/v1/invitations/accept': 'page',
  'GET /api/v1/workspaces/:id/connect': 'page',
  'GET /api/v1/local/mails': 'page',
  'POST /api/v1/runner/enroll': 'program',
  'POST /api/v1/runner/keys': 'program',
  'GET /api/v1/runner/control': 'program',
  'GET /api/v1/runner/workspaces/:id/link': 'program',
  'GET /api/v1/runner/workspaces/:id/apps': 'program',
  'GET /api/v1/runner/workspaces/:id/apps/:stream': 'program',
  'PUT /api/v1/runner/recordings/:id': 'program',
  'PUT /api/v1/runner/recordings/:id/slices/:n': 'program',
  'PUT /api/v1/runner/snapshots/:id': 'program',
  'POST /api/v1/runner/snapshots/:id/claim': 'program',
  'PUT /api/v1/runner/snapshots/:id/chunks/:chunk': 'program',
  'PUT /api/v1/runner/snapshots/:id/manifest': 'program',
  'POST /api/v1/runner/snapshots/:id/end': 'program',
  'GET /api/v1/runner/snapshots/:id/manifest': 'program',
  'GET /api/v1/runner/snapshots/:id/chunks/:chunk': 'program',
  'GET /api/v1/sso/clients/:place/jwks': 'program',
  'POST /api/v1/sso/backchannel-logout/:place': 'program',
  'GET /api/v1/operator/tenants': 'program',
  'POST /api/v1/operator/keys/rotate': 'program',
  'POST /api/v1/operator/tenants/:id/suspend': 'program',
  'POST /api/v1/operator/tenants/:id/activate': 'program',
  'POST /api/v1/operator/tenants/:id/ledger/rebuild': 'program',
};

const patternOf = (route: string): RegExp => new RegExp(`^${route.replaceAll('.', '\\.').replace(/:[a-z]+/g, '[^/]+')}$`);
const doors = Object.entries(OPEN_ROUTES).map(([route, door]) => ({ pattern: patternOf(route), door }));
const transports = Object.keys(TRANSPORTS).map(patternOf);

/** All that somebody may do who lacks the second factor that their organisation requires: set one up, and leave. */
const ENROLMENT_ROUTES: ReadonlySet<string> = new Set([
  'GET /api/v1/me',
  'GET /api/v1/me/factors',
  'POST /api/v1/me/session/key',
  'POST /api/v1/me/step-up/password',
  'POST /api/v1/me/passkeys/options',
  'POST /api/v1/me/passkeys',
  'POST /api/v1/me/totp',
  'POST /api/v1/me/totp/confirm',
  'POST /api/v1/logout',
  'DELETE /api/v1/me/sessions',
]);

const doorOf = (method: string, path: string): 'page' | 'program' | 'session' =>
  doors.find(({ pattern }) => pattern.test(`${method} ${path}`))?.door ?? 'session';

const BEARER = /^Bearer\s+/i;

/**
 * Who asks, by a session's cookie or by an API token. A request with both is refused: which of the two it means is not
 * ours to guess, and a page that adds a token to somebody's cookie must not pass by the origin's check.
 */
async function whoAsks(c: HonoContext<HonoEnv>): Promise<UserContext> {
  const [services, request] = [c.get('services'), c.get('request')];
  const [authorization, cookie] = [c.req.header('Authorization'), c.req.header('Cookie')];
  if (authorization === undefined || !BEARER.test(authorization)) return authenticate(services, request, cookie);
  if (sessionCredential(cookie) !== undefined) throw new AppError('not-signed-in', 'Send either a session’s cookie or a token');
  return authenticateToken(services, request, authorization.replace(BEARER, ''));
}

/**
 * Who gets in: behind it, `signedIn` is there unless the route is open. A change comes from our own page,
 * to the letter; from another site it is refused, and with somebody's session that is an event. A token travels only
 * where its holder sends it, so it comes from anywhere.
 */
export const gate: MiddlewareHandler<HonoEnv> = async (c, next) => {
  const { method, path } = c.req;
  const services = c.get('services');
  const door = doorOf(method, path);
  if (door === 'session') c.set('signedIn', await whoAsks(c));
  c.set('askAgain', () => whoAsks(c));
  const byToken = door === 'session' && c.get('signedIn').actor.token !== null;
  if (door === 'session') await requireSecondFactor(c.get('signedIn'), `${method} ${path}`);
  if (c.req.header('Upgrade')?.toLowerCase() === 'websocket' && !transports.some((pattern) => pattern.test(`${method} ${path}`))) {
    const reason = 'The policy names no such transport';
    if (door === 'session') await recordRefusal(c.get('signedIn'), `${method} ${path}`, reason);
    throw new AppError('browser-only', reason);
  }
  const changes = method !== 'GET' && method !== 'HEAD';
  if (changes && !byToken && door !== 'program' && c.req.header('Origin') !== services.settings.ORIGIN) {
    const reason = 'A change must come from Gatehouse’s own page';
    if (door === 'session') await recordRefusal(c.get('signedIn'), `${method} ${path}`, reason);
    throw new AppError('foreign-origin', reason);
  }
  await next();
};

const recordRefusal = (ctx: UserContext, name: string, reason: string): Promise<void> =>
  record(ctx, { action: 'request.denied', resource: { type: 'policy', id: null, name }, outcome: 'denied', status: 403, reason });

/** Pages ask every few seconds: the first refusal of ten minutes is an event, the others say nothing new. */
const TOLD = { limit: 1, windowSeconds: 600 };

/** @throws AppError `second-factor-required` */
async function requireSecondFactor(ctx: UserContext, route: string): Promise<void> {
  if (!lacksSecondFactor(ctx.actor) || ENROLMENT_ROUTES.has(route)) return;
  const reason = 'The organisation requires a second factor: set one up first';
  if ((await ctx.throttle.begin(`told lacks a second factor ${ctx.actor.sessionId}`, TOLD)) === 0) await recordRefusal(ctx, route, reason);
  throw new AppError('second-factor-required', reason);
}
