import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { join, nameOf, parentOf } from './paths.ts';

/** What changes in a tree of folders. */

export const isFolder = (entry: FileEntry): boolean => entry.kind === 'directory';

/** Folders first, then by name as people sort: file2 before file10. */
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
export const inOrder = (a: FileEntry, b: FileEntry): number =>
  Number(isFolder(b)) - Number(isFolder(a)) || collator.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);

/** The entries of a folder after some of its names were looked at again. @param asked those names @param found what is there of them */
export function withChanges(known: readonly FileEntry[], asked: ReadonlySet<string>, found: readonly FileEntry[]): FileEntry[] {
  const came = new Set(found.map(({ name }) => name));
  const kept = known.filter(({ name }) => !asked.has(name) && !came.has(name));
  return mergeInOrder(kept, [...found].sort(inOrder));
}

/** Two lists that are in order, as one. */
function mergeInOrder(one: readonly FileEntry[], other: readonly FileEntry[]): FileEntry[] {
  const merged: FileEntry[] = [];
  let next = 0;
  for (const entry of one) {
    for (let more = other[next]; more !== undefined && inOrder(more, entry) < 0; more = other[next]) {
      merged.push(more);
      next += 1;
    }
    merged.push(entry);
  }
  return merged.concat(other.slice(next));
}

/** The folders among the entries of one, by path. */
export const foldersIn = (path: string, entries: readonly FileEntry[]): ReadonlySet<string> =>
  new Set(entries.filter(isFolder).map(({ name }) => join(path, name)));

/** Folders that may be another whole now, and names that changed in others. @param knows whether a folder was read */
export function whatChanged(
  paths: readonly string[],
  knows: (folder: string) => boolean,
): { whole: string[]; some: [string, Set<string>][] } {
  const whole = new Set(paths.filter(knows));
  const some = new Map<string, Set<string>>();
  for (const path of paths) {
    const folder = parentOf(path);
    if (path !== '' && knows(folder) && !whole.has(folder)) some.set(folder, (some.get(folder) ?? new Set()).add(nameOf(path)));
  }
  return { whole: [...whole], some: [...some] };
}

/** Names of folders that changed and were not looked at yet. */
export class StaleNames {
  readonly #names = new Map<string, Set<string>>();

  /** @returns how many they are by now */
  add(folder: string, names: Iterable<string>): number {
    const stale = this.#names.get(folder) ?? new Set();
    for (const name of names) stale.add(name);
    this.#names.set(folder, stale);
    return stale.size;
  }

  take(folder: string): ReadonlySet<string> {
    const stale = this.#names.get(folder) ?? new Set();
    this.#names.delete(folder);
    return stale;
  }
}
