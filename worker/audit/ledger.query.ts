import { matchesFilter, type Filter, type FilterAttribute } from '@gatehouse/core/audit/filter.ts';
import type { EventPage, EventPosition, EventQuery, HotBounds } from '../platform/objects.ts';
import { BODY, bodyOf, eventIn, isErased, KEPT, lineOf, type Body } from './ledger.body.ts';
import { erasedLineOf } from './ledger.erased.ts';
import { coversOf, type Cover, type Seen } from './ledger.plan.ts';
import { readHead, upgradeState } from './ledger.schema.ts';
import { byNumber, byTime, firstRecordedFrom, rarest, reachOf, sortedByTime, type SeqRange, type Source } from './ledger.sources.ts';

/** Candidates that one page may look at: what matches seldom is read over several pages instead of blocking the object. */
export const SCAN_LIMIT = 20_000;
/** Of these, events that may be unpacked and looked at as a whole, which costs far more. */
export const UNPACK_LIMIT = 5_000;
const LARGEST_CHUNK = 1_000;
/** A page's JSON is at most about so long, but for a single event that is longer. */
const PAGE_CHARACTERS = 8_000_000;

/** One page of the hot index. @param size number of events ever */
export function readPage(sql: SqlStorage, asked: EventQuery, size: number): EventPage {
  const query = sinceAsPosition(sql, asked);
  const filter = filterOf(query);
  const covers = filter ? usableCovers(sql, filter) : [];
  const rows = rowReader(sql, query, filter, covers);
  const { bodies, last, more } = collect(sourceOf(sql, query, covers), query, rows);
  const hot = hotBounds(sql);
  if (more) return { bodies, next: last, hot };
  const follows = query.by === 'seq' && query.order === 'asc' && query.until === undefined;
  return { bodies, next: follows ? { seq: Math.max(size, query.after?.seq ?? 0), time: '' } : null, hot };
}

/** Where the hot index begins. */
export function hotBounds(sql: SqlStorage): HotBounds {
  const [row] = sql.exec<{ seq: number; recorded_at: string }>('SELECT seq, recorded_at FROM events ORDER BY seq LIMIT 1');
  return row ? { first: row.seq, firstAt: row.recorded_at } : { first: (readHead(sql)?.size ?? 0) + 1, firstAt: null };
}

/** Takes candidates until the page is full, or enough were looked at. The first chunk is as large as the page. */
function collect(
  source: Source,
  { limit, after }: EventQuery,
  rows: RowReader,
): { bodies: string[]; last: EventPosition | null; more: boolean } {
  const bodies: string[] = [];
  let last = after ?? null;
  let scanned = 0;
  let characters = 0;
  for (let size = limit + 1; ; size = Math.min(size * 2, LARGEST_CHUNK)) {
    const chunk = source.next(last, size);
    for (const candidate of chunk) {
      if (bodies.length === limit || characters > PAGE_CHARACTERS || scanned === SCAN_LIMIT || rows.unpacked() >= UNPACK_LIMIT)
        return { bodies, last, more: true };
      scanned++;
      last = candidate;
      const body = rows.read(candidate.seq, bodies.length > 0);
      if (body === null) continue;
      characters += body.length;
      bodies.push(body);
    }
    if (chunk.length < size) return { bodies, last, more: false };
  }
}

interface RowReader {
  /** the event's JSON; null when it does not match, or is not there. @param begun the page has something already */
  read(seq: number, begun: boolean): string | null;
  unpacked(): number;
}

/** The events of those numbers that are in the hot index, in order. */
export function hotEvents(sql: SqlStorage, seqs: readonly number[]): string[] {
  const rows = sql.exec<Body>(
    `SELECT ${BODY} FROM events WHERE seq IN (SELECT value FROM json_each(?)) AND ${KEPT} ORDER BY seq`,
    JSON.stringify(seqs),
  );
  return Array.from(rows, bodyOf);
}

