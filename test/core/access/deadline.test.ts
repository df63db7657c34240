import { expect, test } from 'vitest';
import { deadlineOf, type StopFacts } from '@gatehouse/core/access/deadline.ts';

const MINUTE = 60_000;
const facts = (other: Partial<StopFacts>): StopFacts => ({
  ...{ connected: false, attendedAt: 0, working: false, workedUntil: null, scheduledAt: null },
  ...other,
});
const policy = { autoStop: 30, unattendedWork: 2 };

test.each<[string, Partial<StopFacts>, Partial<typeof policy> | { autoStop: null }, [number, string] | null]>([
  ['nobody is there', {}, {}, [30, 'idle']],
  ['no such policy', {}, { autoStop: null }, null],
  ['no such policy, and something works', { working: true }, { autoStop: null }, null],
  ['somebody is there', { connected: true }, {}, null],
  ['somebody is there, and something works', { connected: true, working: true }, {}, null],
  ['something works: until nobody was there for too long', { working: true }, {}, [120, 'work']],
  ['something worked until just now: its time begins then', { workedUntil: 50 * MINUTE }, {}, [80, 'idle']],
  ['work that comes and goes lasts no longer than work that stays', { workedUntil: 119 * MINUTE }, {}, [120, 'work']],
  ['work from before the last person left says nothing', { attendedAt: 60 * MINUTE, workedUntil: 20 * MINUTE }, {}, [90, 'idle']],
  ['work for less time than without it: auto-stop counts', { working: true }, { autoStop: 180 }, [180, 'work']],
  ['a schedule alone', { scheduledAt: 10 * MINUTE }, { autoStop: null }, [10, 'schedule']],
  ['a schedule waits for nobody', { scheduledAt: 10 * MINUTE, connected: true, working: true }, {}, [10, 'schedule']],
  ['whatever comes first: the schedule', { scheduledAt: 10 * MINUTE }, {}, [10, 'schedule']],
  ['whatever comes first: auto-stop', { scheduledAt: 100 * MINUTE }, {}, [30, 'idle']],
])('when a workspace stops: %s', (_, other, set, expected) => {
  const deadline = deadlineOf(facts(other), { ...policy, ...set });
  expect(deadline === null ? null : [deadline.at / MINUTE, deadline.why]).toEqual(expected);
});
