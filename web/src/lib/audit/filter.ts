import { z } from 'zod';
import { auditAction, auditQuery, MOST_BUCKETS } from '@gatehouse/core/api/audit.ts';
import { time } from '@gatehouse/core/api/common.ts';
import { OUTCOMES, RESOURCE_TYPES } from '@gatehouse/core/audit/event.ts';
import { FilterFaulty, parseFilter, printFilter, type Filter } from '@gatehouse/core/audit/filter.ts';
import type { FilterAttribute } from '@gatehouse/core/audit/filter-attributes.ts';
import type { AuditQuery } from '#lib/api/audit.ts';

const HOUR = 3_600_000;

/** Time ranges that end now, and in how many bars they are drawn: of 1 minute, 15 minutes, 2 hours and 6 hours. */
export const RANGES = {
  '1h': { label: 'Last hour', hours: 1, bars: 60 },
  '24h': { label: 'Last 24 hours', hours: 24, bars: 96 },
  '7d': { label: 'Last 7 days', hours: 168, bars: 84 },
  '30d': { label: 'Last 30 days', hours: 720, bars: 120 },
} as const;
const BARS = 96;
export type RangeName = keyof typeof RANGES;
const rangeNames = Object.keys(RANGES) as [RangeName, ...RangeName[]];

/**
 * What the audit page shows, as it stands in the address. A range that ends now moves on; `since` and `until` don't. A typed
 * `filter` stays as it was typed, faults included: they are shown where they stand.
 */
const fields = {
  q: z.string().trim().min(1).max(200),
  filter: z.string().trim().min(1).max(2_000),
  resourceType: z.enum(RESOURCE_TYPES),
  resourceId: auditQuery.shape.resourceId.unwrap(),
  action: auditAction,
  actorId: auditQuery.shape.actorId.unwrap(),
  outcome: z.enum(OUTCOMES),
  range: z.enum(rangeNames),
  since: time,
  until: time,
};
export type FilterField = keyof typeof fields;
export type AuditFilter = { [K in FilterField]?: z.output<(typeof fields)[K]> };

const NAMES = Object.keys(fields) as FilterField[];

/** The filter in an address; what is not understood is left out. */
export function filterFrom(params: URLSearchParams): AuditFilter {
  const entries = NAMES.flatMap((name) => {
    const parsed = fields[name].safeParse(params.get(name) ?? undefined);
    return parsed.success ? [[name, parsed.data]] : [];
  });
  return Object.fromEntries(entries);
}

/** The filter of such parameters as they were kept. */
export const filterOf = (params: Record<string, string>): AuditFilter => filterFrom(new URLSearchParams(params));

/** The filter as it stands in an address, always in the same order. */
export function paramsOf(filter: AuditFilter): Record<string, string> {
  return Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = filter[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The filter with some fields set, or taken out by `undefined`. A range and fixed times exclude each other. */
export function withFields(filter: AuditFilter, changes: { [K in FilterField]?: AuditFilter[K] | undefined }): AuditFilter {
  const merged: Record<string, string | undefined> = { ...filter };
  if (changes.range !== undefined) Object.assign(merged, { since: undefined, until: undefined });
  if (changes.since !== undefined || changes.until !== undefined) merged.range = undefined;
  Object.assign(merged, changes);
  return filterFrom(new URLSearchParams(Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined)));
}

/** Attributes that have a field of their own. */
const FIELDS: Partial<Record<FilterAttribute, FilterField>> = { action: 'action', outcome: 'outcome', 'actor.id': 'actorId' };

/** The filter narrowed to what has a value, or to all that has not: beside what was asked for already. */
export function narrowed(filter: AuditFilter, attribute: FilterAttribute, value: string | number, isNot = false): AuditFilter {
  const field = FIELDS[attribute];
  if (field !== undefined && !isNot) return withFields(filter, { [field]: value });
  const part: Filter = { kind: 'compare', attribute, operator: isNot ? 'ne' : 'eq', value };
  const typed = filter.filter === undefined || faultIn(filter.filter) !== null ? null : parseFilter(filter.filter);
  const before = typed === null ? [] : typed.kind === 'and' ? typed.parts : [typed];
  const parts = [...before, part];
  // What stands in a field is taken back, where it is what shall not be.
  const dropped = field !== undefined && isNot && filter[field] === value ? { [field]: undefined } : {};
  return withFields(filter, { ...dropped, filter: printFilter(before.length === 0 ? part : { kind: 'and', parts }) });
}

/** What is asked of the API. @param now milliseconds */
export const queryOf = (filter: AuditFilter, now: number): AuditQuery => ({ ...exportedOf(filter, now), order: 'desc' });

/** The same, of what is not a page: an export. */
export function exportedOf({ range, ...rest }: AuditFilter, now: number): Omit<AuditQuery, 'order' | 'format'> {
  const since = range === undefined ? {} : { since: new Date(now - RANGES[range].hours * HOUR).toISOString() };
  return { ...rest, ...since };
}

/** What is looked for, whenever it happened. */
export function wantedOf({
  range: _range,
  since: _since,
  until: _until,
  ...wanted
}: AuditFilter): Omit<AuditFilter, 'range' | 'since' | 'until'> {
  return wanted;
}

/** The times that a chart of it begins and ends with, and its bars. @param begin of the log, for want of another */
export function chartOf({ range, since, until }: AuditFilter, begin: string | null, now: number) {
  const end = until === undefined ? now : Date.parse(until);
  const hours = range === undefined ? null : RANGES[range].hours;
  const start = hours === null ? Date.parse(since ?? begin ?? new Date(end - 24 * HOUR).toISOString()) : now - hours * HOUR;
  const bars = range === undefined ? BARS : RANGES[range].bars;
  // No bar is shorter than a second.
  const most = Math.max(1, Math.floor((end - start) / 1000));
  return {
    since: new Date(Math.min(start, end - 1000)).toISOString(),
    until: new Date(end).toISOString(),
    buckets: Math.min(bars, most, MOST_BUCKETS),
  };
}

/** What is wrong with a typed filter, and where; null when nothing is. */
export function faultIn(text: string): { position: number; message: string } | null {
  if (text.trim() === '') return null;
  try {
    parseFilter(text);
    return null;
  } catch (error) {
    if (!(error instanceof FilterFaulty)) throw error;
    return { position: error.position, message: error.message };
  }
}

/** Whether both show the same. */
export const sameFilter = (one: AuditFilter, other: AuditFilter): boolean =>
  new URLSearchParams(paramsOf(one)).toString() === new URLSearchParams(paramsOf(other)).toString();
