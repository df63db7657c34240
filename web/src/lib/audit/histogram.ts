import type { Histogram } from '@gatehouse/core/api/audit.ts';

type Bucket = Histogram['buckets'][number];

export interface Bar extends Bucket {
  /** where it ends: where the next one begins */
  until: string;
  total: number;
}

/** The bars of a chart. @param until end of the last one */
export const barsOf = (buckets: readonly Bucket[], until: string): Bar[] =>
  buckets.map((bucket, index) => ({
    ...bucket,
    until: buckets[index + 1]?.from ?? until,
    total: bucket.success + bucket.failure + bucket.denied,
  }));

export const totalsOf = (buckets: readonly Bucket[]) => {
  const sum = (key: 'success' | 'failure' | 'denied') => buckets.reduce((total, bucket) => total + bucket[key], 0);
  const [success, failure, denied] = [sum('success'), sum('failure'), sum('denied')];
  return { success, failure, denied, total: success + failure + denied };
};

export interface Piece {
  outcome: 'success' | 'failure' | 'denied';
  y: number;
  height: number;
}
const GAP = 0.8;
/** One refusal among thousands must be seen. */
const LEAST = 1.6;

/** What of a bar is drawn, from below: what is normal first. */
export function piecesOf(bar: Bucket, most: number, height: number): Piece[] {
  const parts = (['success', 'failure', 'denied'] as const).filter((outcome) => bar[outcome] > 0);
  const gaps = GAP * (parts.length - 1);
  const heights = parts.map((outcome) => Math.max(LEAST, (bar[outcome] / Math.max(1, most)) * (height - gaps)));
  const over = heights.reduce((sum, each) => sum + each, gaps) - height;
  let y = height;
  return parts.map((outcome, index) => {
    // What must be seen is not squeezed: the largest part gives way.
    const isLargest = heights[index] === Math.max(...heights);
    const tall = Math.max(LEAST, (heights[index] ?? 0) - (isLargest && over > 0 ? over : 0));
    y -= tall + (index === 0 ? 0 : GAP);
    return { outcome, y, height: tall };
  });
}

/** The times of the bars between two of them, in whatever order they were chosen. */
export function spanOf(bars: readonly Bar[], one: number, other: number): { since: string; until: string } | null {
  const [first, last] = [bars[Math.min(one, other)], bars[Math.max(one, other)]];
  return first && last ? { since: first.from, until: last.until } : null;
}

const MINUTE = 60_000;

/** "15 minutes", "2 hours": what one bar stands for */
export function stepWords(bars: readonly Bar[]): string {
  const [first] = bars;
  if (first === undefined) return '';
  const minutes = (Date.parse(first.until) - Date.parse(first.from)) / MINUTE;
  const said = (figure: number, word: string) => `${Number(figure.toFixed(figure < 10 ? 1 : 0))} ${word}${figure === 1 ? '' : 's'}`;
  if (minutes < 1) return said(Math.round(minutes * 60), 'second');
  if (minutes < 90) return said(minutes, 'minute');
  return minutes < 36 * 60 ? said(minutes / 60, 'hour') : said(minutes / 1440, 'day');
}
