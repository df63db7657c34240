import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/service-accounts.ts';
import { tokenCreate, tokenCreated } from '@gatehouse/core/api/tokens.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import * as accounts from './service-accounts.ts';

const params = z.object({ id: idSchema('serviceAccount') });
const done = { request: { params }, responses: { 204: noContent, ...problems } };

const tags = ['Service accounts'];
const list = createRoute({
  method: 'get',
  path: '/service-accounts',
  summary: 'Service accounts of the organisation',
  tags,
  request: { query: api.serviceAccountQuery },
  responses: { 200: json(api.serviceAccountList), ...problems },
});
const create = createRoute({
  method: 'post',
  path: '/service-accounts',
  summary: 'Make a service account',
  tags,
  request: body(api.serviceAccountCreate),
  responses: { 201: json(api.serviceAccount), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/service-accounts/{id}',
  summary: 'A service account',
  tags,
  request: { params },
  responses: { 200: json(api.serviceAccount), ...problems },
});
const update = createRoute({
  method: 'patch',
  path: '/service-accounts/{id}',
  summary: 'Change a service account',
  tags,
  request: { params, ...body(api.serviceAccountUpdate) },
  responses: { 200: json(api.serviceAccount), ...problems },
});
const suspend = createRoute({
  ...done,
  method: 'post',
  path: '/service-accounts/{id}/suspend',
  summary: 'Suspend a service account',
  tags,
});
const activate = createRoute({
  ...done,
  method: 'post',
  path: '/service-accounts/{id}/activate',
  summary: 'Reactivate a service account',
  tags,
});
const remove = createRoute({ ...done, method: 'delete', path: '/service-accounts/{id}', summary: 'Delete a service account', tags });
const createToken = createRoute({
  method: 'post',
  path: '/service-accounts/{id}/tokens',
  summary: 'Make a token for a service account; it is shown this once',
  tags,
  request: { params, ...body(tokenCreate) },
  responses: { 201: json(tokenCreated), ...problems },
});

export const serviceAccountRoutes = routes()
  .openapi(list, async (c) => c.json(await accounts.listServiceAccounts(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(create, async (c) => c.json(await accounts.createServiceAccount(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(read, async (c) => c.json(await accounts.readServiceAccount(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(update, async (c) =>
    c.json(await accounts.changeServiceAccount(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200),
  )
  .openapi(suspend, async (c) => {
    await accounts.suspendServiceAccount(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(activate, async (c) => {
    await accounts.activateServiceAccount(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(remove, async (c) => {
    await accounts.deleteServiceAccount(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(createToken, async (c) =>
    c.json(await accounts.createAccountToken(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 201),
  );
