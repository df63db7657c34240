import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/access.ts';
import { idSchema } from '@gatehouse/core/ids.ts';
import { json, problems, routes } from '../platform/route.ts';
import { explainTemplate } from './explain.ts';
import { findSubjects } from './subjects.ts';

const params = z.object({ id: idSchema('template') });

const tags = ['Access'];
const explain = createRoute({
  method: 'get',
  path: '/templates/{id}/access',
  summary: 'Why you, or somebody else, can use a template or can’t',
  tags,
  request: { params, query: api.explainQuery },
  responses: { 200: json(api.explanation), ...problems },
});
const subjects = createRoute({
  method: 'get',
  path: '/subjects',
  summary: 'Find people and groups by name',
  tags,
  request: { query: api.subjectQuery },
  responses: { 200: json(api.subjectList), ...problems },
});

export const explainRoutes = routes()
  .openapi(explain, async (c) =>
    c.json(await explainTemplate(c.get('signedIn'), c.req.valid('param').id, c.req.valid('query').userId), 200),
  )
  .openapi(subjects, async (c) => c.json(await findSubjects(c.get('signedIn'), c.req.valid('query')), 200));
