import { describe, expect, test } from 'vitest';
import {
  momentWords,
  nextStop,
  scheduleWords,
  templateSchedule,
  WEEKDAYS,
  type TemplateSchedule,
  type Weekday,
} from '@gatehouse/core/api/template-schedule.ts';

const daily = (timeZone: string, at: string, days: readonly Weekday[] = WEEKDAYS): TemplateSchedule => ({
  timeZone,
  stops: [{ days: [...days], at }],
  postpone: 3,
});
const workdays = WEEKDAYS.slice(0, 5);
const next = (schedule: TemplateSchedule, after: string) => new Date(nextStop(schedule, Date.parse(after))).toISOString();

describe('the next stop of a schedule', () => {
  test.each([
    // 2026-11-27 is a Friday; Berlin is an hour ahead of UTC in winter.
    ['the same day', daily('Europe/Berlin', '19:00', workdays), '2026-11-27T17:59:59Z', '2026-11-27T18:00:00.000Z'],
    ['at that very moment it is over', daily('Europe/Berlin', '19:00', workdays), '2026-11-27T18:00:00Z', '2026-11-30T18:00:00.000Z'],
    ['on Saturday: Monday', daily('Europe/Berlin', '19:00', workdays), '2026-11-28T12:00:00Z', '2026-11-30T18:00:00.000Z'],
    ['once a week', daily('Europe/Berlin', '19:00', ['friday']), '2026-11-27T18:30:00Z', '2026-12-04T18:00:00.000Z'],
    ['where it is already tomorrow', daily('Pacific/Auckland', '00:30', ['saturday']), '2026-11-27T10:00:00Z', '2026-11-27T11:30:00.000Z'],
    ['where it is still yesterday', daily('Pacific/Honolulu', '23:00', ['thursday']), '2026-11-27T08:00:00Z', '2026-11-27T09:00:00.000Z'],
    ['offsets of half an hour', daily('Asia/Kolkata', '18:30'), '2026-11-27T12:00:00Z', '2026-11-27T13:00:00.000Z'],
    ['UTC', daily('UTC', '00:00'), '2026-12-31T23:59:00Z', '2027-01-01T00:00:00.000Z'],
  ])('%s', (_, schedule, after, expected) => expect(next(schedule, after)).toBe(expected));

  test('of several times the nearest counts', () => {
    const stops: TemplateSchedule['stops'] = [
      { days: ['friday'], at: '22:00' },
      { days: ['friday', 'monday'], at: '12:30' },
    ];
    const both = { timeZone: 'UTC', stops, postpone: 0 };
    expect(next(both, '2026-11-27T12:00:00Z')).toBe('2026-11-27T12:30:00.000Z');
    expect(next(both, '2026-11-27T13:00:00Z')).toBe('2026-11-27T22:00:00.000Z');
    expect(next(both, '2026-11-27T22:00:00Z')).toBe('2026-11-30T12:30:00.000Z');
  });
});

describe('daylight-saving time', () => {
  test.each([
    ['Berlin, the evening before the clocks go forward', 'Europe/Berlin', '19:00', '2026-03-28T12:00:00Z', '2026-03-28T18:00:00.000Z'],
    ['Berlin, the evening after', 'Europe/Berlin', '19:00', '2026-03-28T18:00:00Z', '2026-03-29T17:00:00.000Z'],
    [
      'Berlin, a time that is left out: an hour later on the clock',
      'Europe/Berlin',
      '02:30',
      '2026-03-28T12:00:00Z',
      '2026-03-29T01:30:00.000Z',
    ],
    ['Berlin, the day after it was left out', 'Europe/Berlin', '02:30', '2026-03-29T01:30:00Z', '2026-03-30T00:30:00.000Z'],
    ['Berlin, the moment of the change', 'Europe/Berlin', '03:00', '2026-03-28T12:00:00Z', '2026-03-29T01:00:00.000Z'],
    ['Berlin, the evening before the clocks go back', 'Europe/Berlin', '19:00', '2026-10-24T12:00:00Z', '2026-10-24T17:00:00.000Z'],
    ['Berlin, the evening after', 'Europe/Berlin', '19:00', '2026-10-24T17:00:00Z', '2026-10-25T18:00:00.000Z'],
    ['Berlin, a time that comes twice: the first', 'Europe/Berlin', '02:30', '2026-10-24T12:00:00Z', '2026-10-25T00:30:00.000Z'],
    ['Berlin, and not the second', 'Europe/Berlin', '02:30', '2026-10-25T00:30:00Z', '2026-10-26T01:30:00.000Z'],
    ['New York, forward', 'America/New_York', '02:15', '2026-03-08T00:00:00Z', '2026-03-08T07:15:00.000Z'],
    ['New York, back', 'America/New_York', '01:30', '2026-11-01T00:00:00Z', '2026-11-01T05:30:00.000Z'],
    ['Sydney, forward in October', 'Australia/Sydney', '18:00', '2026-10-03T12:00:00Z', '2026-10-04T07:00:00.000Z'],
    ['Lord Howe, half an hour back', 'Australia/Lord_Howe', '01:45', '2026-04-04T12:00:00Z', '2026-04-04T14:45:00.000Z'],
  ])('%s', (_, timeZone, at, after, expected) => expect(next(daily(timeZone, at), after)).toBe(expected));

  test('over both changes of a year there is one stop on each day', () => {
    for (const at of ['02:30', '00:00', '19:00', '23:59']) {
      let moment = Date.parse('2026-01-01T00:00:00Z');
      const days = new Set<string>();
      for (let count = 0; count < 365; count++) {
        moment = nextStop(daily('Europe/Berlin', at), moment);
        days.add(new Date(moment).toLocaleDateString('sv', { timeZone: 'Europe/Berlin' }));
      }
      expect(days.size).toBe(365);
    }
  });
});

