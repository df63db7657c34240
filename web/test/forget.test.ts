import { expect, it } from 'vitest';
import { forgetTabs, memoryIn } from '../src/lib/ide/memory.ts';

it('forgets which files were open, of every person and workspace, and nothing else', () => {
  const scopes = ['usr_1.wsp_1', 'usr_1.wsp_2', 'usr_2.wsp_1'];
  for (const scope of scopes)
    memoryIn(localStorage, scope).write({
      expanded: ['src'],
      columns: [],
      group: 0,
      recent: ['src/secret-plan.ts'],
      terminals: [],
      ports: { names: {}, muted: false },
    });
  localStorage.setItem('gatehouse.theme', 'dark');
  forgetTabs(localStorage);
  expect(scopes.flatMap((scope) => memoryIn(localStorage, scope).read().recent)).toEqual([]);
  expect(Object.keys(localStorage)).toEqual(['gatehouse.theme']);
});
