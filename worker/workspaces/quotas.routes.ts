import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/quotas.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, etag, json, problems, revisionOf, routes } from '../platform/route.ts';
import { changeQuota, listQuotas, previewQuota, readOwnQuota, readQuota, readUserQuota, TENANT_LEVEL } from './quotas.ts';

const userParams = z.object({ id: idSchema('user') });
const groupParams = z.object({ id: idSchema('group') });
const headers = z.object({ 'if-match': z.string().optional() });

const tags = ['Quotas'];
const list = createRoute({
  method: 'get',
  path: '/quotas',
  summary: 'Every quota of workspaces that is set',
  tags,
  responses: { 200: json(api.quotaList), ...problems },
});
const own = createRoute({
  method: 'get',
  path: '/me/quota',
  summary: 'How many workspaces you may have and run at once, and why',
  tags,
  responses: { 200: json(api.ownQuota), ...problems },
});
const preview = createRoute({
  method: 'post',
  path: '/quotas/preview',
  summary: 'Who would have more than a change of a quota allows',
  tags,
  request: body(api.quotaPreviewAsk),
  responses: { 200: json(api.quotaPreview), ...problems },
});
const getTenant = createRoute({
  method: 'get',
  path: '/tenant/quota',
  summary: 'How many workspaces everybody may have, where nothing else is said',
  tags,
  responses: { 200: json(api.quotaShown), ...problems },
});
const putTenant = createRoute({
  method: 'put',
  path: '/tenant/quota',
  summary: 'Replace the quota of everybody',
  tags,
  request: { headers, ...body(api.quotaValues) },
  responses: { 200: json(api.quotaShown), ...problems },
});
const getGroup = createRoute({
  method: 'get',
  path: '/groups/{id}/quota',
  summary: 'How many workspaces a group gives to each person in it',
  tags,
  request: { params: groupParams },
  responses: { 200: json(api.quotaShown), ...problems },
});
const putGroup = createRoute({
  method: 'put',
  path: '/groups/{id}/quota',
  summary: 'Replace the quota of a group',
  tags,
  request: { params: groupParams, headers, ...body(api.quotaValues) },
  responses: { 200: json(api.quotaShown), ...problems },
});
const getUser = createRoute({
  method: 'get',
  path: '/users/{id}/quota',
  summary: 'How many workspaces a person may have, what they use, and why',
  tags,
  request: { params: userParams },
  responses: { 200: json(api.userQuota), ...problems },
});
const putUser = createRoute({
  method: 'put',
  path: '/users/{id}/quota',
  summary: 'Replace the quota of a person',
  tags,
  request: { params: userParams, headers, ...body(api.quotaValues) },
  responses: { 200: json(api.quotaShown), ...problems },
});

export const quotaRoutes = routes()
  .openapi(list, async (c) => c.json(await listQuotas(c.get('signedIn')), 200))
  .openapi(own, async (c) => c.json(await readOwnQuota(c.get('signedIn')), 200))
  .openapi(preview, async (c) => {
    const { subject, values } = c.req.valid('json');
    return c.json(await previewQuota(c.get('signedIn'), subject.type === 'tenant' ? TENANT_LEVEL : subject, values), 200);
  })
  .openapi(getTenant, async (c) => {
    const { shown, revision } = await readQuota(c.get('signedIn'), TENANT_LEVEL);
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(putTenant, async (c) => {
    const ctx = c.get('signedIn');
    await changeQuota(ctx, TENANT_LEVEL, revisionOf(c.req.valid('header')['if-match']), c.req.valid('json'));
    const { shown, revision } = await readQuota(ctx, TENANT_LEVEL);
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(getGroup, async (c) => {
    const { shown, revision } = await readQuota(c.get('signedIn'), { type: 'group', id: c.req.valid('param').id });
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(putGroup, async (c) => {
    const ctx = c.get('signedIn');
    const level = { type: 'group', id: c.req.valid('param').id } as const;
    await changeQuota(ctx, level, revisionOf(c.req.valid('header')['if-match']), c.req.valid('json'));
    const { shown, revision } = await readQuota(ctx, level);
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(getUser, async (c) => {
    const { shown, revision } = await readUserQuota(c.get('signedIn'), c.req.valid('param').id);
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(putUser, async (c) => {
    const ctx = c.get('signedIn');
    const level = { type: 'user', id: c.req.valid('param').id } as const;
    await changeQuota(ctx, level, revisionOf(c.req.valid('header')['if-match']), c.req.valid('json'));
    const { shown, revision } = await readQuota(ctx, level);
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  });
