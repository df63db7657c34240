import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/templates.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, etag, json, problems, revisionOf, routes } from '../platform/route.ts';
import { readAcl, replaceAcl } from './template-acl.ts';

const params = z.object({ id: idSchema('template') });
const headers = z.object({ 'if-match': z.string().optional() });

const tags = ['Access'];
const getAcl = createRoute({
  method: 'get',
  path: '/templates/{id}/acl',
  summary: 'Who may use a template',
  tags,
  request: { params },
  responses: { 200: json(api.aclShown), ...problems },
});
const putAcl = createRoute({
  method: 'put',
  path: '/templates/{id}/acl',
  summary: 'Replace who may use a template',
  tags,
  request: { params, headers, ...body(api.aclPut) },
  responses: { 200: json(api.aclShown), ...problems },
});

export const templateAclRoutes = routes()
  .openapi(getAcl, async (c) => {
    const { acl, revision } = await readAcl(c.get('signedIn'), c.req.valid('param').id);
    c.header('ETag', etag(revision));
    return c.json(acl, 200);
  })
  .openapi(putAcl, async (c) => {
    const { id } = c.req.valid('param');
    await replaceAcl(c.get('signedIn'), id, revisionOf(c.req.valid('header')['if-match']), c.req.valid('json'));
    const { acl, revision } = await readAcl(c.get('signedIn'), id);
    c.header('ETag', etag(revision));
    return c.json(acl, 200);
  });
