import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/recordings.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, etag, json, keysetPage, noContent, pageOf, problems, revisionOf, routes } from '../platform/route.ts';
import { putRecording, putSlice } from './recording-intake.ts';
import {
  changeRecordingSettings,
  deleteRecording,
  listRecordings,
  readRecording,
  readRecordingSettings,
  readSlice,
  searchRecordings,
  watchRecording,
} from './recordings.ts';
import { presentRecording } from './recordings.store.ts';
import { authenticateRunner } from './runners.ts';

const params = z.object({ id: idSchema('recording') });
const sliceParams = params.extend({
  n: z
    .string()
    .regex(/^\d{1,6}$/, 'must be the number of a slice')
    .transform(Number),
});

const tags = ['Recordings'];
const list = createRoute({
  method: 'get',
  path: '/recordings',
  summary: 'Recordings of terminals, the newest first',
  tags,
  request: { query: api.recordingQuery },
  responses: { 200: json(api.recordingList), ...problems },
});
const search = createRoute({
  method: 'get',
  path: '/recordings/search',
  summary: 'What terminals showed, in all recordings whose key the service manages',
  tags,
  request: { query: api.recordingSearchQuery },
  responses: { 200: json(api.recordingMatches), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/recordings/{id}',
  summary: 'A recording, without what it shows',
  tags,
  request: { params },
  responses: { 200: json(api.recording), ...problems },
});
const watch = createRoute({
  method: 'post',
  path: '/recordings/{id}/watch',
  summary: 'Say that you watch or download it; then its slices can be read',
  tags,
  request: { params, ...body(api.recordingWatch) },
  responses: { 200: json(api.recording), ...problems },
});
const slice = createRoute({
  method: 'get',
  path: '/recordings/{id}/slices',
  summary: 'One slice of a recording that you watch',
  tags,
  request: { params, query: sliceParams.pick({ n: true }) },
  responses: { 200: json(api.recordingSlice), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/recordings/{id}',
  summary: 'Delete a recording',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const readSettings = createRoute({
  method: 'get',
  path: '/recording-settings',
  summary: 'The recording key, and how long recordings are kept',
  tags,
  responses: { 200: json(api.recordingSettings), ...problems },
});
const putSettings = createRoute({
  method: 'put',
  path: '/recording-settings',
  summary: 'Choose the recording key, and how long recordings are kept',
  tags,
  request: { headers: z.object({ 'if-match': z.string().optional() }), ...body(api.recordingSettingsPut) },
  responses: { 200: json(api.recordingSettings), ...problems },
});
const intake = createRoute({
  method: 'put',
  path: '/runner/recordings/{id}',
  summary: 'A runner records, or has recorded',
  tags,
  security: [{ token: [] }],
  request: { params, ...body(api.recordingPut) },
  responses: { 204: noContent, ...problems },
});
const intakeSlice = createRoute({
  method: 'put',
  path: '/runner/recordings/{id}/slices/{n}',
  summary: 'The next slice of a recording',
  tags,
  security: [{ token: [] }],
  request: { params: sliceParams, ...body(api.slicePut) },
  responses: { 204: noContent, ...problems },
});

export const recordingRoutes = routes()
  .openapi(list, async (c) => {
    const query = c.req.valid('query');
    const page = keysetPage(query);
    const rows = await listRecordings(c.get('signedIn'), query, page);
    return c.json(
      pageOf(rows, page.limit, presentRecording, (row) => [row.id]),
      200,
    );
  })
  .openapi(search, async (c) => c.json(await searchRecordings(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(read, async (c) => c.json(presentRecording(await readRecording(c.get('signedIn'), c.req.valid('param').id)), 200))
  .openapi(watch, async (c) => {
    const recording = await watchRecording(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json').purpose);
    return c.json(presentRecording(recording), 200);
  })
  .openapi(slice, async (c) => c.json(await readSlice(c.get('signedIn'), { ...c.req.valid('param'), ...c.req.valid('query') }), 200))
  .openapi(remove, async (c) => {
    await deleteRecording(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(readSettings, async (c) => {
    const { shown, revision } = await readRecordingSettings(c.get('signedIn'));
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(putSettings, async (c) => {
    const seen = revisionOf(c.req.valid('header')['if-match']);
    const { shown, revision } = await changeRecordingSettings(c.get('signedIn'), seen, c.req.valid('json'));
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(intake, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    await putRecording(ctx, c.req.valid('param').id, c.req.valid('json'));
    return c.body(null, 204);
  })
  .openapi(intakeSlice, async (c) => {
    const ctx = await authenticateRunner(c.get('services'), c.get('request'), c.req.header('Authorization'));
    await putSlice(ctx, c.req.valid('param'), c.req.valid('json'));
    return c.body(null, 204);
  });
