import { createRoute } from '@hono/zod-openapi';
import type { TypedResponse } from 'hono';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/access.ts';
import { body, decodeCursor, encodeCursor, json, problems, routes } from '../platform/route.ts';
import { previewChange } from './preview.ts';
import { exportReview, reviewAccess } from './review.ts';

const tags = ['Access'];
const review = createRoute({
  method: 'get',
  path: '/access/review',
  summary: 'Who can use which template, and why',
  tags,
  request: { query: api.reviewQuery },
  responses: { 200: json(api.reviewList), ...problems },
});
const csv = createRoute({
  method: 'get',
  path: '/access/review.csv',
  summary: 'Who can use which template, and why, as CSV',
  tags,
  request: { query: api.reviewExportQuery },
  responses: { 200: { description: 'Done', content: { 'text/csv': { schema: z.string() } } }, ...problems },
});
const preview = createRoute({
  method: 'post',
  path: '/access/preview',
  summary: 'Who would gain and lose what by a change that is not made yet',
  tags,
  request: body(api.previewBody),
  responses: { 200: json(api.preview), ...problems },
});

const cursorKeys = z.tuple([z.string(), z.string()]);

export const reviewRoutes = routes()
  .openapi(review, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query');
    const [template, user] = cursor === undefined ? [null, ''] : decodeCursor(cursor, cursorKeys);
    const page = await reviewAccess(c.get('signedIn'), filter, { limit, after: template === null ? null : { template, user } });
    return c.json({ items: page.rows, nextCursor: page.next && encodeCursor([page.next.template, page.next.user]) }, 200);
  })
  .openapi(csv, async (c) => {
    const stream = await exportReview(c.get('signedIn'), c.req.valid('query'));
    const headers = { 'Content-Type': 'text/csv; charset=utf-8', 'Content-Disposition': 'attachment; filename="access-review.csv"' };
    // Hono has no name for text that is made while it is sent.
    return c.body(stream, 200, headers) as unknown as Response & TypedResponse<string, 200, 'text'>;
  })
  .openapi(preview, async (c) => c.json(await previewChange(c.get('signedIn'), c.req.valid('json')), 200));
