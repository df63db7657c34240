import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { page } from '@gatehouse/core/api/common.ts';
import * as api from '@gatehouse/core/api/directory.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, keysetPage, noContent, problems, routes } from '../platform/route.ts';
import { invite, listInvitations, previewInvitation, revokeInvitation } from './invitations.ts';
import { changeTenant, readTenant } from './tenant.ts';

const params = z.object({ id: idSchema('invitation') });
const paged = { query: page };

const tags = ['Organisation'];
const getTenant = createRoute({
  method: 'get',
  path: '/tenant',
  summary: 'The organisation and its quotas',
  tags,
  responses: { 200: json(api.tenant), ...problems },
});
const patchTenant = createRoute({
  method: 'patch',
  path: '/tenant',
  summary: 'Rename the organisation',
  tags,
  request: body(api.tenantUpdate),
  responses: { 200: json(api.tenant), ...problems },
});
const getInvitations = createRoute({
  method: 'get',
  path: '/invitations',
  summary: 'Open invitations',
  tags,
  request: paged,
  responses: { 200: json(api.invitationList), ...problems },
});
const postInvitation = createRoute({
  method: 'post',
  path: '/invitations',
  summary: 'Invite somebody; the link is shown this once',
  tags,
  request: body(api.invitationCreate),
  responses: { 201: json(api.invitationCreated), ...problems },
});
const deleteInvitation = createRoute({
  method: 'delete',
  path: '/invitations/{id}',
  summary: 'Revoke an invitation',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const postPreview = createRoute({
  method: 'post',
  path: '/invitations/preview',
  summary: 'What an invitation offers',
  tags,
  request: body(api.invitationPreview),
  responses: { 200: json(api.invitationShown), ...problems },
});

export const directoryRoutes = routes()
  .openapi(getTenant, async (c) => c.json(await readTenant(c.get('signedIn')), 200))
  .openapi(patchTenant, async (c) => c.json(await changeTenant(c.get('signedIn'), c.req.valid('json')), 200))
  .openapi(getInvitations, async (c) => c.json(await listInvitations(c.get('signedIn'), keysetPage(c.req.valid('query'))), 200))
  .openapi(postInvitation, async (c) => c.json(await invite(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(deleteInvitation, async (c) => {
    await revokeInvitation(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(postPreview, async (c) => c.json(await previewInvitation(c.get('services'), c.req.valid('json').token), 200));
