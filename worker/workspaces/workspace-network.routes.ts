import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { workspaceNetwork } from '@gatehouse/core/api/workspace-network.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { json, problems, routes } from '../platform/route.ts';
import { readWorkspaceNetwork } from './workspace-network.ts';

const read = createRoute({
  method: 'get',
  path: '/workspaces/{id}/network',
  summary: 'What programs in a workspace may reach',
  tags: ['Workspaces'],
  request: { params: z.object({ id: idSchema('workspace') }) },
  responses: { 200: json(workspaceNetwork), ...problems },
});

export const workspaceNetworkRoutes = routes().openapi(read, async (c) =>
  c.json(await readWorkspaceNetwork(c.get('signedIn'), c.req.valid('param').id), 200),
);
