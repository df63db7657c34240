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

const RANK: Record<Severity, number> = { error: 0, warning: 1, info: 2, hint: 3 };

/** All that is known to be wrong in the workspace. Sources are independent: a task, a language server; each replaces only its own. */
export class Problems {
  #sources = $state.raw<ReadonlyMap<string, ProblemsByPath>>(new Map());

  /** files with problems, by path; the worst of a file first, then by place. What two sources say alike is there once */
  readonly files: readonly { path: string; problems: readonly Problem[] }[] = $derived.by(() => {
    const paths = new Set([...this.#sources.values()].flatMap((files) => [...files.keys()]));
    return [...paths].sort().map((path) => ({ path, problems: this.of(path) }));
  });

  readonly count: Record<Severity, number> = $derived.by(() => {
    const count = { error: 0, warning: 0, info: 0, hint: 0 };
    for (const { problems } of this.files) for (const { severity } of problems) count[severity] += 1;
    return count;
  });

  of(path: string): readonly Problem[] {
    const known = new Map<string, Problem>();
    for (const files of this.#sources.values())
      for (const problem of files.get(path) ?? []) {
        const same = `${problem.line}:${problem.column} ${problem.message}`;
        if (!known.has(same)) known.set(same, problem);
      }
    return [...known.values()].sort((a, b) => RANK[a.severity] - RANK[b.severity] || a.line - b.line || a.column - b.column);
  }

  /** Takes what a source knows now of one file; nothing: it is fine. */
  set(source: string, path: string, problems: readonly Problem[]): void {
    const files = new Map(this.#sources.get(source));
    if (problems.length === 0) files.delete(path);
    else files.set(path, problems);
    this.replace(source, files);
  }

  /** Takes all that a source knows now. */
  replace(source: string, files: ProblemsByPath): void {
    const sources = new Map(this.#sources);
    if (files.size === 0) sources.delete(source);
    else sources.set(source, files);
    this.#sources = sources;
  }

  clear(source: string): void {
    this.replace(source, new Map());
  }
}
