const DAY_MS = 24 * 60 * 60_000;

export interface Deletion {
  /** midnight (UTC) before which everything recorded is deleted now; null when the organisation is younger than that */
  before: string | null;
  /** day (UTC) on which the first events are deleted when none are now */
  first: string | null;
}

const midnight = (at: number): number => Math.floor(at / DAY_MS) * DAY_MS;
const iso = (at: number): string => new Date(at).toISOString();

/** What keeping the log for so many days deletes: whole days (UTC), once they have been over for so long. */
export function deletionAt(days: number, createdAt: string, now: number): Deletion {
  const before = midnight(now) - days * DAY_MS;
  const created = midnight(Date.parse(createdAt));
  return created < before ? { before: iso(before), first: null } : { before: null, first: iso(created + (days + 1) * DAY_MS) };
}

const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });

/** "28 August 2026" in UTC: the archive goes by whole days of it. */
export const utcDay = (at: string): string => day.format(new Date(at));

/** The number that somebody typed; NaN for whatever is none. */
export const daysOf = (typed: string): number => (/^\s*\d{1,6}\s*$/.test(typed) ? Number(typed) : Number.NaN);
