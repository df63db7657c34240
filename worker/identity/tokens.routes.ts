import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { page } from '@gatehouse/core/api/common.ts';
import { bulkResult } from '@gatehouse/core/api/directory.ts';
import * as api from '@gatehouse/core/api/tokens.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import { createOwnToken, listOwnTokens, listTokens, readOwnToken, revokeAll, revokeToken } from './tokens.ts';

const params = z.object({ id: idSchema('token') });

const tags = ['API tokens'];
const getSelf = createRoute({
  method: 'get',
  path: '/token',
  summary: 'The token that asks, and what it may do now',
  tags,
  responses: { 200: json(api.tokenSelf), ...problems },
});
const getOwn = createRoute({
  method: 'get',
  path: '/me/tokens',
  summary: 'Your API tokens',
  tags,
  request: { query: page },
  responses: { 200: json(api.tokenList), ...problems },
});
const postOwn = createRoute({
  method: 'post',
  path: '/me/tokens',
  summary: 'Make a token for yourself; it is shown this once',
  tags,
  request: body(api.tokenCreate),
  responses: { 201: json(api.tokenCreated), ...problems },
});
const getAll = createRoute({
  method: 'get',
  path: '/tokens',
  summary: 'Everybody’s API tokens',
  tags,
  request: { query: api.tokenQuery },
  responses: { 200: json(api.tokenList), ...problems },
});
const postRevoke = createRoute({
  method: 'post',
  path: '/tokens/revoke',
  summary: 'Revoke many tokens',
  tags,
  request: body(api.tokensRevoke),
  responses: { 200: json(bulkResult, 'What became of each'), ...problems },
});
const deleteOne = createRoute({
  method: 'delete',
  path: '/tokens/{id}',
  summary: 'Revoke a token',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});

export const tokenRoutes = routes()
  .openapi(getSelf, (c) => c.json(readOwnToken(c.get('signedIn')), 200))
  .openapi(getOwn, async (c) => c.json(await listOwnTokens(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(postOwn, async (c) => c.json(await createOwnToken(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(getAll, async (c) => c.json(await listTokens(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(postRevoke, async (c) => c.json(await revokeAll(c.get('signedIn'), c.req.valid('json').ids), 200))
  .openapi(deleteOne, async (c) => {
    await revokeToken(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  });
