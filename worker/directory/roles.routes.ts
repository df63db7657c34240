import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { text } from '@gatehouse/core/api/common.ts';
import * as api from '@gatehouse/core/api/roles.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, etag, json, keysetPage, noContent, problems, revisionOf, routes } from '../platform/route.ts';
import { assignRole, changeEnd, listAssignments, listAssignmentsOf, unassignRole } from './assignments.ts';
import { changeRole, createRole, deleteRole, listRoles, readRole } from './custom-roles.ts';

const params = z.object({ id: api.roleId });
const assignmentParams = z.object({ id: idSchema('roleAssignment') });
const headers = z.object({ 'if-match': z.string().optional() });

const tags = ['Roles'];
const list = createRoute({
  method: 'get',
  path: '/roles',
  summary: 'Built-in and custom roles',
  tags,
  request: { query: z.object({ q: text(100, 0).optional() }) },
  responses: { 200: json(api.roleList), ...problems },
});
const create = createRoute({
  method: 'post',
  path: '/roles',
  summary: 'Create a custom role',
  tags,
  request: body(api.roleCreate),
  responses: { 201: json(api.role), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/roles/{id}',
  summary: 'A role with its permissions',
  tags,
  request: { params },
  responses: { 200: json(api.role), ...problems },
});
const update = createRoute({
  method: 'patch',
  path: '/roles/{id}',
  summary: 'Change a custom role',
  tags,
  request: { params, headers, ...body(api.roleUpdate) },
  responses: { 200: json(api.role), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/roles/{id}',
  summary: 'Delete a custom role that nobody has',
  tags,
  request: { params },
  responses: { 204: noContent, ...problems },
});
const getAssignments = createRoute({
  method: 'get',
  path: '/role-assignments',
  summary: 'Who has which role; with a subject: what it has, its own and through groups',
  tags,
  request: { query: api.assignmentsQuery },
  responses: { 200: json(api.assignmentList), ...problems },
});
const postAssignment = createRoute({
  method: 'post',
  path: '/role-assignments',
  summary: 'Give a role to a person or a group',
  tags,
  request: body(api.assignmentCreate),
  responses: { 201: json(api.assignment), ...problems },
});
const patchAssignment = createRoute({
  method: 'patch',
  path: '/role-assignments/{id}',
  summary: 'Change when a given role ends',
  tags,
  request: { params: assignmentParams, ...body(api.assignmentUpdate) },
  responses: { 200: json(api.assignment), ...problems },
});
const deleteAssignment = createRoute({
  method: 'delete',
  path: '/role-assignments/{id}',
  summary: 'Take a role away',
  tags,
  request: { params: assignmentParams },
  responses: { 204: noContent, ...problems },
});

export const roleRoutes = routes()
  .openapi(list, async (c) => c.json(await listRoles(c.get('signedIn'), c.req.valid('query').q ?? ''), 200))
  .openapi(create, async (c) => {
    const { role, revision } = await createRole(c.get('signedIn'), c.req.valid('json'));
    c.header('ETag', etag(revision));
    return c.json(role, 201);
  })
  .openapi(read, async (c) => {
    const { role, revision } = await readRole(c.get('signedIn'), c.req.valid('param').id);
    c.header('ETag', etag(revision));
    return c.json(role, 200);
  })
  .openapi(update, async (c) => {
    const seen = revisionOf(c.req.valid('header')['if-match']);
    const { role, revision } = await changeRole(c.get('signedIn'), c.req.valid('param').id, seen, c.req.valid('json'));
    c.header('ETag', etag(revision));
    return c.json(role, 200);
  })
  .openapi(remove, async (c) => {
    await deleteRole(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  })
  .openapi(getAssignments, async (c) => {
    const { subject, role, q, ...page } = c.req.valid('query');
    if (subject !== undefined) return c.json(await listAssignmentsOf(c.get('signedIn'), subject), 200);
    return c.json(await listAssignments(c.get('signedIn'), { q: q ?? '', ...keysetPage(page) }, role ?? null), 200);
  })
  .openapi(postAssignment, async (c) => c.json(await assignRole(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(patchAssignment, async (c) => c.json(await changeEnd(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200))
  .openapi(deleteAssignment, async (c) => {
    await unassignRole(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  });
