import { describe, expect, it } from 'vitest';
import type { BulkResult } from '@gatehouse/core/api/directory.ts';
import { ApiProblem } from '../src/lib/api/problem.ts';
import { Bulk } from '../src/lib/bulk.svelte.ts';

const ids = (count: number) => Array.from({ length: count }, (_, index) => `usr_${index}`);
const done = (id: string): BulkResult['items'][number] => ({ id, ok: true, code: null, reason: null });

describe('something that is done to many', () => {
  it('goes in small lots, and its progress moves with them', async () => {
    const bulk = new Bulk();
    const seen: unknown[] = [];
    const reached = await bulk.run(ids(60), (lot) => {
      seen.push([lot.length, bulk.progress]);
      return Promise.resolve({ items: lot.map(done) });
    });
    expect(seen).toEqual([
      [25, { done: 0, of: 60 }],
      [25, { done: 25, of: 60 }],
      [10, { done: 50, of: 60 }],
    ]);
    expect(reached).toEqual(ids(60));
    expect([bulk.progress, bulk.failures]).toEqual([null, []]);
  });

  it('keeps what could not be done, with the reason of each', async () => {
    const bulk = new Bulk();
    const refused = { id: 'usr_1', ok: false, code: 'permission-denied' as const, reason: 'This person may more than you' };
    const reached = await bulk.run(ids(3), (lot) => Promise.resolve({ items: lot.map((id) => (id === 'usr_1' ? refused : done(id))) }));
    expect(reached).toEqual(['usr_0', 'usr_2']);
    expect(bulk.failures).toEqual([refused]);
  });

  it('reports all that are left when a request fails altogether', async () => {
    const bulk = new Bulk();
    let calls = 0;
    const reached = await bulk.run(ids(60), (lot) => {
      if (++calls === 2) return Promise.reject(new ApiProblem('unavailable', 'Gatehouse can’t be reached'));
      return Promise.resolve({ items: lot.map(done) });
    });
    expect(reached).toHaveLength(25);
    expect(bulk.failures).toHaveLength(35);
    expect(bulk.failures[0]).toMatchObject({ id: 'usr_25', code: 'unavailable', reason: 'Gatehouse can’t be reached' });
    expect(bulk.progress).toBeNull();
  });
});

it('what is not shown any more is not chosen any more', () => {
  const bulk = new Bulk();
  bulk.toggleAll(ids(3), true);
  bulk.keepOnly(['usr_2', 'usr_9']);
  expect([...bulk.chosen]).toEqual(['usr_2']);
});
