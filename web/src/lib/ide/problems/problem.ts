export type Severity = 'error' | 'warning' | 'info' | 'hint';

/** Something that is wrong at a place of a file. Lines and columns count from 1. */
export interface Problem {
  line: number;
  /** 1 where nobody said */
  column: number;
  /** where it ends, exclusive; null: nobody said */
  end: { line: number; column: number } | null;
  severity: Severity;
  message: string;
  /** of the rule or the message, as its tool writes it: `TS2322`, `no-undef` */
  code: string | null;
  /** the tool, as people call it: `tsc`, `ESLint` */
  tool: string;
}

/** What one source knows, by path of the workspace. */
export type ProblemsByPath = ReadonlyMap<string, readonly Problem[]>;

export const NO_PROBLEMS: ProblemsByPath = new Map();

const RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2, hint: 3 };

/** A map with one entry set, or taken away. */
export function withEntry<Key, Value>(map: ReadonlyMap<Key, Value>, key: Key, value: Value | null): ReadonlyMap<Key, Value> {
  const changed = new Map(map);
  if (value === null) changed.delete(key);
  else changed.set(key, value);
  return changed;
}

/** All files that somebody names. */
export const pathsIn = (sources: Iterable<ProblemsByPath>): string[] =>
  [...new Set([...sources].flatMap((files) => [...files.keys()]))].sort();

/** What all say of one file, the worst first, then by place; what two say alike once. */
export function problemsOf(sources: Iterable<ProblemsByPath>, path: string): Problem[] {
  const known = new Map<string, Problem>();
  for (const files of sources)
    for (const problem of files.get(path) ?? []) {
      const same = `${problem.line}:${problem.column} ${problem.message}`;
      if (!known.has(same)) known.set(same, problem);
    }
  return [...known.values()].sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.line - b.line || a.column - b.column);
}
