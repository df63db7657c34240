import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { page } from '@gatehouse/core/api/common.ts';
import * as api from '@gatehouse/core/api/directory.ts';
import { sessionList } from '@gatehouse/core/api/identity.ts';
import { erasure, erasureOrder } from '@gatehouse/core/api/erasure.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { changeUser, listUsers } from '../directory/users.ts';
import { body, json, keysetPage, noContent, problems, routes } from '../platform/route.ts';
import { orderErasure, readErasure } from './erase.ts';
import { actOnUser, actOnUsers, endSessionOf, listSessionsOf, readUser } from './user-admin.ts';

const params = z.object({ id: idSchema('user') });
const one = { request: { params }, responses: { 204: noContent, ...problems } };

const tags = ['People'];
const getUsers = createRoute({
  method: 'get',
  path: '/users',
  summary: 'People of the organisation',
  tags,
  request: { query: api.userQuery },
  responses: { 200: json(api.userList), ...problems },
});
const getUser = createRoute({
  method: 'get',
  path: '/users/{id}',
  summary: 'A person, and what hangs on them',
  tags,
  request: { params },
  responses: { 200: json(api.userDetail), ...problems },
});
const patchUser = createRoute({
  method: 'patch',
  path: '/users/{id}',
  summary: 'Rename a person',
  tags,
  request: { params, ...body(api.userUpdate) },
  responses: { 200: json(api.user), ...problems },
});
const getSessions = createRoute({
  method: 'get',
  path: '/users/{id}/sessions',
  summary: 'Where a person is signed in',
  tags,
  request: { params, query: page },
  responses: { 200: json(sessionList), ...problems },
});
const endOne = createRoute({
  method: 'delete',
  path: '/user-sessions/{id}',
  summary: 'End one session, whosever it is',
  tags,
  request: { params: z.object({ id: idSchema('session') }) },
  responses: { 204: noContent, ...problems },
});
const suspend = createRoute({ ...one, method: 'post', path: '/users/{id}/suspend', summary: 'Suspend a person', tags });
const activate = createRoute({ ...one, method: 'post', path: '/users/{id}/activate', summary: 'Reactivate a suspended person', tags });
const signOut = createRoute({ ...one, method: 'post', path: '/users/{id}/sign-out', summary: 'End all sessions of a person', tags });
const remove = createRoute({ ...one, method: 'delete', path: '/users/{id}', summary: 'Delete a person; workspaces stay', tags });
const getErasure = createRoute({
  method: 'get',
  path: '/users/{id}/erasure',
  summary: 'How far the erasure of a deleted person is',
  tags,
  request: { params },
  responses: { 200: json(z.object({ erasure: erasure.nullable().describe('null: nobody ordered it') })), ...problems },
});
const postErasure = createRoute({
  method: 'post',
  path: '/users/{id}/erasure',
  summary: 'Erase all data of a deleted person from the audit log',
  description:
    'For owners, in a browser, freshly confirmed. Each event that the person made, that is about them or names them loses its contents; its ' +
    'number and its leaf stay, so proofs stay valid. It can’t be undone. What SIEMs have received is out of our hands.',
  tags,
  request: { params, ...body(erasureOrder) },
  responses: { 204: noContent, ...problems },
});
const bulk = createRoute({
  method: 'post',
  path: '/users/bulk',
  summary: 'Suspend, reactivate, delete or sign out many',
  tags,
  request: body(api.usersBulk),
  responses: { 200: json(api.bulkResult, 'What became of each'), ...problems },
});

export const userRoutes = routes()
  .openapi(getUsers, async (c) => c.json(await listUsers(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(bulk, async (c) => {
    const { action, ids } = c.req.valid('json');
    return c.json(await actOnUsers(c.get('signedIn'), action, ids), 200);
  })
  .openapi(getUser, async (c) => c.json(await readUser(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(patchUser, async (c) => c.json(await changeUser(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json').name), 200))
  .openapi(getSessions, async (c) =>
    c.json(await listSessionsOf(c.get('signedIn'), c.req.valid('param').id, keysetPage(c.req.valid('query'))), 200),
  )
  .openapi(endOne, async (c) => {
    await endSessionOf(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(suspend, async (c) => {
    await actOnUser(c.get('signedIn'), 'suspend', c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(activate, async (c) => {
    await actOnUser(c.get('signedIn'), 'activate', c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(signOut, async (c) => {
    await actOnUser(c.get('signedIn'), 'sign-out', c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(remove, async (c) => {
    await actOnUser(c.get('signedIn'), 'delete', c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(getErasure, async (c) => c.json({ erasure: await readErasure(c.get('signedIn'), c.req.valid('param').id) }, 200))
  .openapi(postErasure, async (c) => {
    await orderErasure(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json').reason);
    return c.body(null, 204);
  });
