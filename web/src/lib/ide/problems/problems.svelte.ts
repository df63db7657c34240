import { NO_PROBLEMS, pathsIn, problemsOf, withEntry, type Problem, type ProblemsByPath, type Severity } from './problem.ts';

export type { Problem, ProblemsByPath, Severity } from './problem.ts';

const NOBODY: ReadonlyMap<string, ProblemsByPath> = new Map();

/** All that is known to be wrong in the workspace. Sources are independent: a task, a language server; each replaces only its own. */
export class Problems {
  #sources = $state.raw(NOBODY);

  /** files with problems, by path; the worst of a file first, then by place. What two sources say alike is there once */
  readonly files: readonly { path: string; problems: readonly Problem[] }[] = $derived.by(() =>
    pathsIn(this.#sources.values()).map((path) => ({ path, problems: this.of(path) })),
  );

  readonly count: Record<Severity, number> = $derived.by(() => {
    const count = { error: 0, warning: 0, info: 0, hint: 0 };
    for (const { problems } of this.files) for (const { severity } of problems) count[severity] += 1;
    return count;
  });

  of(path: string): readonly Problem[] {
    return problemsOf(this.#sources.values(), path);
  }

  /** Takes what a source knows now of one file; nothing: it is fine. */
  set(source: string, path: string, problems: readonly Problem[]): void {
    this.replace(source, withEntry(this.#sources.get(source) ?? NO_PROBLEMS, path, problems.length === 0 ? null : problems));
  }

  /** Takes all that a source knows now. */
  replace(source: string, files: ProblemsByPath): void {
    this.#sources = withEntry(this.#sources, source, files.size === 0 ? null : files);
  }

  clear(source: string): void {
    this.replace(source, NO_PROBLEMS);
  }
}
