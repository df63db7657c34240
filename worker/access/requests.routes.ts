import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/access.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, decodeCursor, json, noContent, pageOf, problems, routes } from '../platform/route.ts';
import { askForAccess, decideRequest, listRequests, present, readNotices, readRequest, seeDecisions, withdrawRequest } from './requests.ts';

const params = z.object({ id: idSchema('accessRequest') });
const answer = { 200: json(api.accessRequest), ...problems };

const tags = ['Access requests'];
const list = createRoute({
  method: 'get',
  path: '/access-requests',
  summary: 'Your requests, or those that you may decide',
  tags,
  request: { query: api.requestQuery },
  responses: { 200: json(api.requestList), ...problems },
});
const create = createRoute({
  method: 'post',
  path: '/access-requests',
  summary: 'Ask to use a template for some hours',
  tags,
  request: body(api.requestCreate),
  responses: { 201: json(api.accessRequest), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/access-requests/{id}',
  summary: 'A request',
  tags,
  request: { params },
  responses: answer,
});
const decision = createRoute({
  method: 'post',
  path: '/access-requests/{id}/decision',
  summary: 'Approve or deny a request',
  tags,
  request: { params, ...body(api.requestDecision) },
  responses: answer,
});
const withdraw = createRoute({
  method: 'post',
  path: '/access-requests/{id}/withdraw',
  summary: 'Take your request back',
  tags,
  request: { params },
  responses: answer,
});
const getNotices = createRoute({
  method: 'get',
  path: '/notices',
  summary: 'What waits for you',
  tags,
  responses: { 200: json(api.notices), ...problems },
});
const postSeen = createRoute({
  method: 'post',
  path: '/notices/seen',
  summary: 'You have seen what was decided on your requests',
  tags,
  responses: { 204: noContent, ...problems },
});

const cursorKeys = z.tuple([z.string()]);

export const requestRoutes = routes()
  .openapi(list, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const ctx = c.get('signedIn');
    const rows = await listRequests(ctx, filter, { limit, after: cursor === undefined ? null : decodeCursor(cursor, cursorKeys)[0] });
    return c.json(
      pageOf(
        rows,
        limit,
        (row) => present(ctx, row),
        (row) => [row.id],
      ),
      200,
    );
  })
  .openapi(create, async (c) => c.json(present(c.get('signedIn'), await askForAccess(c.get('signedIn'), c.req.valid('json'))), 201))
  .openapi(read, async (c) => c.json(present(c.get('signedIn'), await readRequest(c.get('signedIn'), c.req.valid('param').id)), 200))
  .openapi(decision, async (c) => {
    const row = await decideRequest(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json'));
    return c.json(present(c.get('signedIn'), row), 200);
  })
  .openapi(withdraw, async (c) =>
    c.json(present(c.get('signedIn'), await withdrawRequest(c.get('signedIn'), c.req.valid('param').id)), 200),
  )
  .openapi(getNotices, async (c) => c.json(await readNotices(c.get('signedIn')), 200))
  .openapi(postSeen, async (c) => {
    await seeDecisions(c.get('signedIn'));
    return c.body(null, 204);
  });
