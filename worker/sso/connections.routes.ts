import { createRoute, z } from '@hono/zod-openapi';
import * as api from '@gatehouse/core/api/sso.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, etag, json, noContent, problems, revisionOf, routes } from '../platform/route.ts';
import * as connections from './connections.ts';
import { discoverProvider } from './discovery.ts';

const params = z.object({ id: idSchema('identityProvider') });
const tags = ['Identity providers'];
const path = '/identity-providers/{id}/oidc';

const read = createRoute({
  ...{ method: 'get', path, summary: 'How people sign in through a provider; its ETag guards changes', tags },
  request: { params },
  responses: { 200: json(api.connection), ...problems },
});
const put = createRoute({
  ...{ method: 'put', path, summary: 'Set up how people sign in through a provider', tags },
  request: { params, ...body(api.oidcSet) },
  responses: { 200: json(api.connection), ...problems },
});
const state = createRoute({
  ...{ method: 'post', path: `${path}/state`, summary: 'Switch the sign-in through a provider on or off', tags },
  request: { params, ...body(api.connectionState) },
  responses: { 200: json(api.connection), ...problems },
});
const discover = createRoute({
  ...{ method: 'post', path: `${path}/discover`, summary: 'Ask a provider what it is, and whether all fits', tags },
  request: { params },
  responses: { 200: json(api.discovery), ...problems },
});
const remove = createRoute({
  ...{ method: 'delete', path, summary: 'Forget how people sign in through a provider, with its secret', tags },
  request: { params },
  responses: { 204: noContent, ...problems },
});

export const connectionRoutes = routes()
  .openapi(read, async (c) => {
    const { connection, revision } = await connections.readConnection(c.get('signedIn'), c.req.valid('param').id);
    return c.json(connection, 200, { ETag: etag(revision) });
  })
  .openapi(put, async (c) => {
    const expected = revisionOf(c.req.header('If-Match'));
    const { id } = c.req.valid('param');
    const { connection, revision } = await connections.setUpConnection(c.get('signedIn'), id, expected, c.req.valid('json'));
    return c.json(connection, 200, { ETag: etag(revision) });
  })
  .openapi(state, async (c) => {
    const expected = revisionOf(c.req.header('If-Match'));
    const { id } = c.req.valid('param');
    const { connection, revision } = await connections.switchConnection(c.get('signedIn'), id, expected, c.req.valid('json'));
    return c.json(connection, 200, { ETag: etag(revision) });
  })
  .openapi(discover, async (c) => c.json(await discoverProvider(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(remove, async (c) => {
    const expected = revisionOf(c.req.header('If-Match'));
    await connections.removeConnection(c.get('signedIn'), c.req.valid('param').id, expected);
    return c.body(null, 204);
  });
