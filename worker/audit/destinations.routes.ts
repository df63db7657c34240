import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  destination,
  destinationCreate,
  destinationCreated,
  destinationList,
  destinationTested,
  destinationUpdate,
  health,
  healthQuery,
  replayStart,
  setAsideChoice,
  setAsideDismissed,
  setAsideList,
  setAsideQuery,
  setAsideRetried,
  siemSummary,
} from '@gatehouse/core/api/audit.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import * as destinations from './destinations.ts';
import * as replays from './replays.ts';
import * as aside from './set-aside.ts';

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

const rotate = createRoute({
  method: 'post',
  path: `${path}/{id}/rotate-secret`,
  summary: 'Make a new signing secret; the former one signs along for a day',
  tags,
  request: { params },
  responses: { 200: json(destinationCreated, 'The secret is shown this once'), ...problems },
});
const replayRange = createRoute({
  method: 'post',
  path: `${path}/{id}/replay`,
  summary: 'Send a part of the log once more',
  tags,
  request: { params, ...body(replayStart) },
  responses: { 202: json(destination, 'Begun; its progress is in `replay`'), ...problems },
});
const cancelReplay = createRoute({
  method: 'post',
  path: `${path}/{id}/replay/cancel`,
  summary: 'Stop sending a part of the log once more',
  tags,
  request: { params },
  responses: { 200: json(destination), ...problems },
});
const readHealth = createRoute({
  method: 'get',
  path: `${path}/{id}/health`,
  summary: 'What came of the requests of the last thirty days',
  tags,
  request: { params, query: healthQuery },
  responses: { 200: json(health), ...problems },
});
const listSetAside = createRoute({
  method: 'get',
  path: `${path}/{id}/set-aside`,
  summary: 'Events that the destination refused for good',
  tags,
  request: { params, query: setAsideQuery },
  responses: { 200: json(setAsideList), ...problems },
});
const retrySetAside = createRoute({
  method: 'post',
  path: `${path}/{id}/set-aside/retry`,
  summary: 'Send events that were set aside again',
  tags,
  request: { params, ...body(setAsideChoice) },
  responses: { 200: json(setAsideRetried, 'What became of each; it stops where the destination takes none'), ...problems },
});
const dismissSetAside = createRoute({
  method: 'post',
  path: `${path}/{id}/set-aside/dismiss`,
  summary: 'Give events up that were set aside',
  tags,
  request: { params, ...body(setAsideChoice) },
  responses: { 200: json(setAsideDismissed), ...problems },
});
const summary = createRoute({
  method: 'get',
  path: '/siem-summary',
  summary: 'How the destinations stand together',
  tags,
  responses: { 200: json(siemSummary), ...problems },
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
  .openapi(resume, async (c) => c.json(await destinations.resumeDestination(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(rotate, async (c) => c.json(await destinations.rotateSecret(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(replayRange, async (c) =>
    c.json(await replays.startReplay(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 202),
  )
  .openapi(cancelReplay, async (c) => c.json(await replays.cancelReplay(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(readHealth, async (c) =>
    c.json(await destinations.readHealth(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query').by), 200),
  )
  .openapi(listSetAside, async (c) =>
    c.json(await aside.listSetAside(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query')), 200),
  )
  .openapi(retrySetAside, async (c) =>
    c.json(await aside.retrySetAside(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200),
  )
  .openapi(dismissSetAside, async (c) =>
    c.json(await aside.dismissSetAside(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200),
  )
  .openapi(summary, async (c) => c.json(await destinations.readSummary(c.get('signedIn')), 200));
