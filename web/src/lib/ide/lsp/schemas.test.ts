import { expect, it } from 'vitest';
import { codeActions, completions } from './schemas.ts';

/** Servers leave out what they have nothing to say about. */
it('reads completions and actions that say no more than they must', () => {
  expect(completions.parse({ isIncomplete: false, items: [{ label: 'shipping' }], itemDefaults: {} })?.items).toHaveLength(1);
  expect(codeActions.parse([{ title: 'Sort', command: 'sort' }])).toHaveLength(1);
});
