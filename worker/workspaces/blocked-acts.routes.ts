import { createRoute } from '@hono/zod-openapi';
import { blockedActs } from '@gatehouse/core/api/blocked-acts.ts';
import { body, noContent, problems, routes } from '../platform/route.ts';
import { recordBlockedActs } from './blocked-acts.ts';

const tell = createRoute({
  method: 'post',
  path: '/me/blocked-acts',
  summary: 'Tell what a page of the IDE kept you from doing, because the policy says so',
  tags: ['Account'],
  request: body(blockedActs),
  responses: { 204: noContent, ...problems },
});

export const blockedActRoutes = routes().openapi(tell, async (c) => {
  await recordBlockedActs(c.get('signedIn'), c.req.valid('json'));
  return c.body(null, 204);
});
