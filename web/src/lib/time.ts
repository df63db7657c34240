/** Times as people read them: local, with UTC kept for the hover. All take ISO text or milliseconds. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const clockExact = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 });
const dayShort = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
const dayLong = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const dayYear = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });

type Moment = string | number;

function startOfDay(ms: number): number {
  return new Date(ms).setHours(0, 0, 0, 0);
}

/** 10:41:52.118 */
export const exactTime = (at: Moment): string => clockExact.format(new Date(at));

/** "Today, Monday 23 November" */
export function dayTitle(at: Moment, now: number): string {
  const title = dayLong.format(new Date(at)).replace(',', '');
  const days = Math.round((startOfDay(now) - startOfDay(new Date(at).getTime())) / DAY);
  if (days === 0) return `Today, ${title}`;
  return days === 1 ? `Yesterday, ${title}` : title;
}

/** "Now", "2 minutes ago", "Yesterday, 17:52", "Fri 20 Nov, 11:08", "3 Feb 2025" */
export function ago(at: Moment, now: number): string {
  const ms = new Date(at).getTime();
  const gone = now - ms;
  if (gone < MINUTE) return 'Now';
  if (gone < HOUR) return plural(Math.floor(gone / MINUTE), 'minute') + ' ago';
  const days = Math.round((startOfDay(now) - startOfDay(ms)) / DAY);
  if (days === 0) return plural(Math.floor(gone / HOUR), 'hour') + ' ago';
  if (days === 1) return `Yesterday, ${clock.format(ms)}`;
  if (days < 300) return `${dayShort.format(ms).replace(',', '')}, ${clock.format(ms)}`;
  return dayYear.format(ms);
}

/** "30 Nov 2026, 18:00" */
export const dateTime = (at: Moment): string => `${dayYear.format(new Date(at))}, ${clock.format(new Date(at))}`;

/** "14:59" until the moment; "0:00" when it has passed */
export function countdown(until: Moment, now: number): string {
  const seconds = Math.max(0, Math.ceil((new Date(until).getTime() - now) / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

/** "45 seconds", "2 minutes", "1 hour" */
export function duration(seconds: number): string {
  if (seconds < 90) return plural(Math.ceil(seconds), 'second');
  if (seconds < 5400) return plural(Math.ceil(seconds / 60), 'minute');
  return plural(Math.ceil(seconds / 3600), 'hour');
}

const number = new Intl.NumberFormat('en-GB');

/** "2,488" */
export const count = (figure: number): string => number.format(figure);

export function plural(figure: number, word: string, many = `${word}s`): string {
  return `${count(figure)} ${figure === 1 ? word : many}`;
}
