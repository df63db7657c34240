import { z } from 'zod';
import { auditAction, auditQuery } from '@gatehouse/core/api/audit.ts';
import { time } from '@gatehouse/core/api/common.ts';
import { OUTCOMES, RESOURCE_TYPES } from '@gatehouse/core/audit/event.ts';
import type { AuditQuery } from '#lib/api/audit.ts';

const HOUR = 3_600_000;

/** Time ranges that end now. */
export const RANGES = {
  '1h': { label: 'Last hour', hours: 1 },
  '24h': { label: 'Last 24 hours', hours: 24 },
  '7d': { label: 'Last 7 days', hours: 168 },
  '30d': { label: 'Last 30 days', hours: 720 },
} as const;
export type RangeName = keyof typeof RANGES;
const rangeNames = Object.keys(RANGES) as [RangeName, ...RangeName[]];

/** What the audit page shows, as it stands in the address. A range that ends now moves on; `since` and `until` don't. */
const fields = {
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

/** What is asked of the API. @param now milliseconds */
export function queryOf({ range, ...rest }: AuditFilter, now: number): AuditQuery {
  const since = range === undefined ? {} : { since: new Date(now - RANGES[range].hours * HOUR).toISOString() };
  return { ...rest, ...since, order: 'desc' };
}

/** What a security team asks most often. */
export const VIEWS: readonly { label: string; filter: AuditFilter }[] = [
  { label: 'Everything', filter: {} },
  { label: 'Failed sign-ins', filter: { action: 'user.sign_in', outcome: 'failure' } },
  { label: 'Refused', filter: { outcome: 'denied' } },
  { label: 'Changes of access', filter: { action: 'template.acl.update' } },
];

export const sameFilter = (one: AuditFilter, other: AuditFilter): boolean =>
  new URLSearchParams(paramsOf(one)).toString() === new URLSearchParams(paramsOf(other)).toString();
