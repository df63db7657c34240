import { createRoute, z } from '@hono/zod-openapi';
import * as api from '@gatehouse/core/api/scim.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import { listCalls } from './provisioning.ts';
import { createToken, listTokens, revokeToken } from './scim-tokens.ts';

const params = z.object({ id: idSchema('identityProvider') });
const tags = ['Identity providers'];
const path = '/identity-providers/{id}/scim-tokens';

const list = createRoute({
  ...{ method: 'get', path, summary: 'Provisioning tokens, and where SCIM is served', tags },
  request: { params },
  responses: { 200: json(api.scimTokenList), ...problems },
});
const create = createRoute({
  ...{ method: 'post', path, summary: 'Make a provisioning token; it is shown this once', tags },
  request: { params, ...body(api.scimTokenCreate) },
  responses: { 201: json(api.scimTokenCreated), ...problems },
});
const revoke = createRoute({
  ...{ method: 'delete', path: `${path}/{tokenId}`, summary: 'Revoke a provisioning token', tags },
  request: { params: params.extend({ tokenId: idSchema('scimToken') }) },
  responses: { 204: noContent, ...problems },
});
const calls = createRoute({
  ...{ method: 'get', path: '/identity-providers/{id}/provisioning', summary: 'Calls of the directory and what they changed', tags },
  request: { params, query: api.provisioningQuery },
  responses: { 200: json(api.provisioningList), ...problems },
});

export const scimRoutes = routes()
  .openapi(list, async (c) => c.json(await listTokens(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(create, async (c) => c.json(await createToken(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 201))
  .openapi(revoke, async (c) => {
    const { id, tokenId } = c.req.valid('param');
    await revokeToken(c.get('signedIn'), id, tokenId);
    return c.body(null, 204);
  })
  .openapi(calls, async (c) => c.json(await listCalls(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query')), 200));
