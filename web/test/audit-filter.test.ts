import { describe, expect, it } from 'vitest';
import { auditQuery, histogramQuery } from '@gatehouse/core/api/audit.ts';
import {
  chartOf,
  faultIn,
  filterFrom,
  narrowed,
  paramsOf,
  queryOf,
  sameFilter,
  wantedOf,
  withFields,
  type AuditFilter,
} from '../src/lib/audit/filter.ts';
import { route } from '../src/lib/route.ts';
import { NOW } from './data.ts';

const fromAddress = (address: string) => filterFrom(new URL(address, 'http://localhost').searchParams);

const FILTERS: AuditFilter[] = [
  {},
  { outcome: 'denied' },
  { resourceType: 'template', resourceId: 'tpl_x', action: 'template.acl.update', actorId: 'usr_x', outcome: 'success', range: '7d' },
  { since: '2026-11-22T10:00:00.000Z', until: '2026-11-23T10:00:00.000Z' },
  { q: 'payments & “cards”', filter: 'actor.email eq "ines+x@meridian.test" and not (outcome eq "success")', range: '24h' },
  { filter: 'action eq' },
];

describe('the filters of the audit log', () => {
  it.each(FILTERS)('survive the way through the address: %o', (filter) => {
    expect(fromAddress(route.audit(paramsOf(filter)))).toEqual(filter);
  });

  it.each(FILTERS)('ask what the API accepts, newest first: %o', (filter) => {
    const asked = queryOf(filter, NOW);
    expect(auditQuery.parse(asked)).toMatchObject({ order: 'desc' });
    expect(asked).not.toHaveProperty('range');
  });

  it('leave out what an address holds that nobody understands', () => {
    expect(fromAddress('/audit?outcome=maybe&action=rm+-rf&range=9y&since=yesterday&resourceType=user&x=1')).toEqual({
      resourceType: 'user',
    });
  });

  it('let a range end now', () => {
    expect(queryOf({ range: '24h' }, NOW).since).toBe('2026-11-22T10:00:00.000Z');
  });

  it('hold a range or fixed times, never both', () => {
    const fixed = withFields({ range: '1h', outcome: 'denied' }, { since: '2026-11-22T10:00:00.000Z' });
    expect(fixed).toEqual({ outcome: 'denied', since: '2026-11-22T10:00:00.000Z' });
    expect(withFields(fixed, { range: '30d' })).toEqual({ outcome: 'denied', range: '30d' });
  });

  it('lose a field that is taken out', () => {
    expect(withFields({ outcome: 'denied', action: 'user.sign_in' }, { outcome: undefined })).toEqual({ action: 'user.sign_in' });
  });

  it('are narrowed by a value of an event to it or to all others, beside what was asked for', () => {
    expect(narrowed({ range: '7d' }, 'actor.id', 'usr_x')).toEqual({ range: '7d', actorId: 'usr_x' });
    expect(narrowed({ outcome: 'denied' }, 'origin.ip', '192.0.2.7')).toEqual({ outcome: 'denied', filter: 'origin.ip eq "192.0.2.7"' });
    expect(narrowed({ outcome: 'denied' }, 'outcome', 'denied', true)).toEqual({ filter: 'outcome ne "denied"' });
    const typed = { filter: 'action eq "audit.read" or status gt 399' };
    expect(narrowed(typed, 'action', 'user.sign_in', true).filter).toBe(
      '(action eq "audit.read" or status gt 399) and action ne "user.sign_in"',
    );
    expect(narrowed(narrowed({}, 'origin.ip', 'a', true), 'origin.ip', 'b', true).filter).toBe('origin.ip ne "a" and origin.ip ne "b"');
    expect(narrowed({ filter: 'action eq' }, 'origin.ip', 'a').filter).toBe('origin.ip eq "a"');
  });

  it('are the same in whatever order they were chosen', () => {
    expect(sameFilter({ action: 'user.sign_in', outcome: 'failure' }, { outcome: 'failure', action: 'user.sign_in' })).toBe(true);
    expect(sameFilter({ outcome: 'failure' }, {})).toBe(false);
  });

  it('say where a typed filter is wrong, and why', () => {
    expect(faultIn('')).toBeNull();
    expect(faultIn('action sw "template."')).toBeNull();
    expect(faultIn('actor.mail eq "x"')).toEqual({ position: 0, message: 'There is no attribute of this name' });
    expect(faultIn('action eq ')?.position).toBe(10);
  });

  it('leave the time to whoever asks for it', () => {
    expect(wantedOf({ outcome: 'denied', q: 'x', range: '24h', since: '2026-11-22T10:00:00.000Z' })).toEqual({ outcome: 'denied', q: 'x' });
  });
});

describe('the chart of a filter', () => {
  it.each(FILTERS)('asks what the API accepts: %o', (filter) => {
    expect(histogramQuery.safeParse({ ...wantedOf(filter), ...chartOf(filter, null, NOW) }).success).toBe(true);
  });

  it('has bars of 15 minutes for a day, and ends now', () => {
    expect(chartOf({ range: '24h' }, null, NOW)).toEqual({
      since: '2026-11-22T10:00:00.000Z',
      until: '2026-11-23T10:00:00.000Z',
      buckets: 96,
    });
  });

  it('begins where the log begins when every time is shown', () => {
    expect(chartOf({}, '2026-11-01T00:00:00.000Z', NOW).since).toBe('2026-11-01T00:00:00.000Z');
  });

  it('has no bar shorter than a second, however narrow', () => {
    const narrow = { since: '2026-11-22T10:00:00.000Z', until: '2026-11-22T10:00:05.000Z' };
    expect(chartOf(narrow, null, NOW)).toEqual({ ...narrow, buckets: 5 });
    expect(chartOf({ since: narrow.since, until: narrow.since }, null, NOW)).toMatchObject({ buckets: 1 });
  });
});
