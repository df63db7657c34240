import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/git-credentials.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, noContent, problems, routes } from '../platform/route.ts';
import { addGitCredential, listGitCredentials, removeGitCredential } from './git-credentials.ts';

const tags = ['Account'];
const list = createRoute({
  method: 'get',
  path: '/me/git-credentials',
  summary: 'Git hosts that you have a credential for; the secrets are never shown',
  tags,
  responses: { 200: json(api.gitCredentialList), ...problems },
});
const add = createRoute({
  method: 'post',
  path: '/me/git-credentials',
  summary: 'Keep a credential for a git host, in place of the one that is there',
  tags,
  request: body(api.gitCredentialAdd),
  responses: { 201: json(api.gitCredential), ...problems },
});
const remove = createRoute({
  method: 'delete',
  path: '/me/git-credentials/{id}',
  summary: 'Forget a credential for a git host',
  tags,
  request: { params: z.object({ id: idSchema('gitCredential') }) },
  responses: { 204: noContent, ...problems },
});

export const gitCredentialRoutes = routes()
  .openapi(list, async (c) => c.json({ items: await listGitCredentials(c.get('signedIn')), nextCursor: null }, 200))
  .openapi(add, async (c) => c.json(await addGitCredential(c.get('signedIn'), c.req.valid('json')), 201))
  .openapi(remove, async (c) => {
    await removeGitCredential(c.get('signedIn'), c.req.valid('param').id);
    return c.body(null, 204);
  });
