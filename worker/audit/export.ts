import type { z } from 'zod';
import type { exportQuery } from '@gatehouse/core/api/audit.ts';
import { checkpointLine } from '@gatehouse/core/audit/proof-lines.ts';
import { AppError } from '@gatehouse/core/errors.ts';
import { record, require } from '../platform/commit.ts';
import type { Context, UserContext } from '../platform/context.ts';
import type { EventPosition, EventQuery, TreeRefusal } from '../platform/objects.ts';
import { filterAsked } from './asked.ts';
import { exactTime, openLedger, wholeStatus } from './events.ts';
import { readLog } from './log.ts';
import { writingOf, type Writing } from './written.ts';

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
 * @throws AppError `permission-denied`, `invalid-filter`, `unavailable` while the log is made anew
 */
export async function exportEvents(ctx: Context, query: ExportQuery): Promise<Export> {
  const user = await require(ctx, 'audit:read', log);
  const asked = queryOf(query);
  const { size } = await wholeStatus(user);
  await record(user, { ...log, status: 200, details: detailsOf(query) });
  const writing = writingOf(user, query.format);
  const chosen = asked.filter !== undefined || asked.until !== undefined;
  const pages = query.format === 'proof' && size > 0 ? await proven(user, writing, chosen, size) : plain(writing);
  const day = user.now().toISOString().slice(0, 10);
  return {
    stream: streamOf(user, asked, pages, { after: query.after ?? 0, last: size }),
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
  pages: PageText,
  range: { after: number; last: number },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let position: EventPosition | null | undefined = query.after;
  let begun = false;
  return new ReadableStream({
    async pull(controller) {
      let text = begun ? '' : await pages.header(range.after > 0);
      begun = true;
      // A page may be empty although more follows: the reader hears of it once there is something.
      while (text === '' && position !== null) {
        const page = await readLog(ctx, { ...query, ...(position ? { after: position } : {}) });
        const bodies = page.bodies.filter((body) => seqOf(body) <= range.last);
        text = bodies.length === 0 ? '' : await pages.text(bodies);
        position = page.next && page.next.seq < range.last ? page.next : null;
      }
      if (text === '') controller.close();
      else controller.enqueue(encoder.encode(text));
    },
  });
}

interface PageText {
  /** @param resumed the reader has the beginning already */
  header(resumed: boolean): Promise<string>;
  text(bodies: readonly string[]): Promise<string>;
}

const plain = ({ header, line }: Writing): PageText => ({
  header: async (resumed) => (resumed ? '' : header),
  text: async (bodies) => bodies.map(line).join(''),
});

/**
 * An export that proves itself: `verify-audit` needs nothing but it and the public key. A part of the log without gaps goes
 * in blocks, each behind what vouches for it; chosen events each before their own proof.
 */
async function proven(ctx: UserContext, writing: Writing, chosen: boolean, size: number): Promise<PageText> {
  const ledger = openLedger(ctx);
  // Asked before anything is sent: a refusal is still an answer then.
  const { note } = held(await ledger.checkpoint(size));
  if (!chosen)
    return {
      header: async () => '',
      text: async (bodies) => {
        const block = held(await ledger.proofBlock(seqOf(bodies[0] ?? ''), seqOf(bodies.at(-1) ?? '')));
        return block.ndjson + bodies.map(writing.line).join('');
      },
    };
  // A part that goes on where another broke off has proofs of a larger tree, and so a checkpoint of its own.
  let checkpoint = checkpointLine(note);
  return {
    header: async () => '',
    text: async (bodies) => {
      const proofs = held(await ledger.inclusionLines(bodies.map(seqOf), size));
      const text = checkpoint + bodies.map((body, index) => writing.line(body) + (proofs[index] ?? '')).join('');
      checkpoint = '';
      return text;
    },
  };
}

/** @throws AppError `unavailable` while a log of a former version makes its tree */
function held<T extends object>(answer: T | TreeRefusal): T {
  if ('refused' in answer) throw new AppError('unavailable', 'The tree of this log is still being made', { retryAfter: 30 });
  return answer;
}

/** Events begin with their id and number, also within the archive's line: no need to read all of it. */
const seqOf = (body: string): number => Number(/"seq":(\d+)/.exec(body)?.[1] ?? 0);
