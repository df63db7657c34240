import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/templates.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, decodeCursor, etag, json, noContent, pageOf, problems, revisionOf, routes } from '../platform/route.ts';
import { changeTemplate, createTemplate, deleteTemplate, listTemplates, present, presentDetail, templateFor } from './templates.ts';

const params = z.object({ id: idSchema('template') });
const headers = z.object({ 'if-match': z.string().optional() });

const tags = ['Templates'];
const list = createRoute({
  method: 'get',
  path: '/templates',
  summary: 'Templates you may see',
  tags,
  request: { query: api.templateQuery },
  responses: { 200: json(api.templateList), ...problems },
});
const create = createRoute({
  method: 'post',
  path: '/templates',
  summary: 'Create a template with its first version',
  tags,
  request: body(api.templateCreate),
  responses: { 201: json(api.templateDetail), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/templates/{id}',
  summary: 'A template with its current version',
  tags,
  request: { params },
  responses: { 200: json(api.templateDetail), ...problems },
});
const update = createRoute({
  method: 'patch',
  path: '/templates/{id}',
  summary: 'Change description or icon',
  tags,
  request: { params, headers, ...body(api.templateUpdate) },
  responses: { 200: json(api.templateDetail), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/templates/{id}',
  summary: 'Delete a template',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const cursorKeys = z.tuple([z.string()]);

export const templateRoutes = routes()
  .openapi(list, async (c) => {
    const { limit, cursor, q, may } = c.req.valid('query');
    const ctx = c.get('signedIn');
    const after = cursor === undefined ? null : decodeCursor(cursor, cursorKeys)[0];
    const rows = await listTemplates(ctx, { limit, after, q, may });
    return c.json(
      pageOf(
        rows,
        limit,
        (row) => present(ctx, row),
        (row) => [row.name],
      ),
      200,
    );
  })
  .openapi(create, async (c) => {
    const row = await createTemplate(c.get('signedIn'), c.req.valid('json'));
    c.header('ETag', etag(row.revision));
    return c.json(presentDetail(c.get('signedIn'), row), 201);
  })
  .openapi(read, async (c) => {
    const row = await templateFor(c.get('signedIn'), c.req.valid('param').id, 'view', 'template.read');
    c.header('ETag', etag(row.revision));
    return c.json(presentDetail(c.get('signedIn'), row), 200);
  })
  .openapi(update, async (c) => {
    const row = await changeTemplate(
      c.get('signedIn'),
      c.req.valid('param').id,
      revisionOf(c.req.valid('header')['if-match']),
      c.req.valid('json'),
    );
    c.header('ETag', etag(row.revision));
    return c.json(presentDetail(c.get('signedIn'), row), 200);
  })
  .openapi(remove, async (c) => {
    await deleteTemplate(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  });
