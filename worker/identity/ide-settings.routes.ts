import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { chosenIdeSettings } from '@gatehouse/core/api/ide-settings.ts';
import { body, etag, json, problems, revisionOf, routes } from '../platform/route.ts';
import { changeIdeSettings, readIdeSettingsOf } from './ide-settings.ts';

const tags = ['Account'];
const shown = json(chosenIdeSettings);
const get = createRoute({
  method: 'get',
  path: '/me/ide-settings',
  summary: 'What you chose for the IDE; what is left out is as Gatehouse made it',
  tags,
  responses: { 200: shown, ...problems },
});
const put = createRoute({
  method: 'put',
  path: '/me/ide-settings',
  summary: 'Replace what you chose for the IDE',
  tags,
  request: { headers: z.object({ 'if-match': z.string().optional() }), ...body(chosenIdeSettings) },
  responses: { 200: shown, ...problems },
});

export const ideSettingsRoutes = routes()
  .openapi(get, async (c) => {
    const { settings, revision } = await readIdeSettingsOf(c.get('signedIn'));
    c.header('ETag', etag(revision));
    return c.json(settings, 200);
  })
  .openapi(put, async (c) => {
    const seen = revisionOf(c.req.valid('header')['if-match']);
    const { settings, revision } = await changeIdeSettings(c.get('signedIn'), seen, c.req.valid('json'));
    c.header('ETag', etag(revision));
    return c.json(settings, 200);
  });
