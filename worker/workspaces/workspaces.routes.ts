import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { workspaceAccess } from '@gatehouse/core/api/access.ts';
import { page } from '@gatehouse/core/api/common.ts';
import * as api from '@gatehouse/core/api/workspaces.ts';
import { workspaceUpdate, workspaceUpdateOffer } from '@gatehouse/core/api/workspace-updates.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, decodeCursor, json, keysetPage, pageOf, problems, requireUpgrade, routes, socket } from '../platform/route.ts';
import { attach } from './attach.ts';
import { redeemTicket } from './connections.ts';
import { deleteWorkspace, purgeWorkspace, restoreWorkspace } from './trash.ts';
import { transferWorkspace } from './workspace-transfer.ts';
import { renameWorkspace } from './workspace-name.ts';
import { listWorkspacesOf, offerUpdate, updateWorkspace } from './workspace-updates.ts';
import { createWorkspace, listWorkspaces, present, readLogs, readWorkspace, readWorkspaceAccess, wishFor } from './workspaces.ts';

const params = z.object({ id: idSchema('workspace') });
const flag = z.enum(['true', 'false']).default('false');
const listQuery = page.extend({ all: flag, trash: flag });
const logQuery = z.object({ from: z.coerce.number<number | string>().int().min(0).default(0) });

