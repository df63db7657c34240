import { AppError } from '@gatehouse/core/errors.ts';
import type { Context } from '../platform/context.ts';
import type { EventPage, EventPosition, EventQuery } from '../platform/objects.ts';
import { planArchive, readPlanned, type ArchivePage, type ArchiveRange } from './archive-query.ts';
import { eventIn } from './ledger.body.ts';
import { parseLine } from './archive.ts';

/** Times of positions that are not times: the page is read from the archive, or begins with the hot index. */
const IN_ARCHIVE = 'archive';
const HOT_BEGINS = 'hot';

export interface LogPage {
  bodies: string[];
  /** null at the end */
  next: EventPosition | null;
  /** how far a page has come that was read from the archive */
  progress: { seq: number; time: string | null } | null;
}

/**
 * One page of the log, wherever it lies. What is older than the hot index is read from the archive, in order of `seq`
 * there; a page that had to stop early has a `next` all the same.
 * @throws AppError `gone` for a position that neither has any more
 */
export async function readLog(ctx: Context, query: EventQuery): Promise<LogPage> {
  const { after, ...begin } = query;
  if (after?.time === IN_ARCHIVE) return readArchive(ctx, query, after.seq);
  const hotOnly = after?.time === HOT_BEGINS;
  const page = await ctx.ledger.open(ctx.db.tenantId, ctx.db.shard).query(hotOnly ? begin : query);
  if (hotOnly && page.hot.first > after.seq + 1) return readArchive(ctx, query, after.seq);
  if (hotOnly || page.hot.first === 1) return { ...page, progress: null };
  return query.order === 'asc' ? ascending(ctx, query, page) : descending(ctx, query, page);
}

/** What is older comes first. */
async function ascending(ctx: Context, query: EventQuery, page: EventPage): Promise<LogPage> {
  const { by, after, since } = query;
  const { first, firstAt } = page.hot;
  const polled = by === 'seq' && query.until === undefined;
  const older = after ? by === 'seq' && after.seq + 1 < first : !(polled && since !== undefined && firstAt !== null && since > firstAt);
  const archived = older ? await readArchive(ctx, query, after?.seq ?? null) : null;
  const nothing = archived === null || (archived.bodies.length === 0 && archived.next?.time !== IN_ARCHIVE);
  return nothing ? { ...page, progress: null } : archived;
}

/** What is older comes last. */
async function descending(ctx: Context, query: EventQuery, page: EventPage): Promise<LogPage> {
  if (page.next !== null) return { ...page, progress: null };
  const { first } = page.hot;
  if (page.bodies.length >= query.limit) return { ...page, next: { seq: first, time: IN_ARCHIVE }, progress: null };
  const older = await readArchive(ctx, { ...query, limit: query.limit - page.bodies.length }, first);
  return { ...older, bodies: [...page.bodies, ...older.bodies] };
}

/** @param from number of the event behind which the page begins, in its order; null: at the beginning */
async function readArchive(ctx: Context, query: EventQuery, from: number | null): Promise<LogPage> {
  const ascending = query.order === 'asc';
  const asked: ArchiveRange = ascending ? { low: (from ?? 0) + 1, high: Number.MAX_SAFE_INTEGER } : { low: 1, high: (from ?? 1) - 1 };
  const plan = await planArchive(ctx, query, asked);
  const { first } = plan.hot;
  if (ascending && from !== null && from + 1 < first && (plan.oldest === 0 || plan.oldest > from + 1))
    throw new AppError('gone', 'The events behind this cursor are past retention; begin again without a cursor');
  const range = { ...asked, high: Math.min(asked.high, first - 1) };
  const places = plan.places.filter((place) => place.first <= range.high);
  const page = await readPlanned(ctx, query, { ...plan, places }, range);
  return { bodies: inOrder(query, page), next: nextOf(query, page, first), progress: { seq: page.position, time: page.time } };
}

function nextOf({ order, by }: EventQuery, page: ArchivePage, first: number): EventPosition | null {
  if (!page.done) return { seq: page.position, time: IN_ARCHIVE };
  if (order === 'desc') return null;
  return by === 'seq' ? { seq: first - 1, time: '' } : { seq: first - 1, time: HOT_BEGINS };
}

/** A page that goes by time is at least in order within itself. */
function inOrder({ by, order, form }: EventQuery, { bodies }: ArchivePage): string[] {
  if (by === 'seq') return bodies;
  const timed = bodies.map((body) => ({ body, time: timeOf(form === 'line' ? (parseLine(body).body ?? '') : body) }));
  timed.sort((a, b) => (a.time === b.time ? 0 : a.time < b.time === (order === 'asc') ? -1 : 1));
  return timed.map(({ body }) => body);
}

const timeOf = (body: string): string => eventIn(body).time;
