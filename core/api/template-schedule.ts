import { z } from 'zod';

/** When the workspaces of a template stop by themselves: times of the week in one time zone. */

export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export type Weekday = (typeof WEEKDAYS)[number];

/** A name of the IANA database; offsets such as +01:00 know no daylight-saving time. */
function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+-]*(\/[A-Za-z0-9_+-]+)*$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const timeOfWeek = z.object({
  days: z
    .array(z.enum(WEEKDAYS))
    .min(1, 'must have a day')
    .max(7)
    .transform((days) => WEEKDAYS.filter((day) => days.includes(day))),
  at: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 19:00'),
});

/** Null: they stop at no set time. */
export const templateSchedule = z
  .object({
    timeZone: z.string().max(60).refine(isTimeZone, 'must be a time zone such as Europe/Berlin'),
    stops: z.array(timeOfWeek).min(1, 'must have a time').max(14, 'must have at most 14 times'),
    /** how often its owner may put off one stop, by an hour each time */
    postpone: z.number().int().min(0).max(12, 'must be at most 12').default(3),
  })
  .nullable();
export type TemplateSchedule = NonNullable<z.infer<typeof templateSchedule>>;

/** By so much is a scheduled stop put off each time. */
export const POSTPONED_MS = 3_600_000;

const DAY_MS = 86_400_000;

/** Clocks on the wall are numbers as if they hung in UTC. @returns that of the zone at that moment, in milliseconds */
function wallClock(timeZone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat('en-u-ca-iso8601-hc-h23', {
    ...{ timeZone, year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  return (at) => {
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    return Date.UTC(year, month - 1, day, hour, minute, second);
  };
}

/**
 * The moment at which the clock on the wall shows that. A time that comes twice is the first one; one that is left out is as long after
 * midnight as on other days (02:30 is 03:30 then): what `Temporal` calls compatible.
 */
function momentOf(wall: number, clock: (at: number) => number): number {
  const offsets = [wall - DAY_MS, wall + DAY_MS].map((near) => clock(near) - near);
  const moments = offsets.map((offset) => wall - offset);
  const shown = moments.filter((moment) => clock(moment) === wall);
  return shown.length > 0 ? Math.min(...shown) : (moments[0] ?? wall);
}

/** The first stop after that moment, both in milliseconds since the epoch. */
export function nextStop({ timeZone, stops }: TemplateSchedule, after: number): number {
  const clock = wallClock(timeZone);
  const today = Math.floor(clock(after) / DAY_MS) * DAY_MS;
  const found: number[] = [];
  // A week and a day: today's may be over.
  for (let day = today; day <= today + 8 * DAY_MS; day += DAY_MS) {
    // The week of `Date` begins on Sunday.
    const name = WEEKDAYS[(new Date(day).getUTCDay() + 6) % 7];
    for (const { days, at } of stops) {
      if (name === undefined || !days.includes(name)) continue;
      const [hours = 0, minutes = 0] = at.split(':').map(Number);
      const moment = momentOf(day + (hours * 60 + minutes) * 60_000, clock);
      if (moment > after) found.push(moment);
    }
  }
  return Math.min(...found);
}

const capital = (day: Weekday) => day.charAt(0).toUpperCase() + day.slice(1);
const listed = (words: readonly string[]) =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;

/** "every day", "Monday to Friday", "Monday, Wednesday and Saturday" */
function daysWords(days: readonly Weekday[]): string {
  if (days.length === WEEKDAYS.length) return 'every day';
  const first = WEEKDAYS.findIndex((day) => days.includes(day));
  const inARow = days.every((day, index) => day === WEEKDAYS[first + index]);
  const [from, to] = [days[0], days.at(-1)];
  if (inARow && days.length > 2 && from && to) return `${capital(from)} to ${capital(to)}`;
  return listed(days.map(capital));
}

/** "Berlin time" */
export const zoneWords = (timeZone: string): string =>
  timeZone === 'UTC' ? 'UTC' : `${(timeZone.split('/').at(-1) ?? timeZone).replaceAll('_', ' ')} time`;

/** "Stops Monday to Friday at 19:00, Berlin time" */
export const scheduleWords = ({ timeZone, stops }: TemplateSchedule): string =>
  `Stops ${listed(stops.map(({ days, at }) => `${daysWords(days)} at ${at}`))}, ${zoneWords(timeZone)}`;

/** "today 19:00", "tomorrow 19:00", "Monday 19:00": a moment of the next days, as the clocks of that zone show it. */
export function momentWords(timeZone: string, moment: number, now: number): string {
  const clock = wallClock(timeZone);
  const wall = clock(moment);
  const days = Math.floor(wall / DAY_MS) - Math.floor(clock(now) / DAY_MS);
  const weekday = WEEKDAYS[(new Date(wall).getUTCDay() + 6) % 7] ?? 'monday';
  const day = days === 0 ? 'today' : days === 1 ? 'tomorrow' : capital(weekday);
  return `${day} ${new Date(wall).toISOString().slice(11, 16)}`;
}
