import { describe, expect, it } from 'vitest';
import { barsOf, piecesOf, spanOf, stepWords, totalsOf } from '../src/lib/audit/histogram.ts';

const START = Date.parse('2026-11-22T10:00:00.000Z');
const bucket = (minutes: number, success: number, failure = 0, denied = 0) => ({
  ...{ from: new Date(START + minutes * 60_000).toISOString(), success, failure, denied },
});
const bars = barsOf([bucket(0, 3), bucket(15, 0, 1), bucket(30, 1000, 0, 1)], bucket(45, 0).from);

describe('the chart over time', () => {
  it('sums what it shows', () => {
    expect(totalsOf(bars)).toEqual({ success: 1003, failure: 1, denied: 1, total: 1005 });
    expect(stepWords(bars)).toBe('15 minutes');
  });

  it('gives the times of the bars that were chosen, in whatever order', () => {
    const expected = { since: '2026-11-22T10:15:00.000Z', until: '2026-11-22T10:45:00.000Z' };
    expect(spanOf(bars, 1, 2)).toEqual(expected);
    expect(spanOf(bars, 2, 1)).toEqual(expected);
    expect(spanOf([], 0, 0)).toBeNull();
  });

  it('shows one refusal beside a thousand, within its height', () => {
    const pieces = piecesOf(bars[2] ?? expect.fail(), 1001, 56);
    expect(pieces.map(({ outcome }) => outcome)).toEqual(['success', 'denied']);
    expect(pieces[1]?.height).toBeGreaterThanOrEqual(1.6);
    expect(Math.min(...pieces.map(({ y }) => y))).toBeGreaterThanOrEqual(-0.001);
    expect(piecesOf(bucket(0, 0), 10, 56)).toEqual([]);
  });
});
