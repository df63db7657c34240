import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/workspace-health.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, problems, routes } from '../platform/route.ts';
import { postponeStop, readHealth, readRunnerUsage } from './stopping.ts';

const health = createRoute({
  method: 'get',
  path: '/workspace-health',
  summary: 'What workspaces use, and when they stop by themselves',
  tags: ['Workspaces'],
  request: { query: api.healthQuery },
  responses: { 200: json(api.workspaceHealthList), ...problems },
});
const postpone = createRoute({
  method: 'post',
  path: '/workspaces/{id}/postpone',
  summary: 'Keep a workspace running that would stop by itself',
  tags: ['Workspaces'],
  request: { params: z.object({ id: idSchema('workspace') }), ...body(api.workspacePostpone) },
  responses: { 200: json(api.workspaceHealth), ...problems },
});
const onRunner = createRoute({
  method: 'get',
  path: '/runners/{id}/usage',
  summary: 'What runs on a runner, and what each workspace uses',
  tags: ['Runners'],
  request: { params: z.object({ id: idSchema('runner') }) },
  responses: { 200: json(api.runnerUsage), ...problems },
});

export const stoppingRoutes = routes()
  .openapi(health, async (c) => c.json({ items: await readHealth(c.get('signedIn'), c.req.valid('query').ids) }, 200))
  .openapi(postpone, async (c) => c.json(await postponeStop(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200))
  .openapi(onRunner, async (c) => c.json(await readRunnerUsage(c.get('signedIn'), c.req.valid('param').id), 200));
