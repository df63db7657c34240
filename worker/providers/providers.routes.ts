import { createRoute, z } from '@hono/zod-openapi';
import * as api from '@gatehouse/core/api/identity-providers.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, etag, json, noContent, problems, revisionOf, routes } from '../platform/route.ts';
import * as providers from './providers.ts';
import { deleteProvider, previewRemoval } from './removal.ts';

const params = z.object({ id: idSchema('identityProvider') });
const tags = ['Identity providers'];

const list = createRoute({
  ...{ method: 'get', path: '/identity-providers', summary: 'Identity providers, and how their connections stand', tags },
  responses: { 200: json(api.identityProviderList), ...problems },
});
const create = createRoute({
  ...{ method: 'post', path: '/identity-providers', summary: 'Begin to set up an identity provider', tags },
  request: body(api.providerCreate),
  responses: { 201: json(api.identityProvider), ...problems },
});
const read = createRoute({
  ...{ method: 'get', path: '/identity-providers/{id}', summary: 'An identity provider; its ETag guards changes', tags },
  request: { params },
  responses: { 200: json(api.identityProvider), ...problems },
});
const update = createRoute({
  ...{ method: 'patch', path: '/identity-providers/{id}', summary: 'Rename an identity provider', tags },
  request: { params, ...body(api.providerUpdate) },
  responses: { 200: json(api.identityProvider), ...problems },
});
const removal = createRoute({
  ...{ method: 'get', path: '/identity-providers/{id}/removal', summary: 'Who loses what when an identity provider is removed', tags },
  request: { params },
  responses: { 200: json(api.providerRemovalPreview), ...problems },
});
const remove = createRoute({
  ...{ method: 'delete', path: '/identity-providers/{id}', summary: 'Remove an identity provider; what it gave ends, or stays', tags },
  request: { params, query: api.providerRemoval },
  responses: { 204: noContent, ...problems },
});

export const providerRoutes = routes()
  .openapi(list, async (c) => c.json(await providers.listProviders(c.get('signedIn')), 200))
  .openapi(create, async (c) => {
    const { provider, revision } = await providers.createProvider(c.get('signedIn'), c.req.valid('json'));
    return c.json(provider, 201, { ETag: etag(revision) });
  })
  .openapi(read, async (c) => {
    const { provider, revision } = await providers.readProvider(c.get('signedIn'), c.req.valid('param').id);
    return c.json(provider, 200, { ETag: etag(revision) });
  })
  .openapi(update, async (c) => {
    const expected = revisionOf(c.req.header('If-Match'));
    const { provider, revision } = await providers.changeProvider(
      c.get('signedIn'),
      c.req.valid('param').id,
      expected,
      c.req.valid('json'),
    );
    return c.json(provider, 200, { ETag: etag(revision) });
  })
  .openapi(removal, async (c) => c.json(await previewRemoval(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(remove, async (c) => {
    await deleteProvider(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query'));
    return c.body(null, 204);
  });
