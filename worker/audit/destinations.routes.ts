import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  destination,
  destinationCreate,
  destinationCreated,
  destinationList,
  destinationTested,
  destinationUpdate,
} from '@gatehouse/core/api/audit.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import * as destinations from './destinations.ts';

const path = '/siem-destinations';
const params = z.object({ id: idSchema('destination') });

const tags = ['SIEM destinations'];
const list = createRoute({
  method: 'get',
  path,
  summary: 'Destinations of the audit log',
  tags,
  responses: { 200: json(destinationList), ...problems },
});
const create = createRoute({
  method: 'post',
  path,
  summary: 'Add a destination',
  tags,
  request: body(destinationCreate),
  responses: { 201: json(destinationCreated, 'Added; a secret made here is shown this once'), ...problems },
});
const read = createRoute({
  method: 'get',
  path: `${path}/{id}`,
  summary: 'A destination and its lag',
  tags,
  request: { params },
  responses: { 200: json(destination), ...problems },
});
const update = createRoute({
  method: 'patch',
  path: `${path}/{id}`,
  summary: 'Change a destination',
  tags,
  request: { params, ...body(destinationUpdate) },
  responses: { 200: json(destination), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: `${path}/{id}`,
  summary: 'Remove a destination',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const test = createRoute({
  method: 'post',
  path: `${path}/{id}/test`,
  summary: 'Send a test event',
  tags,
  request: { params },
  responses: { 200: json(destinationTested, 'What the destination answered'), ...problems },
});
const pause = createRoute({
  method: 'post',
  path: `${path}/{id}/pause`,
  summary: 'Pause delivery',
  tags,
  request: { params },
  responses: { 200: json(destination), ...problems },
});
const resume = createRoute({
  method: 'post',
  path: `${path}/{id}/resume`,
  summary: 'Resume delivery',
  tags,
  request: { params },
  responses: { 200: json(destination), ...problems },
});

export const destinationRoutes = routes()
  .openapi(list, async (c) => c.json({ items: await destinations.listDestinations(c.get('signedIn')), nextCursor: null }, 200))
  .openapi(create, async (c) => c.json(await destinations.createDestination(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(read, async (c) => c.json(await destinations.readDestination(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(update, async (c) =>
    c.json(await destinations.updateDestination(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200),
  )
  .openapi(remove, async (c) => {
    await destinations.deleteDestination(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(test, async (c) => c.json(await destinations.testDestination(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(pause, async (c) => c.json(await destinations.pauseDestination(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(resume, async (c) => c.json(await destinations.resumeDestination(c.get('signedIn'), c.req.valid('param').id), 200));
