import { expect, it } from 'vitest';
import { MOST_PROBLEMS, problemsIn } from './problem-matchers.ts';

const shortly = (output: string) =>
  problemsIn(output.split('\n')).map(({ name, line, column, severity, code, message }) => [
    `${name}:${line}:${column}`,
    severity,
    code,
    message,
  ]);

it.each([
  ['tsc', 'src/a.ts(12,5): error TS2322: Type A.', ['src/a.ts:12:5', 'error', 'TS2322', 'Type A.']],
  ['tsc --pretty', 'src/[id]/a.ts:3:7 - error TS2304: Cannot find name.', ['src/[id]/a.ts:3:7', 'error', 'TS2304', 'Cannot find name.']],
  ['ESLint compact', '/w/a.js: line 4, col 2, Warning - Unexpected. (no-console)', ['/w/a.js:4:2', 'warning', 'no-console', 'Unexpected.']],
  ['ESLint unix', '/w/a.js:4:2: Unexpected var. [Error/no-var]', ['/w/a.js:4:2', 'error', 'no-var', 'Unexpected var.']],
  [
    'gcc',
    'main.c:7:12: warning: unused variable ‘x’ [-Wunused-variable]',
    ['main.c:7:12', 'warning', '-Wunused-variable', 'unused variable ‘x’'],
  ],
  ['clang', 'inc/x.h:1:10: fatal error: file not found', ['inc/x.h:1:10', 'error', null, 'file not found']],
  ['go', './main.go:9:2: undefined: fmt', ['./main.go:9:2', 'error', null, 'undefined: fmt']],
  ['go test', '    sum_test.go:14: got 3, want 4', ['sum_test.go:14:1', 'error', null, 'got 3, want 4']],
  ['pytest', 'tests/test_a.py:5: AssertionError', ['tests/test_a.py:5:1', 'error', null, 'AssertionError']],
  ['ruff', 'app.py:1:8: F401 `os` imported but unused', ['app.py:1:8', 'error', 'F401', '`os` imported but unused']],
  ['mypy', 'app.py:3: error: Incompatible types  [assignment]', ['app.py:3:1', 'error', 'assignment', 'Incompatible types']],
])('reads %s', (_tool, line, expected) => expect(shortly(line)).toEqual([expected]));

it('reads what several lines say together', () => {
  expect(shortly('/w/src/a.js\n  1:10  error    Unexpected var  no-var\n  2:3   warning  Missing semicolon\n\n✖ 2 problems')).toEqual([
    ['/w/src/a.js:1:10', 'error', 'no-var', 'Unexpected var'],
    ['/w/src/a.js:2:3', 'warning', null, 'Missing semicolon'],
  ]);
  expect(shortly('error[E0308]: mismatched types\n  --> src/main.rs:4:18\n   |\n4  |   let x = 1;')).toEqual([
    ['src/main.rs:4:18', 'error', 'E0308', 'mismatched types'],
  ]);
  const trace =
    'Traceback (most recent call last):\n  File "/w/a.py", line 9, in <module>\n    f()\n  File "/w/b.py", line 3, in f\n    1 / 0\nZeroDivisionError: division by zero';
  expect(shortly(trace)).toEqual([['/w/b.py:3:1', 'error', 'ZeroDivisionError', 'division by zero']]);
});

it.each(['https://example.com:443: hello', '12:30:45: started', 'Listening on http://localhost:5173/', '$ make', '', 'src/a.ts 12 lines'])(
  'finds nothing in %j',
  (line) => expect(shortly(line)).toEqual([]),
);

it('ends where nobody reads on', () => {
  const lines = Array.from({ length: MOST_PROBLEMS + 5 }, (_, at) => `a.c:${at + 1}:1: error: no`);
  expect(problemsIn(lines)).toHaveLength(MOST_PROBLEMS);
});