test.each([
  [{ timeZone: 'Europe/Atlantis', stops: [{ days: ['monday'], at: '19:00' }] }, 'timeZone', 'must be a time zone such as Europe/Berlin'],
  [{ timeZone: '+01:00', stops: [{ days: ['monday'], at: '19:00' }] }, 'timeZone', 'must be a time zone such as Europe/Berlin'],
  [{ timeZone: 'UTC', stops: [] }, 'stops', 'must have a time'],
  [{ timeZone: 'UTC', stops: [{ days: [], at: '19:00' }] }, 'stops.0.days', 'must have a day'],
  [{ timeZone: 'UTC', stops: [{ days: ['monday'], at: '24:00' }] }, 'stops.0.at', 'must be a time such as 19:00'],
  [{ timeZone: 'UTC', stops: [{ days: ['monday'], at: '7:00' }] }, 'stops.0.at', 'must be a time such as 19:00'],
  [{ timeZone: 'UTC', stops: [{ days: ['monday'], at: '19:00' }], postpone: 13 }, 'postpone', 'must be at most 12'],
])('what is wrong is told with its field: %j', (value, path, message) => {
  const issues = templateSchedule.safeParse(value).error?.issues.map((issue) => [issue.path.join('.'), issue.message]);
  expect(issues).toEqual([[path, message]]);
});

test('days are kept in the order of the week, each once', () => {
  const parsed = templateSchedule.parse({ timeZone: 'UTC', stops: [{ days: ['sunday', 'monday', 'monday'], at: '19:00' }] });
  expect(parsed).toEqual({ timeZone: 'UTC', stops: [{ days: ['monday', 'sunday'], at: '19:00' }], postpone: 3 });
});

test.each([
  [daily('Europe/Berlin', '19:00', workdays), 'Stops Monday to Friday at 19:00, Berlin time'],
  [daily('UTC', '00:00'), 'Stops every day at 00:00, UTC'],
  [daily('America/New_York', '18:00', ['saturday', 'sunday']), 'Stops Saturday and Sunday at 18:00, New York time'],
  [
    {
      timeZone: 'Europe/Berlin',
      stops: [...daily('', '19:00', workdays).stops, { days: ['monday', 'wednesday', 'saturday'] as Weekday[], at: '12:00' }],
      postpone: 0,
    },
    'Stops Monday to Friday at 19:00 and Monday, Wednesday and Saturday at 12:00, Berlin time',
  ],
])('a schedule is told in one sentence: %#', (schedule, words) => expect(scheduleWords(schedule)).toBe(words));

test.each([
  ['2026-11-27T18:00:00Z', 'today 19:00'],
  ['2026-11-28T18:00:00Z', 'tomorrow 19:00'],
  ['2026-11-30T18:00:00Z', 'Monday 19:00'],
])('a moment is told as the clocks of the zone show it: %s', (moment, words) => {
  expect(momentWords('Europe/Berlin', Date.parse(moment), Date.parse('2026-11-26T23:30:00Z'))).toBe(words);
});