function rowReader(sql: SqlStorage, query: EventQuery, filter: Filter | null, covers: readonly Cover[]): RowReader {
  const plain = rowStatement(query, []);
  const narrow = rowStatement(query, covers);
  let asked = 0;
  let unpacked = 0;
  return {
    unpacked: () => (filter ? unpacked : 0),
    read(seq, begun) {
      // Most candidates match, or it is soon seen that they don't: only then asking for their terms pays.
      const { text, params } = asked++ > query.limit ? narrow : plain;
      const [row] = sql.exec<Body & { salt: ArrayBuffer }>(text, seq, ...params);
      if (!row) return null;
      if (isErased(row)) return takesErased(query, begun) ? erasedLineOf(sql, seq) : null;
      unpacked++;
      const body = bodyOf(row);
      if (filter && !matchesFilter(filter, eventIn(body))) return null;
      return query.form === 'line' ? lineOf(row.salt, body) : body;
    },
  };
}

/**
 * What is left of an erased event belongs to lines without gaps, once they have begun: it has no time, and no choice takes it.
 * Everywhere else it is passed over, and positions go on over it.
 */
export const takesErased = ({ form, filter, since, until, after }: EventQuery, begun: boolean): boolean =>
  form === 'line' && filter === undefined && until === undefined && (since === undefined || begun || after !== undefined);

/** One event, if it has the terms that it must have and lies in the range of time. */
export function rowStatement({ since, until, by }: EventQuery, covers: readonly Cover[]): { text: string; params: SqlStorageValue[] } {
  const conditions: string[] = [];
  const params: SqlStorageValue[] = [];
  for (const { terms, match } of covers) {
    if (match !== null) continue;
    conditions.push(
      `AND EXISTS (SELECT 1 FROM json_each(?) AS wanted CROSS JOIN terms WHERE term = wanted.value AND terms.seq = events.seq)`,
    );
    params.push(JSON.stringify(terms));
  }
  if (since !== undefined && (by === 'time' || until !== undefined)) {
    conditions.push('AND time >= ?');
    params.push(since);
  }
  if (until !== undefined) {
    conditions.push('AND time < ?');
    params.push(until);
  }
  return { text: `SELECT salt, ${BODY} FROM events WHERE seq = ? ${conditions.join(' ')}`, params };
}

function sourceOf(sql: SqlStorage, query: EventQuery, covers: readonly Cover[]): Source {
  const { order, by, after } = query;
  if (by === 'time' && covers.length === 0) return byTime(sql, query);
  const range = by === 'time' || query.until !== undefined ? reachOf(sql, query) : { low: 1, high: Number.MAX_SAFE_INTEGER };
  const rest = by === 'seq' && after ? restOf(range, order, after.seq) : range;
  const cover = rarest(sql, covers, rest, order);
  if (by === 'seq') return byNumber(sql, range, order, cover);
  return (cover && sortedByTime(sql, query, cover)) ?? byTime(sql, query);
}

const restOf = (range: SeqRange, order: EventQuery['order'], seq: number): SeqRange =>
  order === 'asc' ? { ...range, low: seq + 1 } : { ...range, high: seq - 1 };

/** None while events of a former version have no terms yet. */
export function usableCovers(sql: SqlStorage, filter: Filter): Cover[] {
  return upgradeState(sql).indexedFrom > 1 ? [] : coversOf(filter, seenIn(sql));
}

export const seenIn =
  (sql: SqlStorage): Seen =>
  (attribute) =>
    Array.from(sql.exec<{ value: string }>('SELECT value FROM seen WHERE attribute = ?', attribute), ({ value }) => value);

const PARAMETERS = {
  actorId: 'actor.id',
  action: 'action',
  resourceType: 'resource.type',
  resourceId: 'resource.id',
  outcome: 'outcome',
} as const satisfies Partial<Record<keyof EventQuery, FilterAttribute>>;

/** The filter of a query and its plain parameters in one; null when everything matches. */
export function filterOf(query: EventQuery): Filter | null {
  const parts: Filter[] = [];
  for (const [parameter, attribute] of Object.entries(PARAMETERS) as Array<[keyof typeof PARAMETERS, FilterAttribute]>) {
    const value = query[parameter];
    if (value !== undefined) parts.push({ kind: 'compare', attribute, operator: 'eq', value });
  }
  if (query.filter) parts.push(query.filter);
  return parts.length > 1 ? { kind: 'and', parts } : (parts[0] ?? null);
}

/** A poller that begins at a time gets everything recorded from then on. */
function sinceAsPosition(sql: SqlStorage, query: EventQuery): EventQuery {
  if (query.by !== 'seq' || query.order !== 'asc' || query.after || query.since === undefined || query.until !== undefined) return query;
  return { ...query, after: { seq: firstRecordedFrom(sql, query.since) - 1, time: '' } };
}
