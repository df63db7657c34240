import { expect, it } from 'vitest';
import { hiding } from './hiding.ts';

it('takes secrets out of what is printed, each line of them, the longest first', () => {
  const hide = hiding({ TOKEN: 'abcdefgh', LONGER: 'abcdefgh-and-more', KEY: 'line one\nline two', SHORT: 'on' });
  expect(hide('TOKEN=abcdefgh LONGER=abcdefgh-and-more on')).toBe('TOKEN=•••••• LONGER=•••••• on');
  expect(hide('line two\n')).toBe('••••••\n');
  expect(hiding()('nothing is secret')).toBe('nothing is secret');
});
