import type { EventPage, EventPosition, EventQuery } from '../platform/objects.ts';
import { oldestHot } from './ledger.schema.ts';

/** Rows that one page may look at: what matches seldom is read over several pages instead of blocking the object. */
export const SCAN_LIMIT = 20_000;

interface Row extends Record<string, SqlStorageValue> {
  seq: number;
  time: string;
  actor_id: string | null;
  action: string;
  resource_type: string;
  resource_id: string | null;
  outcome: string;
  body: string;
}

/** One page of the hot index. @param size number of events ever */
export function readPage(sql: SqlStorage, query: EventQuery, size: number): EventPage {
  const { text, params } = select(sinceAsPosition(sql, query, size));
  const bodies: string[] = [];
  let scanned = 0;
  let last: EventPosition | null = null;
  let more = false;
  for (const row of sql.exec<Row>(text, ...params)) {
    more = bodies.length === query.limit || scanned === SCAN_LIMIT;
    if (more) break;
    scanned++;
    last = { seq: row.seq, time: row.time };
    if (matches(row, query)) bodies.push(row.body);
  }
  const oldest = oldestHot(sql) ?? 0;
  if (more) return { bodies, next: last, oldest };
  const follows = query.by === 'seq' && query.order === 'asc';
  return { bodies, next: follows ? { seq: Math.max(size, query.after?.seq ?? 0), time: '' } : null, oldest };
}

function matches(row: Row, query: EventQuery): boolean {
  return (
    (query.actorId === undefined || row.actor_id === query.actorId) &&
    (query.action === undefined || row.action === query.action) &&
    (query.resourceType === undefined || row.resource_type === query.resourceType) &&
    (query.resourceId === undefined || row.resource_id === query.resourceId) &&
    (query.outcome === undefined || row.outcome === query.outcome)
  );
}

/** The events of those numbers that are in the hot index, in order. */
export function hotEvents(sql: SqlStorage, seqs: readonly number[]): string[] {
  const rows = sql.exec<{ body: string }>(
    'SELECT body FROM events WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq',
    JSON.stringify(seqs),
  );
  return Array.from(rows, ({ body }) => body);
}

const COLUMNS = 'seq, time, actor_id, action, resource_type, resource_id, outcome, body';

/** The statement that walks candidates in order. Each names its index, and SQLite refuses it should the index not fit. */
export function select(query: EventQuery): { text: string; params: SqlStorageValue[] } {
  return query.by === 'time' ? selectByTime(query) : selectBySeq(query);
}

function selectByTime({ order, after, since, until }: EventQuery): { text: string; params: SqlStorageValue[] } {
  const ascending = order === 'asc';
  const low = (ascending ? after?.time : undefined) ?? since ?? '';
  // Text of times sorts before `~`; a descending page ends with the cursor's own time, the pair below cuts exactly.
  const high = until ?? '~';
  const beyond = after ? `AND (time, seq) ${ascending ? '>' : '<'} (?, ?)` : '';
  const upper = !ascending && after ? 'AND time <= ?' : 'AND time < ?';
  return {
    text: `SELECT ${COLUMNS} FROM events INDEXED BY events_time WHERE time >= ? ${upper} ${beyond} ORDER BY time ${order}, seq ${order}`,
    params: [low, !ascending && after ? after.time : high, ...(after ? [after.time, after.seq] : [])],
  };
}

function selectBySeq(query: EventQuery): { text: string; params: SqlStorageValue[] } {
  const ascending = query.order === 'asc';
  const position = query.after?.seq ?? (ascending ? 0 : Number.MAX_SAFE_INTEGER);
  const { index, condition, value } = driverOf(query);
  return {
    text: `SELECT ${COLUMNS} FROM events ${index} WHERE ${condition} seq ${ascending ? '>' : '<'} ? ORDER BY seq ${query.order}`,
    params: [...(value === undefined ? [] : [value]), position],
  };
}

/** The index that narrows most, of those the filter allows. */
function driverOf(query: EventQuery): { index: string; condition: string; value?: string } {
  if (query.resourceId !== undefined)
    return { index: 'INDEXED BY events_resource', condition: 'resource_id = ? AND', value: query.resourceId };
  if (query.actorId !== undefined) return { index: 'INDEXED BY events_actor', condition: 'actor_id = ? AND', value: query.actorId };
  if (query.outcome !== undefined && query.outcome !== 'success')
    return { index: 'INDEXED BY events_outcome', condition: "outcome = ? AND outcome <> 'success' AND", value: query.outcome };
  if (query.action !== undefined) return { index: 'INDEXED BY events_action', condition: 'action = ? AND', value: query.action };
  if (query.resourceType !== undefined)
    return { index: 'INDEXED BY events_type', condition: 'resource_type = ? AND', value: query.resourceType };
  return { index: 'NOT INDEXED', condition: '' };
}

/**
 * A poller that begins at a time gets everything recorded from then on. The time of recording never runs
 * backwards, so the position is found by halving, without an index.
 */
function sinceAsPosition(sql: SqlStorage, query: EventQuery, size: number): EventQuery {
  if (query.by !== 'seq' || query.order !== 'asc' || query.after || query.since === undefined) return query;
  let low = oldestHot(sql) ?? size + 1;
  let high = size + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { recorded_at } = sql.exec<{ recorded_at: string }>('SELECT recorded_at FROM events WHERE seq = ?', middle).one();
    if (recorded_at < query.since) low = middle + 1;
    else high = middle;
  }
  return { ...query, after: { seq: low - 1, time: '' } };
}
