import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { me } from '../../../test/data.ts';
import { session } from '#lib/session/session.svelte.ts';
import { Ahead } from './ahead.ts';
import type { Begun } from './connection/held-events.ts';

const begun: (Begun & { workspaceId: string })[] = [];
const stop = vi.fn();
function begin(workspaceId: string): Begun {
  const one = { workspaceId, connection: { stop }, listen: () => undefined } as unknown as (typeof begun)[number];
  begun.push(one);
  return one;
}

const USER = { id: 'usr_1', tenantId: 'ten_1' };
let ahead: Ahead;

beforeEach(() => {
  vi.useFakeTimers();
  begun.length = 0;
  stop.mockClear();
  session.began(me());
  ahead = new Ahead(begin);
});
afterEach(() => {
  vi.useRealTimers();
  session.ended();
});

it('hands the IDE of a workspace what its page began, once', async () => {
  await ahead.begin('wsp_1');
  expect(ahead.take('wsp_1', USER).connection).toBe(begun[0]?.connection);
  expect(begun).toHaveLength(1);
  ahead.take('wsp_1', USER);
  expect(begun).toHaveLength(2);
  vi.runAllTimers();
  expect(stop).not.toHaveBeenCalled();
});

it('ends what nobody takes, and what was begun for another workspace', async () => {
  await ahead.begin('wsp_1');
  vi.runAllTimers();
  expect(stop).toHaveBeenCalledTimes(1);
  await ahead.begin('wsp_1');
  ahead.take('wsp_2', USER);
  expect(stop).toHaveBeenCalledTimes(2);
  expect(begun.at(-1)?.workspaceId).toBe('wsp_2');
});

it('begins nothing once an IDE is there', async () => {
  ahead.take('wsp_1', USER);
  await ahead.begin('wsp_1');
  expect(begun).toHaveLength(1);
});

it.each([
  ['nobody is signed in', () => session.ended()],
  ['a second factor is missing', () => session.began({ ...me(), secondFactor: { ...me().secondFactor, missing: true } })],
])('begins nothing where %s', async (_, so) => {
  so();
  await ahead.begin('wsp_1');
  expect(begun).toEqual([]);
});
