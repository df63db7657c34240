import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/snapshots.ts';
import { workspace } from '@gatehouse/core/api/workspaces.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { chunkId } from '@gatehouse/core/protocol/snapshot.ts';
import { body, etag, json, noContent, problems, revisionOf, routes } from '../platform/route.ts';
import { authenticateRunner } from './runners.ts';
import * as intake from './snapshot-intake.ts';
import { changeSnapshotSettings, readSnapshotSettings, testSnapshotStore } from './snapshot-settings.ts';
import { askForSnapshot, deleteSnapshot, listSnapshots, moveWorkspace, restoreHome } from './snapshots.ts';
import { present } from './workspaces.ts';

const ofWorkspace = z.object({ id: idSchema('workspace') });
const oneOfWorkspace = ofWorkspace.extend({ snapshot: idSchema('snapshot') });
const params = z.object({ id: idSchema('snapshot') });
const chunkParams = params.extend({ chunk: chunkId });
const security = [{ token: [] }];
/** What is sealed is no JSON; the handler takes it from the request, bounded. */
const sealed = { 'application/octet-stream': { schema: z.string().openapi({ format: 'binary' }) } };
const sealedBody = { body: { required: true, content: sealed } };
const sealedAnswer = { description: 'Sealed bytes', content: sealed };

