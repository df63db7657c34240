import { expect, it } from 'vitest';
import { fileNamesIn } from './file-names.ts';
import { quoted } from './quote.ts';

const shortly = (line: string) => fileNamesIn(line).map(({ name, line, column }) => [name, line, column]);

it.each([
  ['src/a.ts:12:5', [['src/a.ts', 12, 5]]],
  ['  at run (/home/me/app/index.js:3:14)', [['/home/me/app/index.js', 3, 14]]],
  ['src/a.ts(7,2): error TS1', [['src/a.ts', 7, 2]]],
  ['  File "lib/x y.py", line 3, in f', [['lib/x y.py', 3, null]]],
  [
    'diff --git a/web/x.ts b/web/x.ts',
    [
      ['a/web/x.ts', null, null],
      ['b/web/x.ts', null, null],
    ],
  ],
  ['   --> src/main.rs:4:18', [['src/main.rs', 4, 18]]],
  ['see docs/ide.md.', [['docs/ide.md', null, null]]],
  [
    'pages/[id].tsx and Makefile:3',
    [
      ['pages/[id].tsx', null, null],
      ['Makefile', 3, null],
    ],
  ],
  ['https://example.com/a.js says 12:30 and v1.2.3', []],
])('finds in %j what may be a file', (line, expected) => expect(shortly(line)).toEqual(expected));

it('says where a name stands, with its place', () => {
  const line = 'error in src/a.ts:12:5 now';
  const [found] = fileNamesIn(line);
  expect(line.slice(found?.from, found?.to)).toBe('src/a.ts:12:5');
});

it.each([
  ['src/a.ts', '~/src/a.ts'],
  ['my file.txt', "~/'my file.txt'"],
  ["it's", String.raw`~/'it'\''s'`],
  ['$(rm -rf ~)', "~/'$(rm -rf ~)'"],
  ['a\nrm -rf ~\n', String.raw`~/$'a\x0arm -rf ~\x0a'`],
])('quotes %j for a shell', (path, expected) => expect(quoted(path)).toBe(expected));
