const HOUR = 3_600_000;

/** Ends that are often given to an entry. */
export const EXPIRIES = [
  { label: 'No end', hours: null },
  { label: 'In 8 hours', hours: 8 },
  { label: 'In 1 day', hours: 24 },
  { label: 'In 1 week', hours: 168 },
] as const;

export const expiryAfter = (hours: number | null, now: number): string | null =>
  hours === null ? null : new Date(now + hours * HOUR).toISOString();

/** Whether an entry ends within a day: worth a second look. */
export const endsSoon = (expiresAt: string, now: number): boolean => Date.parse(expiresAt) - now < 24 * HOUR;

export const hasEnded = (expiresAt: string | null, now: number): boolean => expiresAt !== null && Date.parse(expiresAt) <= now;

/** What a `datetime-local` control holds, as UTC; null when it is empty. */
export const fromLocal = (value: string): string | null => (value === '' ? null : new Date(value).toISOString());

/** A time as a `datetime-local` control takes it. */
export function toLocal(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
