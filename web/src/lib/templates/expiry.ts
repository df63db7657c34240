const HOUR = 3_600_000;

/** Ends that are often given to an entry. */
export const EXPIRIES = [
  { label: 'No end', hours: null },
  { label: 'In 4 hours', hours: 4 },
  { label: 'In a day', hours: 24 },
  { label: 'In 7 days', hours: 168 },
  { label: 'In 30 days', hours: 720 },
] as const;

export const expiryAfter = (hours: number | null, now: number): string | null =>
  hours === null ? null : new Date(now + hours * HOUR).toISOString();

/** Whether an entry ends within a day: worth a second look. */
export const endsSoon = (expiresAt: string, now: number): boolean => Date.parse(expiresAt) - now < 24 * HOUR;

/** What a `datetime-local` control holds, as UTC; null when it is empty. */
export const fromLocal = (value: string): string | null => (value === '' ? null : new Date(value).toISOString());
