import type { Histogram } from '@gatehouse/core/api/audit.ts';
import { matchesFilter, type Filter } from '@gatehouse/core/audit/filter.ts';
import type { EventPosition, HistogramQuery } from '../platform/objects.ts';
import { BODY, bodyOf, eventIn, isErased, type Body } from './ledger.body.ts';
import { countErased } from './ledger.erased.ts';
import { hotBounds, usableCovers } from './ledger.query.ts';
import { byNumber, firstRecordedFrom, rarest, type SeqRange } from './ledger.sources.ts';
import { termOf } from './terms.ts';

/** Entries of the lists of failures and denials that are counted at most. */
const COUNTED = 100_000;
/** Events that are looked at one by one at most, where a filter asks for it. */
const LOOKED_AT = 10_000;
const CHUNK = 1_000;

type Bucket = Histogram['buckets'][number];

/**
 * Counts events by the time of their recording, newest first, as far as the bound goes. Numbers have no gaps, so
 * without a filter the events of a bucket are the distance of its ends.
 */
export function histogram(sql: SqlStorage, query: HistogramQuery): Histogram {
  const { since, until, buckets: count } = query;
  const from = Date.parse(since);
  const step = Math.max(1, (Date.parse(until) - from) / count);
  const starts = Array.from({ length: count }, (_, index) => new Date(from + Math.round(index * step)).toISOString());
  const ends = [...starts.slice(1), until];
  const seqs = [...starts, until].map((time) => firstRecordedFrom(sql, time));
  const buckets = starts.map((start): Bucket => ({ from: start, success: 0, failure: 0, denied: 0 }));
  const range = { low: seqs[0] ?? 1, high: (seqs.at(-1) ?? 1) - 1 };
  const stopped = query.filter ? countMatches(sql, query.filter, range, ends, buckets) : countAll(sql, seqs, buckets);
  const { first, firstAt } = hotBounds(sql);
  const archived = first > 1 && (firstAt === null || since < firstAt);
  return { buckets, countedFrom: stopped ?? (archived ? (firstAt ?? until) : null) };
}

function countAll(sql: SqlStorage, seqs: readonly number[], buckets: Bucket[]): string | null {
  let left = COUNTED;
  for (let index = buckets.length - 1; index >= 0; index--) {
    const bucket = buckets[index];
    const range = { low: seqs[index] ?? 1, high: (seqs[index + 1] ?? 1) - 1 };
    if (!bucket || range.high < range.low) continue;
    const [failure, denied] = [countTerm(sql, 'failure', range, left + 1), countTerm(sql, 'denied', range, left + 1)];
    left -= failure + denied;
    if (left < 0) return buckets[index + 1]?.from ?? null;
    Object.assign(bucket, {
      failure,
      denied,
      success: range.high - range.low + 1 - failure - denied - countErased(sql, range.low, range.high),
    });
  }
  return null;
}

const countTerm = (sql: SqlStorage, outcome: 'failure' | 'denied', { low, high }: SeqRange, limit: number): number =>
  sql
    .exec<{ n: number }>(
      'SELECT count(*) AS n FROM (SELECT 1 FROM terms WHERE term = ? AND seq BETWEEN ? AND ? LIMIT ?)',
      ...[termOf('outcome', outcome), low, high, limit],
    )
    .one().n;

function countMatches(sql: SqlStorage, filter: Filter, range: SeqRange, ends: readonly string[], buckets: Bucket[]): string | null {
  const cover = rarest(sql, usableCovers(sql, filter), range, 'desc');
  const source = byNumber(sql, range, 'desc', cover);
  let after: EventPosition | null = null;
  let bucket = buckets.length - 1;
  for (let looked = 0; ; looked += CHUNK) {
    const chunk: EventPosition[] = source.next(after, CHUNK);
    for (const { seq } of chunk) {
      const [row] = sql.exec<Body & { recorded_at: string }>(`SELECT recorded_at, ${BODY} FROM events WHERE seq = ?`, seq);
      if (!row || isErased(row)) continue;
      while (bucket > 0 && row.recorded_at < (ends[bucket - 1] ?? '')) bucket--;
      const event = eventIn(bodyOf(row));
      const counted = buckets[bucket];
      if (counted && matchesFilter(filter, event)) counted[event.outcome]++;
    }
    after = chunk.at(-1) ?? after;
    if (chunk.length < CHUNK) return null;
    if (looked + CHUNK >= LOOKED_AT) return buckets[bucket]?.from ?? null;
  }
}
