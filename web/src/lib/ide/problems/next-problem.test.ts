import { expect, it } from 'vitest';
import { nextProblem } from './next-problem.ts';
import { Problems, type Problem } from './problems.svelte.ts';

const problem = (line: number, column: number): Problem => ({
  ...{ line, column, end: null, severity: 'error', message: `${line}:${column}`, code: null, tool: 'tsc' },
});

it('goes through a file by place, then through the next ones, around the end, both ways', () => {
  const problems = new Problems();
  problems.set('lsp', 'a.ts', [problem(9, 1), problem(2, 5)]);
  problems.set('lsp', 'c.ts', [problem(1, 1)]);
  const next = (path: string | null, line: number, column: number, step: 1 | -1) => {
    const found = nextProblem(problems, path, { line, column }, step);
    return `${found?.path} ${found?.problem.message}`;
  };
  expect(next('a.ts', 1, 1, 1)).toBe('a.ts 2:5');
  expect(next('a.ts', 2, 5, 1)).toBe('a.ts 9:1');
  expect(next('a.ts', 9, 1, 1)).toBe('c.ts 1:1');
  expect(next('c.ts', 1, 1, 1)).toBe('a.ts 2:5');
  expect(next('a.ts', 2, 5, -1)).toBe('c.ts 1:1');
  expect(next('b.ts', 5, 5, -1)).toBe('a.ts 9:1');
  expect(next(null, 1, 1, 1)).toBe('a.ts 2:5');
  expect(nextProblem(new Problems(), 'a.ts', null, 1)).toBeNull();
});
