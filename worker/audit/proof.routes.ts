import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import {
  auditCheckpoint,
  auditConsistency,
  auditInclusion,
  auditKeys,
  consistencyQuery,
  inclusionQuery,
} from '@gatehouse/core/api/proof.ts';
import { json, problems, routes } from '../platform/route.ts';
import { proveConsistency, proveInclusion, readCheckpoint, readKeys } from './proof.ts';

const tags = ['Audit'];
const getCheckpoint = createRoute({
  method: 'get',
  path: '/audit/checkpoint',
  summary: 'Signed checkpoint of the whole log',
  tags,
  description: 'With `Accept: text/plain` the signed note alone.',
  responses: {
    200: {
      ...json(auditCheckpoint, 'Checkpoint'),
      // The typed client of our pages asks for JSON only: to it the note alone doesn't exist.
      content: { 'text/plain': { schema: z.string() }, ...json(auditCheckpoint).content } as ReturnType<
        typeof json<typeof auditCheckpoint>
      >['content'],
    },
    ...problems,
  },
});
const getInclusion = createRoute({
  method: 'get',
  path: '/audit/proof',
  summary: 'An event, and that it stands in the log',
  tags,
  request: { query: inclusionQuery },
  responses: { 200: json(auditInclusion), ...problems },
});
const getConsistency = createRoute({
  method: 'get',
  path: '/audit/consistency',
  summary: 'That the first events of the log are still the same',
  tags,
  request: { query: consistencyQuery },
  responses: { 200: json(auditConsistency), ...problems },
});
const getKeys = createRoute({
  method: 'get',
  path: '/audit/keys',
  summary: 'Keys that have signed checkpoints',
  tags,
  responses: { 200: json(auditKeys), ...problems },
});

export const proofRoutes = routes()
  .openapi(getCheckpoint, async (c) => {
    const checkpoint = await readCheckpoint(c.get('signedIn'));
    return c.req.header('Accept')?.startsWith('text/plain') ? (c.text(checkpoint.note, 200) as never) : c.json(checkpoint, 200);
  })
  .openapi(getInclusion, async (c) => c.json(await proveInclusion(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(getConsistency, async (c) => c.json(await proveConsistency(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(getKeys, async (c) => c.json({ items: await readKeys(c.get('signedIn')) }, 200));
