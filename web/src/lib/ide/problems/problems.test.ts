import { expect, it } from 'vitest';
import { Problems, type Problem } from './problems.svelte.ts';

const problem = (line: number, message: string, more: Partial<Problem> = {}): Problem => ({
  ...{ line, column: 1, end: null, severity: 'error', message, code: null, tool: 'tsc' },
  ...more,
});

it('shows the worst of each file first, and what two sources say alike once', () => {
  const problems = new Problems();
  problems.set('lsp', 'b.ts', [problem(1, 'unused', { severity: 'warning' }), problem(9, 'wrong')]);
  problems.replace(
    'task',
    new Map([
      ['b.ts', [problem(9, 'wrong')]],
      ['a.ts', [problem(2, 'missing')]],
    ]),
  );
  expect(problems.files.map(({ path, problems }) => [path, problems.map(({ message }) => message)])).toEqual([
    ['a.ts', ['missing']],
    ['b.ts', ['wrong', 'unused']],
  ]);
  expect(problems.count).toEqual({ error: 2, warning: 1, info: 0, hint: 0 });
});

it('lets each source take back only what it said', () => {
  const problems = new Problems();
  problems.set('lsp', 'a.ts', [problem(1, 'one')]);
  problems.set('task', 'a.ts', [problem(2, 'two')]);
  problems.set('lsp', 'a.ts', []);
  expect(problems.of('a.ts').map(({ message }) => message)).toEqual(['two']);
  problems.clear('task');
  expect(problems.files).toEqual([]);
});
