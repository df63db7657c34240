/** When the events of a trail happened: in bursts, mostly in working hours, fewer at night and at weekends. */

/** Events number `from` to `to` of a trail of so many that ends at `end`, in milliseconds. */
export interface Fill {
  from: number;
  to: number;
  total: number;
  end: number;
  days: number;
}

/** What the door of this Worker takes: the history of a ledger, or events that happen now. */
export interface Asked {
  tenantId: string;
  fill?: Fill;
  happen?: { from: number; count: number };
}

const HOUR = 3_600_000;
/** Events that happen, and are recorded, together. */
export const BURST = 20;
const BETWEEN_MS = 40;

/** Places of the hours of a span on a line from 0 to 1, each as long as there is to do in it. */
export interface Calendar {
  begin: number;
  ends: number[];
}

/** @param end milliseconds; @param days before it that the calendar begins */
export function calendarOf(end: number, days: number): Calendar {
  const begin = end - days * 24 * HOUR;
  const weights = Array.from({ length: days * 24 }, (_, hour) => weightOf(new Date(begin + hour * HOUR)));
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return { begin, ends: weights.map((weight) => (sum += weight) / all) };
}

function weightOf(at: Date): number {
  const isWeekend = at.getUTCDay() % 6 === 0;
  const hour = at.getUTCHours();
  const busy = hour >= 7 && hour < 18 ? 10 : hour >= 6 && hour < 21 ? 4 : 1;
  return isWeekend ? busy / 5 : busy;
}

/** When event n of so many happened. @returns milliseconds */
export function timeOf({ begin, ends }: Calendar, n: number, total: number): number {
  const bursts = Math.ceil(total / BURST);
  const share = Math.floor((n - 1) / BURST) / bursts;
  const hour = firstBeyond(ends, share);
  const from = ends[hour - 1] ?? 0;
  const within = (share - from) / ((ends[hour] ?? 1) - from);
  return Math.floor(begin + (hour + within) * HOUR) + ((n - 1) % BURST) * BETWEEN_MS;
}

function firstBeyond(ends: readonly number[], share: number): number {
  let [low, high] = [0, ends.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((ends[middle] ?? 1) <= share) low = middle + 1;
    else high = middle;
  }
  return low;
}
