import { expect, it } from 'vitest';
import { snippetOf } from './completion.ts';

it('writes the protocol’s snippets as the editor does', () => {
  expect(snippetOf('for ($1 of $2) {\n\t$0\n}')).toBe('for (${1} of ${2}) {\n\t${}\n}');
  expect(snippetOf('log(${1:value}, ${2|a,b|})$0')).toBe('log(${1:value}, ${2:a})${}');
  expect(snippetOf('cost \\$5 \\}')).toBe('cost $5 }');
});
