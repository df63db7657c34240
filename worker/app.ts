import type { MiddlewareHandler } from 'hono';
import { AppError } from '@gatehouse/core/errors.ts';
import { auditRoutes } from './audit/events.routes.ts';
import { destinationRoutes } from './audit/destinations.routes.ts';
import { authenticate } from './identity/authenticate.ts';
import { accountRoutes } from './identity/account.routes.ts';
import { signInRoutes } from './identity/sign-in.routes.ts';
import { directoryRoutes } from './directory/directory.routes.ts';
import { operatorRoutes } from './directory/operator.routes.ts';
import { begin, boundedBody, sameOrigin } from './middleware.ts';
import { deploymentRoutes } from './platform/deployment.routes.ts';
import { answerProblem, problemOf } from './platform/problem.ts';
import { routes, type HonoEnv } from './platform/route.ts';
import { runnerRoutes } from './workspaces/runners.routes.ts';
import { templateRoutes } from './workspaces/templates.routes.ts';
import { workspaceRoutes } from './workspaces/workspaces.routes.ts';

/**
 * Routes that open without a session, because they make one or prove themselves otherwise (a code, a
 * runner's or the operator's token). Every other route is closed until somebody has signed in.
 */
export const OPEN_ROUTES: ReadonlySet<string> = new Set([
  'GET /api/v1/health',
  'GET /api/v1/openapi.json',
  'POST /api/v1/signup',
  'POST /api/v1/login',
  'POST /api/v1/verify-email',
  'POST /api/v1/invitations/preview',
  'POST /api/v1/invitations/accept',
  'POST /api/v1/runner/enroll',
  'GET /api/v1/runner/control',
  'GET /api/v1/runner/workspaces/:id/link',
  'GET /api/v1/workspaces/:id/connect',
  'GET /api/v1/operator/tenants',
  'POST /api/v1/operator/tenants/:id/suspend',
  'POST /api/v1/operator/tenants/:id/activate',
  'GET /api/v1/local/mails',
]);

const patterns = [...OPEN_ROUTES].map((route) => {
  const [method, path] = route.split(' ') as [string, string];
  return { method, path: new RegExp(`^${path.replaceAll('.', '\\.').replace(/:[a-z]+/g, '[^/]+')}$`) };
});
const isOpen = (method: string, path: string) => patterns.some((pattern) => pattern.method === method && pattern.path.test(path));

const session: MiddlewareHandler<HonoEnv> = async (c, next) => {
  if (!isOpen(c.req.method, c.req.path)) c.set('signedIn', await authenticate(c.get('services'), c.get('request'), c.req.header('Cookie')));
  await next();
};

const base = routes();
base.use('*', begin, sameOrigin, boundedBody, session);
base.onError((error, c) => {
  const { id, route } = c.get('request');
  if (problemOf(error, id).status >= 500)
    c.get('services').log('error', 'request failed', { requestId: id, route, error: error.stack ?? String(error) });
  return answerProblem(c, error, id);
});
base.notFound((c) => answerProblem(c, new AppError('not-found', 'There is no such address in the API'), c.get('request').id));

/** One chain, so that the typed client knows every route. */
export const app = base
  .basePath('/api/v1')
  .route('/', deploymentRoutes)
  .route('/', signInRoutes)
  .route('/', accountRoutes)
  .route('/', directoryRoutes)
  .route('/', operatorRoutes)
  .route('/', templateRoutes)
  .route('/', runnerRoutes)
  .route('/', workspaceRoutes)
  .route('/', auditRoutes)
  .route('/', destinationRoutes);

export type AppType = typeof app;
