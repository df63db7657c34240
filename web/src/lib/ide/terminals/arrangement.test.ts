import { expect, it } from 'vitest';
import { arranged, idsOf, moved } from './arrangement.ts';
import type { Terminal } from './terminal.svelte.ts';

const group = (...ids: string[]) => ({
  key: ids.join(),
  terminals: ids.map((terminalId) => ({ key: terminalId, link: { terminalId } }) as unknown as Terminal),
});

it('puts terminals where they stood; new ones come behind, and those that are gone leave no gap', () => {
  const groups = ['a', 'b', 'c', 'd'].map((id) => group(id));
  expect(idsOf(arranged(groups, [['c', 'gone', 'a'], ['lost'], ['b']]))).toEqual([['c', 'a'], ['b'], ['d']]);
  expect(idsOf(arranged(groups, []))).toEqual([['a'], ['b'], ['c'], ['d']]);
});

it('moves within the ends', () => {
  expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
  expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c']);
  expect(moved(['a', 'b', 'c'], 1, 9)).toEqual(['a', 'c', 'b']);
});
