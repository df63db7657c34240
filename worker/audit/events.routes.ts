import { createRoute } from '@hono/zod-openapi';
import { z } from 'zod';
import { auditList, auditQuery, auditStatus } from '@gatehouse/core/api/audit.ts';
import { json, problems, routes } from '../platform/route.ts';
import { listEvents, readStatus } from './events.ts';

const tags = ['Audit'];
const listAuditEvents = createRoute({
  method: 'get',
  path: '/audit/events',
  summary: 'Events of the audit log',
  tags,
  description:
    'Ascending without `until`: polling, in the order of recording; `nextCursor` and `Link: rel="next"` are always there, on an empty page too. ' +
    'With `until`, or descending with `since`: by time of the event. Descending alone: the newest first.',
  request: { query: auditQuery },
  responses: {
    200: { ...json(auditList, 'A page of the log'), headers: z.object({ Link: z.string().optional() }) },
    ...problems,
  },
});
const getAuditStatus = createRoute({
  method: 'get',
  path: '/audit/status',
  summary: 'Size and root of the log, and how far the archive is',
  tags,
  responses: { 200: json(auditStatus), ...problems },
});

export const auditRoutes = routes()
  .openapi(listAuditEvents, async (c) => {
    const page = await listEvents(c.get('signedIn'), c.req.valid('query'));
    if (page.nextCursor !== null) {
      const next = new URL(c.req.url);
      next.searchParams.set('cursor', page.nextCursor);
      c.header('Link', `<${c.get('services').settings.ORIGIN}${next.pathname}${next.search}>; rel="next"`);
    }
    return c.json(page, 200);
  })
  .openapi(getAuditStatus, async (c) => c.json(await readStatus(c.get('signedIn')), 200));
