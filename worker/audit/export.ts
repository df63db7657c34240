import type { z } from 'zod';
import type { exportQuery } from '@gatehouse/core/api/audit.ts';
import { record, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import type { EventPosition, EventQuery } from '../platform/objects.ts';
import { filterAsked } from './asked.ts';
import { exactTime, openLedger } from './events.ts';
import { seqOf, vouching, type Vouching } from './export-proof.ts';
import { readLog } from './log.ts';
import { writingOf } from './written.ts';

type ExportQuery = z.infer<typeof exportQuery>;

const log = { action: 'audit.export', resource: { type: 'audit', id: null, name: 'Audit log' } } as const;
const PAGE = 1_000;

export interface Export {
  stream: ReadableStream<Uint8Array>;
  contentType: string;
  fileName: string;
  /** number of the last event that it can hold: how far a reader is, is told by the numbers that have come */
  lastSeq: number;
}

/**
 * The log as a file, from the archive and the hot index in one, made while it is sent. What is recorded later is not part of
 * it. A reader whose connection broke goes on with `after`.
 * @throws AppError `permission-denied`, `invalid-filter`
 */
export async function exportEvents(ctx: Context, query: ExportQuery): Promise<Export> {
  const user = await require(ctx, 'audit:read', log);
  const asked = queryOf(query);
  const { size } = await openLedger(user).status();
  const vouch = query.format === 'proof' ? await vouching(openLedger(user), isChosen(asked), size) : null;
  await record(user, { ...log, status: 200, details: detailsOf(query) });
  const writing = writingOf(user, query.format);
  const day = user.now().toISOString().slice(0, 10);
  return {
    stream: streamOf(user, asked, vouch ?? (async (lines) => lines.map(writing.line).join('')), {
      header: writing.header,
      after: query.after ?? 0,
      last: size,
    }),
    contentType: writing.contentType,
    fileName: `audit-${user.tenant.slug}-${day}.${writing.extension}`,
    lastSeq: size,
  };
}

function queryOf(query: ExportQuery): EventQuery {
  const filter = filterAsked(query);
  return {
    limit: PAGE,
    order: 'asc',
    by: 'seq',
    form: query.format === 'proof' ? 'line' : 'event',
    ...(filter === null ? {} : { filter }),
    ...(query.since === undefined ? {} : { since: exactTime(query.since) }),
    ...(query.until === undefined ? {} : { until: exactTime(query.until) }),
    ...(query.after === undefined ? {} : { after: { seq: query.after, time: '' } }),
  };
}

/** Events with gaps between them. */
const isChosen = ({ filter, since, until }: EventQuery): boolean => filter !== undefined || since !== undefined || until !== undefined;

/** What was exported is part of the trail. */
function detailsOf({ format, since, until, filter, q, after }: ExportQuery): Record<string, string | number | null> {
  return {
    format,
    since: since ?? null,
    until: until ?? null,
    filter: (filter ?? null)?.slice(0, 500) ?? null,
    q: q ?? null,
    after: after ?? null,
  };
}

/** Page by page, as fast as it is read: no more than one page is in memory. */
function streamOf(
  ctx: UserContext,
  query: EventQuery,
  write: Vouching,
  range: { header: string; after: number; last: number },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let position: EventPosition | null | undefined = query.after;
  let begun = range.after > 0;
  return new ReadableStream({
    async pull(controller) {
      let text = begun ? '' : range.header;
      begun = true;
      // A page may be empty although more follows: the reader hears of it once there is something.
      while (text === '' && position !== null) {
        const page = await readLog(ctx, { ...query, ...(position ? { after: position } : {}) });
        text = await write(page.bodies.filter((body) => seqOf(body) <= range.last));
        position = page.next && page.next.seq < range.last ? page.next : null;
      }
      if (text === '') controller.close();
      else controller.enqueue(encoder.encode(text));
    },
  });
}
