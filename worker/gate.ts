import type { MiddlewareHandler } from 'hono';
import { AppError } from '@gatehouse/core/errors.ts';
import { authenticate } from './identity/authenticate.ts';
import { lacksSecondFactor } from './identity/session.ts';
import type { UserContext } from './platform/context.ts';
import { record } from './platform/commit.ts';
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
  'POST /api/v1/password-resets': 'page',
  'POST /api/v1/password-resets/redeem': 'page',
  'POST /api/v1/verify-email': 'page',
  'POST /api/v1/invitations/preview': 'page',
  'POST /api/v1/invitations/accept': 'page',
  'GET /api/v1/workspaces/:id/connect': 'page',
  'GET /api/v1/local/mails': 'page',
  'POST /api/v1/runner/enroll': 'program',
  'GET /api/v1/runner/control': 'program',
  'GET /api/v1/runner/workspaces/:id/link': 'program',
  'GET /api/v1/operator/tenants': 'program',
  'POST /api/v1/operator/tenants/:id/suspend': 'program',
  'POST /api/v1/operator/tenants/:id/activate': 'program',
};

/** All that somebody may do who lacks the second factor that their organisation requires: set one up, and leave. */
const ENROLMENT_ROUTES: ReadonlySet<string> = new Set([
  'GET /api/v1/me',
  'GET /api/v1/me/factors',
  'POST /api/v1/me/step-up/password',
  'POST /api/v1/me/passkeys/options',
  'POST /api/v1/me/passkeys',
  'POST /api/v1/me/totp',
  'POST /api/v1/me/totp/confirm',
  'POST /api/v1/logout',
  'DELETE /api/v1/me/sessions',
]);

const doors = Object.entries(OPEN_ROUTES).map(([route, door]) => {
  const pattern = route.replaceAll('.', '\\.').replace(/:[a-z]+/g, '[^/]+');
  return { pattern: new RegExp(`^${pattern}$`), door };
});

const doorOf = (method: string, path: string): 'page' | 'program' | 'session' =>
  doors.find(({ pattern }) => pattern.test(`${method} ${path}`))?.door ?? 'session';

/**
 * Who gets in: behind it, `signedIn` is there unless the route is open. A change comes from our own page,
 * to the letter; from another site it is refused, and with somebody's session that is an event.
 */
export const gate: MiddlewareHandler<HonoEnv> = async (c, next) => {
  const { method, path } = c.req;
  const services = c.get('services');
  const door = doorOf(method, path);
  if (door === 'session') c.set('signedIn', await authenticate(services, c.get('request'), c.req.header('Cookie')));
  if (door === 'session') await requireSecondFactor(c.get('signedIn'), `${method} ${path}`);
  const changes = method !== 'GET' && method !== 'HEAD';
  if (changes && door !== 'program' && c.req.header('Origin') !== services.settings.ORIGIN) {
    const reason = 'A change must come from Gatehouse’s own page';
    if (door === 'session') {
      const resource = { type: 'policy' as const, id: null, name: `${method} ${path}` };
      await record(c.get('signedIn'), { action: 'request.denied', resource, outcome: 'denied', status: 403, reason });
    }
    throw new AppError('foreign-origin', reason);
  }
  await next();
};

/** Pages ask every few seconds: the first refusal of ten minutes is an event, the others say nothing new. */
const TOLD = { limit: 1, windowSeconds: 600 };

/** @throws AppError `second-factor-required` */
async function requireSecondFactor(ctx: UserContext, route: string): Promise<void> {
  if (!lacksSecondFactor(ctx.actor) || ENROLMENT_ROUTES.has(route)) return;
  const reason = 'The organisation requires a second factor: set one up first';
  if ((await ctx.throttle.begin(`told lacks a second factor ${ctx.actor.sessionId}`, TOLD)) === 0) {
    const resource = { type: 'policy' as const, id: null, name: route };
    await record(ctx, { action: 'request.denied', resource, outcome: 'denied', status: 403, reason });
  }
  throw new AppError('second-factor-required', reason);
}
