const [CREATED, CHANGED, DELETED] = [1, 2, 3];

/** Files that a server was told of: the first time one is new to it. */
export class ToldFiles {
  readonly #paths = new Set<string>();

  /** @param gone which of the paths are not there @returns the kind of change of each, in the protocol's numbers */
  tell(paths: readonly string[], gone: readonly string[]): { path: string; type: number }[] {
    return paths.map((path) => {
      const isNew = !this.#paths.has(path);
      const isGone = gone.includes(path);
      if (isGone) this.#paths.delete(path);
      else this.#paths.add(path);
      return { path, type: isGone ? DELETED : isNew ? CREATED : CHANGED };
    });
  }

  clear(): void {
    this.#paths.clear();
  }
}
