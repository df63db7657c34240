/** Groups by file, in the order of their names; null holds what no file of the workspace has. */
export function groupByPath<T>(all: readonly T[], pathOf: (each: T) => string | null): { path: string | null; group: T[] }[] {
  const groups = new Map<string | null, T[]>();
  for (const each of all) {
    const path = pathOf(each);
    const group = groups.get(path);
    if (group === undefined) groups.set(path, [each]);
    else group.push(each);
  }
  return [...groups].map(([path, group]) => ({ path, group })).sort((a, b) => ((a.path ?? '') < (b.path ?? '') ? -1 : 1));
}
