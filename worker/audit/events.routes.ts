import { createRoute } from '@hono/zod-openapi';
import type { Context as HonoContext, TypedResponse } from 'hono';
import { z } from 'zod';
import * as api from '@gatehouse/core/api/audit.ts';
import { json, problems, routes, type HonoEnv } from '../platform/route.ts';
import { eventsOf, listEvents, readStatus, type EventList } from './events.ts';
import { exportEvents } from './export.ts';
import { readHistogram } from './histogram.ts';
import { tailEvents } from './tail.ts';
import { writingOf } from './written.ts';

const tags = ['Audit'];
const text = (...types: string[]) => Object.fromEntries(types.map((type) => [type, { schema: z.string() }]));
const listAuditEvents = createRoute({
  method: 'get',
  path: '/audit/events',
  summary: 'Events of the audit log',
  tags,
  description:
    'Ascending without `until`: polling, in the order of recording; `nextCursor` and `Link: rel="next"` are always there, on an empty page too. ' +
    'With `until`, or descending with `since`: by time of the event. Descending alone: the newest first. What is older than the recent index comes ' +
    'from the archive, a bounded piece a page: `progress` says how far it has come. ' +
    'The form is asked for with `format` or `Accept`: `application/json`, `application/x-ndjson`, `text/csv`, `application/ocsf+x-ndjson`.',
  request: { query: api.auditQuery },
  responses: {
    200: {
      ...json(api.auditList, 'A page of the log'),
      // The typed client of our pages asks for JSON only: to it the other forms don't exist.
      content: { ...text('application/x-ndjson', 'text/csv'), ...json(api.auditList).content } as ReturnType<
        typeof json<typeof api.auditList>
      >['content'],
      headers: z.object({
        Link: z.string().optional(),
        'X-Rate-Limit-Limit': z.string(),
        'X-Rate-Limit-Remaining': z.string(),
        'X-Rate-Limit-Reset': z.string(),
      }),
    },
    ...problems,
  },
});
const exportAuditEvents = createRoute({
  method: 'get',
  path: '/audit/export',
  summary: 'The log, or what of it is asked for, as a file',
  tags,
  description:
    'Made while it is sent, from the archive and the recent index, in the order of recording. `X-Audit-Last-Seq` is the number of the last event that ' +
    'it can hold. A connection that broke goes on with `after`. `proof`: lines as the archive has them, for `verify-audit`.',
  request: { query: api.exportQuery },
  responses: { 200: { description: 'The file', content: text('application/x-ndjson', 'text/csv') }, ...problems },
});
const streamAuditEvents = createRoute({
  method: 'get',
  path: '/audit/stream',
  summary: 'Events as they are recorded (server-sent events)',
  tags,
  description:
    'Each `audit` event has the event’s number as its id: a reader that comes again with `Last-Event-ID` misses nothing. `quiet` comes every ten ' +
    'seconds without one, `end` says why no more comes.',
  request: { query: api.streamQuery },
  responses: { 200: { description: 'The stream', content: text('text/event-stream') }, ...problems },
});
const getHistogram = createRoute({
  method: 'get',
  path: '/audit/histogram',
  summary: 'How many events there were, by time of recording and outcome',
  tags,
  request: { query: api.histogramQuery },
  responses: { 200: json(api.histogram), ...problems },
});
const getAuditStatus = createRoute({
  method: 'get',
  path: '/audit/status',
  summary: 'Size and root of the log, and how far the archive is',
  tags,
  responses: { 200: json(api.auditStatus), ...problems },
});

type Streamed = Response & TypedResponse<string, 200, 'text'>;

/** Hono has no name for text that is made while it is sent. */
const streamed = (c: HonoContext<HonoEnv>, stream: ReadableStream, headers: Record<string, string>): Streamed =>
  c.body(stream, 200, headers) as unknown as Streamed;

export const auditRoutes = routes()
  .openapi(listAuditEvents, async (c) => {
    const query = c.req.valid('query');
    const page = await listEvents(c.get('signedIn'), query);
    setPageHeaders(c, page);
    const format = query.format ?? accepted(c.req.header('Accept'));
    const { bodies, nextCursor, hasMore, progress } = page;
    if (format === 'json') return c.json({ items: eventsOf(bodies), nextCursor, hasMore, progress }, 200);
    const { contentType, header, line } = writingOf(c.get('signedIn'), format);
    return c.body(header + bodies.map(line).join(''), 200, { 'Content-Type': contentType }) as never;
  })
  .openapi(exportAuditEvents, async (c) => {
    const { stream, contentType, fileName, lastSeq } = await exportEvents(c.get('signedIn'), c.req.valid('query'));
    return streamed(c, stream, {
      'Content-Type': contentType,
      'Content-Disposition': `attachment; filename="${fileName}"`,
      'X-Audit-Last-Seq': String(lastSeq),
    });
  })
  .openapi(streamAuditEvents, async (c) => {
    const last = /^\d{1,15}$/.exec(c.req.header('Last-Event-ID') ?? '');
    const stream = await tailEvents(c.get('signedIn'), {
      query: c.req.valid('query'),
      lastEventId: last ? Number(last[0]) : null,
      askAgain: c.get('askAgain'),
    });
    return streamed(c, stream, { 'Content-Type': 'text/event-stream; charset=utf-8', 'X-Accel-Buffering': 'no' });
  })
  .openapi(getHistogram, async (c) => c.json(await readHistogram(c.get('signedIn'), c.req.valid('query')), 200))
  .openapi(getAuditStatus, async (c) => c.json(await readStatus(c.get('signedIn')), 200));

function setPageHeaders(c: HonoContext<HonoEnv>, { nextCursor, allowance }: EventList): void {
  c.header('X-Rate-Limit-Limit', String(allowance.limit));
  c.header('X-Rate-Limit-Remaining', String(allowance.remaining));
  c.header('X-Rate-Limit-Reset', String(allowance.resetsAt));
  if (nextCursor === null) return;
  const next = new URL(c.req.url);
  next.searchParams.set('cursor', nextCursor);
  c.header('Link', `<${c.get('services').settings.ORIGIN}${next.pathname}${next.search}>; rel="next"`);
}

/** The first form that the header names and we have; JSON is for everybody else. */
function accepted(accept = ''): api.AuditListFormat {
  const named: Record<string, api.AuditListFormat> = {
    'application/json': 'json',
    'application/x-ndjson': 'ndjson',
    'text/csv': 'csv',
    'application/ocsf+x-ndjson': 'ocsf',
  };
  const types = accept.split(',').map((each) => each.split(';')[0]?.trim().toLowerCase() ?? '');
  return types.map((type) => named[type]).find((format) => format !== undefined) ?? 'json';
}
