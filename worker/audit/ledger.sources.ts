import type { EventPosition, EventQuery } from '../platform/objects.ts';
import { readDrift } from './ledger.index.ts';
import type { Cover } from './ledger.plan.ts';
import { oldestHot } from './ledger.schema.ts';

/** A cover of more terms is only a condition. */
const MOST_TERMS = 40;
/** Lists that one statement merges: the platform takes five at most. */
const MERGED_AT_ONCE = 4;
/** Entries of a list that are looked at to tell how dense it is. */
const PROBED = 8;
/** A list that is no longer than this within a range of time is sorted by time in memory. */
const SORTED = 2_000;

/** Candidates in the order of the page. */
export interface Source {
  next(after: EventPosition | null, limit: number): EventPosition[];
}

export interface Statement {
  text: string;
  params: SqlStorageValue[];
}

/** Numbers of events, both ends included. */
export interface SeqRange {
  low: number;
  high: number;
}

type Order = EventQuery['order'];

/** Every event of the range by its number. */
export const walkStatement = ({ low, high }: SeqRange, order: Order, limit: number): Statement => ({
  text: `SELECT seq FROM events WHERE seq BETWEEN ? AND ? ORDER BY seq ${order} LIMIT ?`,
  params: [low, high, limit],
});

/** Every event of the range of time, by time, beyond the position. */
export function timeStatement({ order, since, until }: EventQuery, after: EventPosition | null, limit: number): Statement {
  const ascending = order === 'asc';
  const low = (ascending ? after?.time : undefined) ?? since ?? '';
  // Text of times sorts before `~`; a descending page ends with the cursor's own time, the pair below cuts exactly.
  const high = !ascending && after ? after.time : (until ?? '~');
  const beyond = after ? `AND (time, seq) ${ascending ? '>' : '<'} (?, ?)` : '';
  return {
    text: `SELECT seq, time FROM events INDEXED BY events_time WHERE time >= ? AND time ${!ascending && after ? '<=' : '<'} ? ${beyond}
           ORDER BY time ${order}, seq ${order} LIMIT ?`,
    params: [low, high, ...(after ? [after.time, after.seq] : []), limit],
  };
}

/**
 * The events of a cover by their numbers: one list for each term and one for the text, merged as they are read, a few in
 * each statement. Numbers are cast: they come as floating point, and a full-text index begins only at an integer.
 */
export function coverStatements({ terms, match }: Cover, { low, high }: SeqRange, order: Order, limit: number): Statement[] {
  const lists: Statement[] = terms.map((term) => ({
    text: 'SELECT seq FROM terms WHERE term = ? AND seq BETWEEN ? AND ?',
    params: [term, low, high],
  }));
  const statements = Array.from({ length: Math.ceil(lists.length / MERGED_AT_ONCE) }, (_, index): Statement => {
    const some = lists.slice(index * MERGED_AT_ONCE, (index + 1) * MERGED_AT_ONCE);
    return {
      text: `${some.map(({ text }) => text).join(' UNION ')} ORDER BY seq ${order} LIMIT ?`,
      params: [...some.flatMap(({ params }) => params), limit],
    };
  });
  if (match === null) return statements;
  const text = `SELECT rowid AS seq FROM search WHERE search MATCH ? AND rowid BETWEEN CAST(? AS INTEGER) AND CAST(? AS INTEGER)
                ORDER BY rowid ${order} LIMIT ?`;
  return [...statements, { text, params: [match, low, high, limit] }];
}

/** The first so many events of a cover. */
export function coverPositions(sql: SqlStorage, cover: Cover, range: SeqRange, order: Order, limit: number): EventPosition[] {
  const lists = coverStatements(cover, range, order, limit).map((statement) => positions(sql, statement));
  if (lists.length === 1) return lists[0] ?? [];
  const sign = order === 'asc' ? 1 : -1;
  const merged = lists.flat().sort((a, b) => sign * (a.seq - b.seq));
  return merged.filter(({ seq }, index) => seq !== merged[index - 1]?.seq).slice(0, limit);
}

