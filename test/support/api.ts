import { auditRoutes } from '../../worker/audit/events.routes.ts';
import { proofRoutes } from '../../worker/audit/proof.routes.ts';
import { destinationRoutes } from '../../worker/audit/destinations.routes.ts';
import type { UserContext } from '../../worker/platform/context.ts';
import { answerProblem } from '../../worker/platform/problem.ts';
import { groupRoutes } from '../../worker/directory/groups.routes.ts';
import { routes } from '../../worker/platform/route.ts';

/** Routes of the audit capability, and of groups as something that is changed, asked by somebody who has signed in; `askAgain`: what they are told later. */
export function appFor(ctx: UserContext, askAgain: () => Promise<UserContext> = async () => ctx) {
  const app = routes();
  app.use('*', async (c, next) => {
    c.set('services', ctx);
    c.set('signedIn', ctx);
    c.set('askAgain', askAgain);
    await next();
  });
  app.onError((error, c) => answerProblem(c, error, 'req_test'));
  for (const each of [auditRoutes, proofRoutes, destinationRoutes, groupRoutes]) app.route('/api/v1', each);
  return app;
}

/** The audit capability's routes for somebody who has signed in; how people sign in is another capability's test. */
export function auditApi(ctx: UserContext) {
  const app = appFor(ctx, async () => ctx);
  return async (method: string, path: string, body?: unknown) => {
    const response = await app.request(`https://gatehouse.test/api/v1${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
    });
    const text = await response.text();
    // Answers are checked field by field by the tests that read them.
    return { status: response.status, link: response.headers.get('Link'), body: (text === '' ? null : JSON.parse(text)) as Answer };
  };
}

/** The same for answers that are not JSON, or not yet over. */
export const auditFetch =
  (ctx: UserContext, askAgain: () => Promise<UserContext> = async () => ctx) =>
  async (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    appFor(ctx, askAgain).request(`https://gatehouse.test/api/v1${path}`, { headers });

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a test reads whatever it expects
type Answer = any;
