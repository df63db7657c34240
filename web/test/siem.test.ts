import { describe, expect, it } from 'vitest';
import { destination as destinationShape, replayStart, type Destination } from '@gatehouse/core/api/audit.ts';
import { daysOf } from '../src/lib/siem/health.ts';
import { replayFrom } from '../src/lib/siem/replay.ts';
import { adviceFor, asSentence, shownState } from '../src/lib/siem/words.ts';
import { id, NOW } from './data.ts';

const destination = (facts: Partial<Destination> = {}): Destination =>
  destinationShape.parse({
    ...{
      id: id('destination'),
      name: 'SOC',
      config: { type: 'webhook', url: 'https://soc.test', signing: 'hmac' },
      filter: '',
      format: 'native',
    },
    ...{ state: 'active', createdAt: '2026-11-01T00:00:00.000Z', deliveredTo: 7, lag: 0, waitingSince: null },
    ...{ lastSuccessAt: '2026-11-23T09:00:00.000Z', lastError: null, lastNote: null, setAside: 0, replay: null },
    ...{ publicKey: null, rotatesUntil: null },
    ...facts,
  });
const failed = { at: '2026-11-23T09:30:00.000Z', message: 'The destination can’t be reached' };

describe('a destination', () => {
  it('that never took an event is not known to work', () => {
    expect(shownState(destination({ lastSuccessAt: null }))).toEqual({ tone: 'unknown', word: 'Not delivered yet' });
    expect(shownState(destination()).tone).toBe('ok');
  });

  it('says what its state means and what to do', () => {
    expect(adviceFor(destination())).toBeNull();
    expect(adviceFor(destination({ lastError: { ...failed, at: '2026-11-23T08:00:00.000Z' } }))).toBeNull();
    expect(adviceFor(destination({ lastError: failed }))?.title).toBe('The last attempt failed');
    expect(adviceFor(destination({ state: 'failing', lastError: failed, lag: 3 }))?.says).toContain('what waits follows in order');
    expect(adviceFor(destination({ state: 'held' }))?.says).toContain('Somebody must change something');
    expect(adviceFor(destination({ state: 'paused' }))?.says).toContain('until somebody resumes it');
    expect([asSentence(failed.message), asSentence('Done.'), asSentence(undefined)]).toEqual([`${failed.message}.`, 'Done.', '']);
  });

  it('shows thirty days, also those without a request', () => {
    const requests = { '2xx': 5, '3xx': 1, '4xx': 2, '5xx': 3, none: 4 };
    const days = daysOf({ since: '2026-10-24T10:00:00.000Z', items: [{ at: '2026-11-22T00:00:00.000Z', events: 50, requests }] }, NOW);
    expect([days.length, days[0]?.at, days.at(-1)?.at]).toEqual([30, '2026-10-25T00:00:00.000Z', '2026-11-23T00:00:00.000Z']);
    expect(days.at(-2)).toEqual({ at: '2026-11-22T00:00:00.000Z', events: 50, taken: 5, refused: 3, broken: 7 });
    expect(days.at(-1)).toMatchObject({ events: 0, taken: 0 });
  });
});

describe('sending a range again', () => {
  it('goes by number, as people write them, or by local time', () => {
    expect(replayFrom('number', ' 1,000 ', '2 000')).toEqual({ from: 1000, to: 2000 });
    expect(replayFrom('number', '7', '')).toEqual({ from: 7 });
    expect(replayFrom('time', '2026-11-23T10:00', '')).toEqual({ from: new Date('2026-11-23T10:00').toISOString() });
  });

  it('leaves what is neither to the schema, which refuses it', () => {
    for (const [by, from] of [
      ['number', ''],
      ['number', 'x'],
      ['number', '0'],
      ['time', ''],
      ['time', 'soon'],
    ] as const)
      expect([from, replayStart.safeParse(replayFrom(by, from, '')).success]).toEqual([from, false]);
  });
});
