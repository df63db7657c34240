import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { appLabelParam, appOpened } from '@gatehouse/core/api/apps.ts';
import { STREAM_KEY_HEADER } from '@gatehouse/core/protocol/tunnel.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { json, problems, requireUpgrade, routes, socket } from '../platform/route.ts';
import { openApp } from './apps.ts';
import { linkFactsFor } from './connections.ts';
import { authenticateRunner } from './runners.ts';

const workspaceParams = z.object({ id: idSchema('workspace') });
const open = createRoute({
  method: 'post',
  path: '/workspaces/{id}/apps/{app}/open',
  summary: 'Get a one-time address of a web app or port',
  tags: ['Workspaces'],
  request: { params: workspaceParams.extend({ app: appLabelParam }) },
  responses: { 200: json(appOpened), ...problems },
});
const tunnel = createRoute({
  method: 'get',
  path: '/runner/workspaces/{id}/apps',
  summary: 'The runner’s tunnel for a workspace’s web apps',
  tags: ['Runners'],
  request: { params: workspaceParams },
  responses: socket,
});
const stream = createRoute({
  method: 'get',
  path: '/runner/workspaces/{id}/apps/{stream}',
  summary: 'The runner’s end of one WebSocket of a web app',
  tags: ['Runners'],
  request: { params: workspaceParams.extend({ stream: z.coerce.number<number | string>().int().min(1) }) },
  responses: socket,
});

export const appRoutes = routes()
  .openapi(open, async (c) => {
    const { id, app } = c.req.valid('param');
    return c.json(await openApp(c.get('signedIn'), id, app, c.req.header('Sec-Fetch-Site')), 200);
  })
  .openapi(tunnel, async (c) => {
    // The token first: a runner whose socket was refused asks again without the upgrade to learn why.
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    requireUpgrade(c.req.raw);
    const { id } = c.req.valid('param');
    const { version: _version, ...facts } = await linkFactsFor(ctx, id, null);
    return ctx.workspaces.connectWorkspace(ctx.db.shard, id, { ...facts, kind: 'tunnel' });
  })
  .openapi(stream, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    requireUpgrade(c.req.raw);
    const { id, stream: number } = c.req.valid('param');
    await linkFactsFor(ctx, id, null);
    const key = c.req.header(STREAM_KEY_HEADER) ?? '';
    return ctx.workspaces.connectWorkspace(ctx.db.shard, id, { kind: 'stream', stream: number, key });
  });
