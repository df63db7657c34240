import type { CursorPosition } from '../editor/editor-events.ts';
import type { Problem, Problems } from './problems.svelte.ts';

/** The problem after a place, or before it: first in its file, then in the next files, around the end. */
export function nextProblem(
  problems: Pick<Problems, 'files'>,
  path: string | null,
  cursor: Pick<CursorPosition, 'line' | 'column'> | null,
  step: 1 | -1,
): { path: string; problem: Problem } | null {
  const all = problems.files
    .flatMap((file) => file.problems.map((problem) => ({ path: file.path, problem })))
    .sort((a, b) => (a.path === b.path ? compare(a.problem, b.problem) : a.path < b.path ? -1 : 1));
  if (all.length === 0) return null;
  const isPast = (other: { path: string; problem: Problem }): boolean => {
    if (path === null) return true;
    const order = other.path === path ? (cursor === null ? step : compare(other.problem, cursor)) : other.path < path ? -1 : 1;
    return order * step > 0;
  };
  const ordered = step === 1 ? all : all.toReversed();
  return ordered.find(isPast) ?? ordered[0] ?? null;
}

const compare = (a: Pick<Problem, 'line' | 'column'>, b: Pick<Problem, 'line' | 'column'>): number =>
  a.line - b.line || a.column - b.column;
