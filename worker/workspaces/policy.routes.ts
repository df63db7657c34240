import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { deploymentSecurity } from '@gatehouse/core/api/deployment.ts';
import { policyPut, policyShown } from '@gatehouse/core/api/policy.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { changeTenantPolicy, readTenantPolicy } from '../access/policy.ts';
import { body, etag, json, problems, revisionOf, routes } from '../platform/route.ts';
import { changeTemplatePolicy, readSecurity, readTemplatePolicy } from './template-policy.ts';

const params = z.object({ id: idSchema('template') });
const headers = z.object({ 'if-match': z.string().optional() });

const tags = ['Policy'];
const getSecurity = createRoute({
  method: 'get',
  path: '/deployment/security',
  summary: 'The controls in force, where each is set, and whether it is enforced',
  tags,
  responses: { 200: json(deploymentSecurity), ...problems },
});
const getTenant = createRoute({
  method: 'get',
  path: '/tenant/policy',
  summary: 'The policy of the organisation, each field with its source',
  tags,
  responses: { 200: json(policyShown), ...problems },
});
const putTenant = createRoute({
  method: 'put',
  path: '/tenant/policy',
  summary: 'Replace what the organisation sets',
  tags,
  request: { headers, ...body(policyPut) },
  responses: { 200: json(policyShown), ...problems },
});
const getTemplate = createRoute({
  method: 'get',
  path: '/templates/{id}/policy',
  summary: 'The policy of a template, each field with its source',
  tags,
  request: { params },
  responses: { 200: json(policyShown), ...problems },
});
const putTemplate = createRoute({
  method: 'put',
  path: '/templates/{id}/policy',
  summary: 'Replace what a template sets; it can only be stricter',
  tags,
  request: { params, headers, ...body(policyPut) },
  responses: { 200: json(policyShown), ...problems },
});

export const policyRoutes = routes()
  .openapi(getSecurity, async (c) => c.json(await readSecurity(c.get('signedIn')), 200))
  .openapi(getTenant, async (c) => {
    const { shown, revision } = await readTenantPolicy(c.get('signedIn'));
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(putTenant, async (c) => {
    await changeTenantPolicy(c.get('signedIn'), revisionOf(c.req.valid('header')['if-match']), c.req.valid('json').values);
    const { shown, revision } = await readTenantPolicy(c.get('signedIn'));
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(getTemplate, async (c) => {
    const { shown, revision } = await readTemplatePolicy(c.get('signedIn'), c.req.valid('param').id);
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  })
  .openapi(putTemplate, async (c) => {
    const { id } = c.req.valid('param');
    await changeTemplatePolicy(c.get('signedIn'), id, revisionOf(c.req.valid('header')['if-match']), c.req.valid('json').values);
    const { shown, revision } = await readTemplatePolicy(c.get('signedIn'), id);
    c.header('ETag', etag(revision));
    return c.json(shown, 200);
  });
