import type { BlockedActs } from '@gatehouse/core/api/blocked-acts.ts';
import { expect, test, vi } from 'vitest';
import { BlockedActsTeller } from './blocked-acts.ts';
import { ManualClock, settle } from './testing/manual-clock.ts';

function teller() {
  const clock = new ManualClock();
  const tell = vi.fn<(acts: BlockedActs) => Promise<void>>(() => Promise.resolve());
  const acts = new BlockedActsTeller(clock, tell);
  acts.connectionId = 'con_1';
  return { acts, clock, tell };
}

test('are told soon at first, then summed up by the minute', () => {
  const { acts, clock, tell } = teller();
  acts.note('copy', 10);
  clock.advance(2_000);
  expect(tell).toHaveBeenCalledExactlyOnceWith({ connectionId: 'con_1', acts: [{ act: 'copy', count: 1, bytes: 10 }] });
  for (let time = 0; time < 50; time++) {
    acts.note('copy', 2);
    acts.note('print', 0);
    clock.advance(1_000);
  }
  expect(tell).toHaveBeenCalledTimes(1);
  clock.advance(60_000);
  expect(tell.mock.calls[1]?.[0].acts).toEqual([
    { act: 'copy', count: 50, bytes: 100 },
    { act: 'print', count: 50, bytes: 0 },
  ]);
});

test('wait for the next time where nobody could be told', async () => {
  const { acts, clock, tell } = teller();
  tell.mockRejectedValueOnce(new Error('No network'));
  acts.note('drag', 3);
  clock.advance(2_000);
  await settle();
  acts.note('drag', 4);
  clock.advance(60_000);
  expect(tell.mock.calls[1]?.[0].acts).toEqual([{ act: 'drag', count: 2, bytes: 7 }]);
});