const tags = ['Workspaces'];
const list = createRoute({
  method: 'get',
  path: '/workspaces',
  summary: 'Your workspaces, or all that you may see; those in the trash apart',
  tags,
  request: { query: listQuery },
  responses: { 200: json(api.workspaceList), ...problems },
});
const create = createRoute({
  method: 'post',
  path: '/workspaces',
  summary: 'Create a workspace',
  tags,
  request: body(api.workspaceCreate),
  responses: { 201: json(api.workspace), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/workspaces/{id}',
  summary: 'A workspace and its state',
  tags,
  request: { params },
  responses: { 200: json(api.workspace), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/workspaces/{id}',
  summary: 'Stop a workspace and put it into the trash',
  tags,
  request: { params },
  responses: { 202: json(api.workspace), ...problems },
});
const start = createRoute({
  method: 'post',
  path: '/workspaces/{id}/start',
  summary: 'Start a workspace',
  tags,
  request: { params },
  responses: { 202: json(api.workspace), ...problems },
});
const stop = createRoute({
  method: 'post',
  path: '/workspaces/{id}/stop',
  summary: 'Stop a workspace',
  tags,
  request: { params },
  responses: { 202: json(api.workspace), ...problems },
});
const restart = createRoute({
  method: 'post',
  path: '/workspaces/{id}/restart',
  summary: 'Restart a workspace, or start one that failed',
  tags,
  request: { params },
  responses: { 202: json(api.workspace), ...problems },
});
const rename = createRoute({
  method: 'patch',
  path: '/workspaces/{id}',
  summary: 'Rename a workspace',
  tags,
  request: { params, ...body(api.workspaceRename) },
  responses: { 200: json(api.workspace), ...problems },
});
const transfer = createRoute({
  method: 'post',
  path: '/workspaces/{id}/transfer',
  summary: 'Give a stopped workspace to somebody else',
  tags,
  request: { params, ...body(api.workspaceTransfer) },
  responses: { 200: json(api.workspace), ...problems },
});
const restore = createRoute({
  method: 'post',
  path: '/workspaces/{id}/restore',
  summary: 'Take a workspace out of the trash',
  tags,
  request: { params, ...body(api.workspaceRestore) },
  responses: { 200: json(api.workspace), ...problems },
});
const purge = createRoute({
  method: 'post',
  path: '/workspaces/{id}/purge',
  summary: 'Delete a workspace in the trash for good',
  tags,
  request: { params },
  responses: { 202: json(api.workspace), ...problems },
});
const offer = createRoute({
  method: 'get',
  path: '/workspaces/{id}/update',
  summary: 'What another version of its template would change in a workspace',
  tags,
  request: { params, query: z.object({ version: idSchema('templateVersion').optional() }) },
  responses: { 200: json(workspaceUpdateOffer), ...problems },
});
const update = createRoute({
  method: 'post',
  path: '/workspaces/{id}/update',
  summary: 'Give a workspace another version of its template',
  tags,
  request: { params, ...body(workspaceUpdate) },
  responses: { 202: json(api.workspace), ...problems },
});
const ofTemplate = createRoute({
  method: 'get',
  path: '/templates/{id}/workspaces',
  summary: 'Workspaces that are made from a template',
  tags: ['Templates'],
  request: { params: z.object({ id: idSchema('template') }), query: page },
  responses: { 200: json(api.workspaceList), ...problems },
});
const logs = createRoute({
  method: 'get',
  path: '/workspaces/{id}/logs',
  summary: 'The build log, once or live',
  tags,
  request: { params, query: logQuery },
  responses: { 200: json(api.workspaceLogs), ...socket },
});
const attachTo = createRoute({
  method: 'post',
  path: '/workspaces/{id}/attach',
  summary: 'Get a ticket for a connection',
  tags,
  request: { params, ...body(api.attach) },
  responses: { 200: json(api.attachment), ...problems },
});
const access = createRoute({
  method: 'get',
  path: '/workspaces/{id}/access',
  summary: 'Why you can connect to a workspace or can’t, and whom to ask',
  tags,
  request: { params },
  responses: { 200: json(workspaceAccess), ...problems },
});
const connect = createRoute({
  method: 'get',
  path: '/workspaces/{id}/connect',
  summary: 'Connect to a workspace with a ticket',
  tags,
  request: { params },
  responses: socket,
});

const cursorKeys = z.tuple([z.string()]);

/** A socket is no fetch: browsers send cookies with it from any site, so the origin is checked by hand. */
function requireOwnOrigin(origin: string | undefined, own: string): void {
  if (origin !== own) throw new AppError('foreign-origin', 'A connection must come from Gatehouse’s own page');
}

export const workspaceRoutes = routes()
  .openapi(list, async (c) => {
    const { limit, cursor, all, trash } = c.req.valid('query');
    const ctx = c.get('signedIn');
    const after = cursor === undefined ? null : decodeCursor(cursor, cursorKeys)[0];
    const rows = await listWorkspaces(ctx, { limit, after, all: all === 'true', trashed: trash === 'true' });
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
  .openapi(create, async (c) => c.json(present(c.get('signedIn'), await createWorkspace(c.get('signedIn'), c.req.valid('json'))), 201))
  .openapi(read, async (c) => c.json(present(c.get('signedIn'), await readWorkspace(c.get('signedIn'), c.req.valid('param').id)), 200))
  .openapi(remove, async (c) => c.json(present(c.get('signedIn'), await deleteWorkspace(c.get('signedIn'), c.req.valid('param').id)), 202))
  .openapi(start, async (c) => c.json(present(c.get('signedIn'), await wishFor(c.get('signedIn'), c.req.valid('param').id, 'start')), 202))
  .openapi(stop, async (c) => c.json(present(c.get('signedIn'), await wishFor(c.get('signedIn'), c.req.valid('param').id, 'stop')), 202))
  .openapi(restart, async (c) =>
    c.json(present(c.get('signedIn'), await wishFor(c.get('signedIn'), c.req.valid('param').id, 'restart')), 202),
  )
  .openapi(transfer, async (c) => {
    const ctx = c.get('signedIn');
    return c.json(present(ctx, await transferWorkspace(ctx, c.req.valid('param').id, c.req.valid('json'))), 200);
  })
  .openapi(rename, async (c) => {
    const ctx = c.get('signedIn');
    return c.json(present(ctx, await renameWorkspace(ctx, c.req.valid('param').id, c.req.valid('json'))), 200);
  })
  .openapi(restore, async (c) => {
    const ctx = c.get('signedIn');
    return c.json(present(ctx, await restoreWorkspace(ctx, c.req.valid('param').id, c.req.valid('json'))), 200);
  })
  .openapi(purge, async (c) => c.json(present(c.get('signedIn'), await purgeWorkspace(c.get('signedIn'), c.req.valid('param').id)), 202))
  .openapi(offer, async (c) => c.json(await offerUpdate(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query').version), 200))
  .openapi(update, async (c) => {
    const ctx = c.get('signedIn');
    return c.json(present(ctx, await updateWorkspace(ctx, c.req.valid('param').id, c.req.valid('json'))), 202);
  })
  .openapi(ofTemplate, async (c) => {
    const ctx = c.get('signedIn');
    const asked = c.req.valid('query');
    const rows = await listWorkspacesOf(ctx, c.req.valid('param').id, keysetPage(asked));
    return c.json(
      pageOf(
        rows,
        asked.limit,
        (row) => present(ctx, row),
        (row) => [row.id],
      ),
      200,
    );
  })
  .openapi(logs, async (c) => {
    const ctx = c.get('signedIn');
    const { id } = c.req.valid('param');
    const { from } = c.req.valid('query');
    if (c.req.header('Upgrade') === undefined) return c.json(await readLogs(ctx, id, from), 200);
    requireOwnOrigin(c.req.header('Origin'), ctx.settings.ORIGIN);
    const workspace = await readWorkspace(ctx, id);
    return ctx.workspaces.connectRunner(ctx.db.shard, workspace.runner_id, {
      kind: 'watch',
      tenantId: ctx.db.tenantId,
      shard: ctx.db.shard,
      workspaceId: id,
      from,
    });
  })
  .openapi(attachTo, async (c) => {
    const { id } = c.req.valid('param');
    return c.json(await attach(c.get('signedIn'), id, c.req.valid('json').key, c.req.header('Sec-Fetch-Site')), 200);
  })
  .openapi(access, async (c) => c.json(await readWorkspaceAccess(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(connect, async (c) => {
    requireUpgrade(c.req.raw);
    const services = c.get('services');
    const offer = { protocols: c.req.header('Sec-WebSocket-Protocol'), origin: c.req.header('Origin') };
    const facts = await redeemTicket(services, c.get('request'), c.req.valid('param').id, offer);
    return services.workspaces.connectWorkspace(facts.shard, facts.workspaceId, facts);
  });
