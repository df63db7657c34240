import { createRoute } from '@hono/zod-openapi';
import type { Context as HonoContext } from 'hono';
import { z } from 'zod';
import { page } from '@gatehouse/core/api/common.ts';
import { operatorRebuild, operatorRekeyed, operatorSuspend, operatorTenant, operatorTenantList } from '@gatehouse/core/api/deployment.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { rotateKeys } from './operator-keys.ts';
import { body, json, keysetPage, problems, routes, type HonoEnv } from '../platform/route.ts';
import { activateTenant, authenticateOperator, listTenants, rebuildLedger, suspendTenant, type OperatorContext } from './operator.ts';

const params = z.object({ id: idSchema('tenant') });

const tags = ['Operator'];
const getTenants = createRoute({
  method: 'get',
  path: '/operator/tenants',
  summary: 'Organisations of the deployment',
  tags,
  request: { query: page },
  responses: { 200: json(operatorTenantList), ...problems },
});
const postSuspend = createRoute({
  method: 'post',
  path: '/operator/tenants/{id}/suspend',
  summary: 'Suspend an organisation',
  tags,
  request: { params, ...body(operatorSuspend) },
  responses: { 200: json(operatorTenant), ...problems },
});
const postActivate = createRoute({
  method: 'post',
  path: '/operator/tenants/{id}/activate',
  summary: 'Activate a suspended organisation',
  tags,
  request: { params },
  responses: { 200: json(operatorTenant), ...problems },
});

const postRebuild = createRoute({
  method: 'post',
  path: '/operator/tenants/{id}/ledger/rebuild',
  summary: 'Make an organisation’s audit ledger anew from the archive',
  tags,
  description: 'Asked again while it goes on, it says how far that is.',
  request: { params },
  responses: { 202: json(operatorRebuild), ...problems },
});

const postRekey = createRoute({
  method: 'post',
  path: '/operator/keys/rotate',
  summary: 'Wrap the organisations’ data keys by the current key-encryption key',
  tags,
  description: 'A hundred at a time: call it until nothing is left. What stopped half way goes on where it stopped.',
  responses: { 200: json(operatorRekeyed), ...problems },
});

/** Before anything of the request is read. */
const base = routes();
base.use('/operator/*', async (c, next) => {
  await authenticateOperator(c.get('services'), c.get('request'), c.req.header('Authorization'));
  await next();
});

const operator = (c: HonoContext<HonoEnv>): OperatorContext => ({
  ...c.get('services'),
  request: c.get('request'),
  actor: { type: 'operator' },
});

export const operatorRoutes = base
  .openapi(getTenants, async (c) => c.json(await listTenants(operator(c), keysetPage(c.req.valid('query'))), 200))
  .openapi(postSuspend, async (c) => c.json(await suspendTenant(operator(c), c.req.valid('param').id, c.req.valid('json').reason), 200))
  .openapi(postActivate, async (c) => c.json(await activateTenant(operator(c), c.req.valid('param').id), 200))
  .openapi(postRekey, async (c) => c.json(await rotateKeys(operator(c)), 200))
  .openapi(postRebuild, async (c) => c.json(await rebuildLedger(operator(c), c.req.valid('param').id), 202));
