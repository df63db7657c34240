import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/groups.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, etag, json, noContent, problems, revisionOf, routes } from '../platform/route.ts';
import { changeGroup, createGroup, deleteGroup, listGroups, readGroup, replaceManagers } from './groups.ts';
import { changeMembers, listCandidates, listMembers, listMemberships } from './members.ts';
import { searchedPage } from './search.ts';

const params = z.object({ id: idSchema('group') });
const headers = z.object({ 'if-match': z.string().optional() });

const tags = ['Groups'];
const list = createRoute({
  method: 'get',
  path: '/groups',
  summary: 'Groups by name; for somebody who may not see them all, those they manage',
  tags,
  request: { query: api.searched },
  responses: { 200: json(api.groupList), ...problems },
});
const create = createRoute({
  method: 'post',
  path: '/groups',
  summary: 'Create a group',
  tags,
  request: body(api.groupCreate),
  responses: { 201: json(api.groupDetail), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/groups/{id}',
  summary: 'A group with its managers and what it gives',
  tags,
  request: { params },
  responses: { 200: json(api.groupDetail), ...problems },
});
const update = createRoute({
  method: 'patch',
  path: '/groups/{id}',
  summary: 'Change name or description',
  tags,
  request: { params, headers, ...body(api.groupUpdate) },
  responses: { 200: json(api.groupDetail), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/groups/{id}',
  summary: 'Delete a group; one that gives access only with grants=remove',
  tags,
  request: { params, query: api.groupDelete },
  responses: { 204: noContent, ...problems },
});
const getMembers = createRoute({
  method: 'get',
  path: '/groups/{id}/members',
  summary: 'Direct and inherited members, with the way',
  tags,
  request: { params, query: api.membersQuery },
  responses: { 200: json(api.memberList), ...problems },
});
const patchMembers = createRoute({
  method: 'patch',
  path: '/groups/{id}/members',
  summary: 'Add and remove members, all or none',
  tags,
  request: { params, ...body(api.membersUpdate) },
  responses: { 200: json(api.membersChanged), ...problems },
});
const getCandidates = createRoute({
  method: 'get',
  path: '/groups/{id}/candidates',
  summary: 'People and groups that could be added',
  tags,
  request: { params, query: api.candidatesQuery },
  responses: { 200: json(api.candidateList), ...problems },
});
const putManagers = createRoute({
  method: 'put',
  path: '/groups/{id}/managers',
  summary: 'Replace who may edit the members',
  tags,
  request: { params, headers, ...body(api.managersPut) },
  responses: { 200: json(api.groupDetail), ...problems },
});
const getMemberships = createRoute({
  method: 'get',
  path: '/group-memberships',
  summary: 'The groups that a person or a group is in, and how',
  tags,
  request: { query: api.membershipsQuery },
  responses: { 200: json(api.membershipList), ...problems },
});

export const groupRoutes = routes()
  .openapi(list, async (c) => c.json(await listGroups(c.get('signedIn'), searchedPage(c.req.valid('query'), 1)), 200))
  .openapi(create, async (c) => {
    const { group, revision } = await createGroup(c.get('signedIn'), c.req.valid('json'));
    c.header('ETag', etag(revision));
    return c.json(group, 201);
  })
  .openapi(read, async (c) => {
    const { group, revision } = await readGroup(c.get('signedIn'), c.req.valid('param').id);
    c.header('ETag', etag(revision));
    return c.json(group, 200);
  })
  .openapi(update, async (c) => {
    const seen = revisionOf(c.req.valid('header')['if-match']);
    const { group, revision } = await changeGroup(c.get('signedIn'), c.req.valid('param').id, seen, c.req.valid('json'));
    c.header('ETag', etag(revision));
    return c.json(group, 200);
  })
  .openapi(remove, async (c) => {
    await deleteGroup(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query').grants);
    return c.body(null, 204);
  })
  .openapi(getMembers, async (c) => {
    const query = c.req.valid('query');
    return c.json(await listMembers(c.get('signedIn'), c.req.valid('param').id, searchedPage(query, 3), query.show), 200);
  })
  .openapi(patchMembers, async (c) => c.json(await changeMembers(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200))
  .openapi(getCandidates, async (c) => c.json(await listCandidates(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query')), 200))
  .openapi(putManagers, async (c) => {
    const seen = revisionOf(c.req.valid('header')['if-match']);
    const { group, revision } = await replaceManagers(c.get('signedIn'), c.req.valid('param').id, seen, c.req.valid('json').items);
    c.header('ETag', etag(revision));
    return c.json(group, 200);
  })
  .openapi(getMemberships, async (c) => c.json(await listMemberships(c.get('signedIn'), c.req.valid('query').subject), 200));