const tags = ['Snapshots'];
const list = createRoute({
  method: 'get',
  path: '/workspaces/{id}/snapshots',
  summary: 'Snapshots of a workspace’s home, the newest first',
  tags,
  request: { params: ofWorkspace },
  responses: { 200: json(api.snapshotList), ...problems },
});
const ask = createRoute({
  method: 'post',
  path: '/workspaces/{id}/snapshots',
  summary: 'Ask for a snapshot now',
  tags,
  request: { params: ofWorkspace },
  responses: { 202: json(api.snapshot), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/workspaces/{id}/snapshots/{snapshot}',
  summary: 'Delete a snapshot',
  tags,
  request: { params: oneOfWorkspace },
  responses: { 204: noContent, ...problems },
});
const restore = createRoute({
  method: 'post',
  path: '/workspaces/{id}/restore-home',
  summary: 'Replace the home of a stopped workspace with a snapshot',
  tags,
  request: { params: ofWorkspace, ...body(api.workspaceRestore) },
  responses: { 202: json(workspace), ...problems },
});
const move = createRoute({
  method: 'post',
  path: '/workspaces/{id}/move',
  summary: 'Give a workspace to another runner, with the home of a snapshot',
  tags,
  request: { params: ofWorkspace, ...body(api.workspaceMove) },
  responses: { 202: json(workspace), ...problems },
});
const readSettings = createRoute({
  method: 'get',
  path: '/snapshot-settings',
  summary: 'Where snapshots go, and when they are made',
  tags,
  responses: { 200: json(api.snapshotSettings), ...problems },
});
const putSettings = createRoute({
  method: 'put',
  path: '/snapshot-settings',
  summary: 'Choose where snapshots go, and when they are made',
  tags,
  request: { headers: z.object({ 'if-match': z.string().optional() }), ...body(api.snapshotSettingsPut) },
  responses: { 200: json(api.snapshotSettings), ...problems },
});
const test = createRoute({
  method: 'post',
  path: '/snapshot-settings/test',
  summary: 'Store, read and remove an object where snapshots go',
  tags,
  responses: { 200: json(api.snapshotStoreTested), ...problems },
});
const begin = createRoute({
  method: 'put',
  path: '/runner/snapshots/{id}',
  summary: 'A runner begins a snapshot',
  tags,
  security,
  request: { params, ...body(api.snapshotBegin) },
  responses: { 204: noContent, ...problems },
});
const claim = createRoute({
  method: 'post',
  path: '/runner/snapshots/{id}/claim',
  summary: 'Which chunks of a snapshot are not stored yet',
  tags,
  security,
  request: { params, ...body(api.chunksClaimed) },
  responses: { 200: json(api.chunksMissing), ...problems },
});
const putChunk = createRoute({
  method: 'put',
  path: '/runner/snapshots/{id}/chunks/{chunk}',
  summary: 'A chunk of a snapshot, sealed',
  tags,
  security,
  request: { params: chunkParams, ...sealedBody },
  responses: { 204: noContent, ...problems },
});
const putManifest = createRoute({
  method: 'put',
  path: '/runner/snapshots/{id}/manifest',
  summary: 'The list of a snapshot’s chunks, sealed',
  tags,
  security,
  request: { params, ...sealedBody },
  responses: { 204: noContent, ...problems },
});
const end = createRoute({
  method: 'post',
  path: '/runner/snapshots/{id}/end',
  summary: 'What became of a snapshot',
  tags,
  security,
  request: { params, ...body(api.snapshotEnd) },
  responses: { 204: noContent, ...problems },
});
const readManifest = createRoute({
  method: 'get',
  path: '/runner/snapshots/{id}/manifest',
  summary: 'The list of chunks of a snapshot that is restored',
  tags,
  security,
  request: { params },
  responses: { 200: sealedAnswer, ...problems },
});
const readChunk = createRoute({
  method: 'get',
  path: '/runner/snapshots/{id}/chunks/{chunk}',
  summary: 'A chunk of a snapshot that is restored',
  tags,
  security,
  request: { params: chunkParams },
  responses: { 200: sealedAnswer, ...problems },
});

const bytes = { 'Content-Type': 'application/octet-stream' };

const forPeople = routes()
  .openapi(list, async (c) => c.json(await listSnapshots(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(ask, async (c) => c.json(await askForSnapshot(c.get('signedIn'), c.req.valid('param').id), 202))
  .openapi(remove, async (c) => {
    const { id, snapshot } = c.req.valid('param');
    await deleteSnapshot(c.get('signedIn'), id, snapshot);
    return c.body(null, 204);
  })
  .openapi(restore, async (c) => {
    const ctx = c.get('signedIn');
    return c.json(present(ctx, await restoreHome(ctx, c.req.valid('param').id, c.req.valid('json').snapshotId)), 202);
  })
  .openapi(move, async (c) => {
    const ctx = c.get('signedIn');
    return c.json(present(ctx, await moveWorkspace(ctx, c.req.valid('param').id, c.req.valid('json'))), 202);
  })
  .openapi(readSettings, async (c) => {
    const { shown, revision } = await readSnapshotSettings(c.get('signedIn'));
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(putSettings, async (c) => {
    const seen = revisionOf(c.req.valid('header')['if-match']);
    const { shown, revision } = await changeSnapshotSettings(c.get('signedIn'), seen, c.req.valid('json'));
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(test, async (c) => c.json(await testSnapshotStore(c.get('signedIn')), 200));

export const snapshotRoutes = forPeople
  .openapi(begin, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    await intake.beginSnapshot(ctx, c.req.valid('param').id, c.req.valid('json'));
    return c.body(null, 204);
  })
  .openapi(claim, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    return c.json({ missing: await intake.claimChunks(ctx, c.req.valid('param').id, c.req.valid('json').chunks) }, 200);
  })
  .openapi(putChunk, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    await intake.putChunk(ctx, c.req.valid('param'), c.req.raw);
    return c.body(null, 204);
  })
  .openapi(putManifest, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    await intake.putManifest(ctx, c.req.valid('param').id, c.req.raw);
    return c.body(null, 204);
  })
  .openapi(end, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    await intake.endSnapshot(ctx, c.req.valid('param').id, c.req.valid('json'));
    return c.body(null, 204);
  })
  .openapi(readManifest, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    return c.body(await intake.readManifest(ctx, c.req.valid('param').id), 200, bytes);
  })
  .openapi(readChunk, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    return c.body(await intake.readChunk(ctx, c.req.valid('param')), 200, bytes);
  });
