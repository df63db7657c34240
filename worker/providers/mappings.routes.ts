import { createRoute, z } from '@hono/zod-openapi';
import * as api from '@gatehouse/core/api/group-mappings.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import { handGroupOver, readDrift, syncProvider } from './drift.ts';
import * as mappings from './mappings.ts';

const params = z.object({ id: idSchema('identityProvider') });
const tags = ['Identity providers'];

const groups = createRoute({
  ...{ method: 'get', path: '/identity-providers/{id}/groups', summary: 'Groups that a directory keeps here, and what they give', tags },
  request: { params },
  responses: { 200: json(api.directoryGroupList), ...problems },
});
const list = createRoute({
  ...{ method: 'get', path: '/identity-providers/{id}/mappings', summary: 'What groups of a directory give, by their names', tags },
  request: { params },
  responses: { 200: json(api.groupMappingList), ...problems },
});
const preview = createRoute({
  ...{ method: 'post', path: '/identity-providers/{id}/mappings/preview', summary: 'What a mapping would do', tags },
  request: { params, ...body(api.mappingCreate) },
  responses: { 200: json(api.mappingPreview), ...problems },
});
const create = createRoute({
  ...{ method: 'post', path: '/identity-providers/{id}/mappings', summary: 'Map groups to a role, a group or a template', tags },
  request: { params, ...body(api.mappingCreate) },
  responses: { 201: json(api.groupMapping), ...problems },
});
const remove = createRoute({
  ...{ method: 'delete', path: '/identity-providers/{id}/mappings/{mapping}', summary: 'Remove a mapping, and what it gave', tags },
  request: { params: params.extend({ mapping: idSchema('groupMapping') }) },
  responses: { 204: noContent, ...problems },
});
const handOver = createRoute({
  ...{ method: 'post', path: '/identity-providers/{id}/mappings/{mapping}/groups', tags },
  summary: 'Let a mapping keep a group that was made by hand',
  request: { params: params.extend({ mapping: idSchema('groupMapping') }), ...body(api.groupHandOver) },
  responses: { 204: noContent, ...problems },
});
const drift = createRoute({
  ...{ method: 'get', path: '/identity-providers/{id}/drift', summary: 'Where what is here is not what the directory says', tags },
  request: { params },
  responses: { 200: json(api.drift), ...problems },
});
const sync = createRoute({
  ...{ method: 'post', path: '/identity-providers/{id}/sync', summary: 'Give again what mappings say', tags },
  request: { params },
  responses: { 200: json(api.synced), ...problems },
});

export const mappingRoutes = routes()
  .openapi(groups, async (c) => c.json(await mappings.listDirectoryGroups(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(list, async (c) => c.json(await mappings.listMappings(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(preview, async (c) =>
    c.json(await mappings.previewMapping(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200),
  )
  .openapi(create, async (c) => c.json(await mappings.createMapping(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 201))
  .openapi(remove, async (c) => {
    await mappings.deleteMapping(c.get('signedIn'), c.req.valid('param').id, c.req.valid('param').mapping);
    return c.body(null, 204);
  })
  .openapi(handOver, async (c) => {
    const { id, mapping } = c.req.valid('param');
    await handGroupOver(c.get('signedIn'), id, mapping, c.req.valid('json'));
    return c.body(null, 204);
  })
  .openapi(drift, async (c) => c.json(await readDrift(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(sync, async (c) => c.json(await syncProvider(c.get('signedIn'), c.req.valid('param').id), 200));
