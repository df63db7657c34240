import { createRoute } from '@hono/zod-openapi';
import { overview } from '@gatehouse/core/api/overview.ts';
import { json, problems, routes } from '../platform/route.ts';
import { readOverview } from './overview.ts';

const read = createRoute({
  method: 'get',
  path: '/overview',
  summary: 'How the organisation stands, as far as the caller may see',
  tags: ['Organisation'],
  responses: { 200: json(overview), ...problems },
});

export const overviewRoutes = routes().openapi(read, async (c) => c.json(await readOverview(c.get('signedIn')), 200));