const positions = (sql: SqlStorage, { text, params }: Statement): EventPosition[] =>
  Array.from(sql.exec<{ seq: number; time?: string }>(text, ...params), ({ seq, time }) => ({ seq, time: time ?? '' }));

const beyond = (range: SeqRange, order: Order, after: EventPosition | null): SeqRange => {
  if (!after) return range;
  return order === 'asc' ? { ...range, low: after.seq + 1 } : { ...range, high: after.seq - 1 };
};

export const byNumber = (sql: SqlStorage, range: SeqRange, order: Order, cover: Cover | null): Source => ({
  next: (after, limit) => {
    const rest = beyond(range, order, after);
    return cover ? coverPositions(sql, cover, rest, order, limit) : positions(sql, walkStatement(rest, order, limit));
  },
});

export const byTime = (sql: SqlStorage, query: EventQuery): Source => ({
  next: (after, limit) => positions(sql, timeStatement(query, after, limit)),
});

/** The events of a cover within a range of time, by time; null when they are too many to be sorted. */
export function sortedByTime(sql: SqlStorage, query: EventQuery, cover: Cover): Source | null {
  const { since = '', until = '~', order } = query;
  const found = coverPositions(sql, cover, reachOf(sql, query), 'asc', SORTED + 1);
  if (found.length > SORTED) return null;
  const sign = order === 'asc' ? 1 : -1;
  const sorted = found
    .flatMap(({ seq }) =>
      Array.from(sql.exec<{ time: string }>('SELECT time FROM events WHERE seq = ?', seq), ({ time }) => ({ seq, time })),
    )
    .filter(({ time }) => time >= since && time < until)
    .sort((a, b) => sign * compare(a, b));
  return { next: (after, limit) => sorted.filter((each) => !after || sign * compare(each, after) > 0).slice(0, limit) };
}

const compare = (a: EventPosition, b: EventPosition): number => (a.time === b.time ? a.seq - b.seq : a.time < b.time ? -1 : 1);

/** The numbers between which every event of a range of time lies, by how far times and recording ever lay apart. */
export function reachOf(sql: SqlStorage, { since, until }: Pick<EventQuery, 'since' | 'until'>): SeqRange {
  const { ahead, behind } = readDrift(sql);
  return {
    low: since === undefined ? 1 : firstRecordedFrom(sql, shifted(since, -ahead)),
    high: until === undefined ? Number.MAX_SAFE_INTEGER : firstRecordedFrom(sql, shifted(until, behind)) - 1,
  };
}

const shifted = (time: string, milliseconds: number): string => new Date(Date.parse(time) + milliseconds).toISOString();

/** The first event in the hot index that was recorded at that time or later: recording never runs backwards, so by halving. */
export function firstRecordedFrom(sql: SqlStorage, time: string): number {
  const newest = sql.exec<{ seq: number | null }>('SELECT max(seq) AS seq FROM events').one().seq ?? 0;
  let low = oldestHot(sql) ?? newest + 1;
  let high = newest + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { recorded_at } = sql.exec<{ recorded_at: string }>('SELECT recorded_at FROM events WHERE seq = ?', middle).one();
    if (recorded_at < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The cover whose events are the fewest hereabouts; null when none can be walked. */
export function rarest(sql: SqlStorage, covers: readonly Cover[], range: SeqRange, order: Order): Cover | null {
  const walkable = covers.filter(({ terms }) => terms.length <= MOST_TERMS);
  if (walkable.length <= 1) return walkable[0] ?? null;
  const [best] = walkable.map((cover) => ({ cover, spread: spreadOf(sql, cover, range, order) })).sort((a, b) => b.spread - a.spread);
  return best?.cover ?? null;
}

/** How many numbers the next few entries reach over: the more, the rarer. */
function spreadOf(sql: SqlStorage, cover: Cover, range: SeqRange, order: Order): number {
  const found = coverPositions(sql, cover, range, order, PROBED);
  const [first, last] = [found[0], found.at(-1)];
  if (found.length < PROBED || !first || !last) return Number.MAX_SAFE_INTEGER - found.length;
  return Math.abs(last.seq - (order === 'asc' ? range.low : Math.min(range.high, first.seq)));
}
