import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { detectionRuleList, finding, findingDetail, findingList, findingMove, findingsQuery } from '@gatehouse/core/api/findings.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { body, json, problems, routes } from '../platform/route.ts';
import * as findings from './findings.ts';

const params = z.object({ id: idSchema('finding') });
const tags = ['Findings'];

const rules = createRoute({
  method: 'get',
  path: '/detections/rules',
  summary: 'What the trail is watched for',
  tags,
  responses: { 200: json(detectionRuleList), ...problems },
});
const list = createRoute({
  method: 'get',
  path: '/detections/findings',
  summary: 'Findings, the newest first',
  tags,
  request: { query: findingsQuery },
  responses: { 200: json(findingList), ...problems },
});
const read = createRoute({
  method: 'get',
  path: '/detections/findings/{id}',
  summary: 'A finding and its evidence',
  tags,
  request: { params },
  responses: { 200: json(findingDetail), ...problems },
});
const move = createRoute({
  method: 'post',
  path: '/detections/findings/{id}/move',
  summary: 'Say how a finding stands',
  tags,
  request: { params, ...body(findingMove) },
  responses: { 200: json(finding), ...problems },
});

export const findingRoutes = routes()
  .openapi(rules, async (c) => c.json({ items: await findings.listRules(c.get('signedIn')) }, 200))
  .openapi(list, async (c) => c.json(await findings.listFindings(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(read, async (c) => c.json(await findings.readFinding(c.get('signedIn'), c.req.valid('param').id), 200))
  .openapi(move, async (c) => c.json(await findings.moveFinding(c.get('signedIn'), c.req.valid('param').id, c.req.valid('json')), 200));
