import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { problems, routes } from '../platform/route.ts';
import { exportConfig } from './config.ts';

const getExport = createRoute({
  method: 'get',
  path: '/config/export',
  summary: 'Groups, roles, access lists and policy, a line of JSON for each',
  tags: ['Access'],
  responses: {
    200: { description: 'Whole only with its last line, of the kind `end`', content: { 'application/x-ndjson': { schema: z.string() } } },
    ...problems,
  },
});

export const configRoutes = routes().openapi(getExport, async (c) => {
  const stream = await exportConfig(c.get('signedIn'));
  // Hono has no name for lines that are made while they are sent.
  return c.body(stream, 200, { 'Content-Type': 'application/x-ndjson' }) as never;
});
