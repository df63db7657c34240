import type { Health } from '@gatehouse/core/api/audit.ts';

const DAY_MS = 86_400_000;

export interface HealthDay {
  /** ISO, midnight UTC */
  at: string;
  events: number;
  taken: number;
  refused: number;
  /** no answer, or one that says to come again */
  broken: number;
}

/** The last thirty days, one after the other; days without requests too. */
export function daysOf({ items }: Health, now: number): HealthDay[] {
  const byDay = new Map(items.map((item) => [item.at.slice(0, 10), item]));
  return Array.from({ length: 30 }, (_, index) => {
    const at = new Date(Math.floor(now / DAY_MS) * DAY_MS - (29 - index) * DAY_MS).toISOString();
    const { events = 0, requests } = byDay.get(at.slice(0, 10)) ?? {};
    return {
      ...{ at, events },
      taken: requests?.['2xx'] ?? 0,
      refused: (requests?.['3xx'] ?? 0) + (requests?.['4xx'] ?? 0),
      broken: (requests?.['5xx'] ?? 0) + (requests?.none ?? 0),
    };
  });
}
