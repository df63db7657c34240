import { describe, expect, it } from 'vitest';
import { daysOf, deletionAt, utcDay } from '../src/lib/organisation/retention.ts';

const NOW = Date.parse('2026-11-27T13:45:00.000Z');

describe('what a shorter retention deletes', () => {
  it('is every day that has been over for so long, to the day', () => {
    const { before, first } = deletionAt(90, '2025-01-01T08:00:00.000Z', NOW);
    expect(before).toBe('2026-08-29T00:00:00.000Z');
    expect(first).toBeNull();
  });

  it.each([
    ['2026-08-28T23:59:59.999Z', '2026-08-29T00:00:00.000Z', null],
    ['2026-08-29T00:00:00.000Z', null, '2026-11-28T00:00:00.000Z'],
    ['2026-11-27T09:00:00.000Z', null, '2027-02-26T00:00:00.000Z'],
  ])('is nothing yet where the organisation is younger: made %s', (createdAt, before, first) => {
    expect(deletionAt(90, createdAt, NOW)).toEqual({ before, first });
  });

  it('is said by its day in UTC, wherever the reader is', () => expect(utcDay('2026-08-29T00:00:00.000Z')).toBe('29 August 2026'));
});

describe('the number of days that was typed', () => {
  it.each(['90', ' 365 '])('is read: %j', (typed) => expect(daysOf(typed)).toBe(Number(typed)));
  it.each(['', 'a year', '90.5', '-30', '1e3'])('is none: %j', (typed) => expect(daysOf(typed)).toBeNaN());
});
