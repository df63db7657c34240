import { beforeEach, expect, test } from 'vitest';
import { Settings } from '../settings/settings.svelte.ts';
import { Tour } from './tour.svelte.ts';

beforeEach(() => localStorage.clear());

test('steps are ticked off in any order, each once, and the next is the first that is left', () => {
  const tour = new Tour(new Settings(localStorage));
  expect([tour.next, tour.shown]).toEqual(['terminal', true]);
  tour.did('open');
  tour.did('open');
  expect([tour.done, tour.next]).toEqual([['open'], 'terminal']);
  tour.did('terminal');
  tour.undo('open');
  expect(tour.next).toBe('open');
});

test('is left and taken up again where it was, and begins anew when all is done', () => {
  const settings = new Settings(localStorage);
  const tour = new Tour(settings);
  tour.did('terminal');
  tour.hide();
  tour.did('open');
  expect(tour.shown).toBe(false);
  tour.resume();
  expect([tour.shown, tour.next]).toEqual([true, 'edit']);
  for (const step of ['edit', 'commit', 'push'] as const) tour.did(step);
  expect(tour.shown).toBe(false);
  tour.resume();
  expect([tour.shown, tour.done]).toEqual([true, []]);
});
