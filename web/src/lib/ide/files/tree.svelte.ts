import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { wordsOf } from '../connection/stream-error.ts';
import { Coalesce } from './coalesce.ts';
import { isWithin, join, moved, parentOf, unique } from './paths.ts';
import type { RemoteFiles } from './remote-files.ts';

export interface Directory {
  entries: readonly FileEntry[];
  /** the runner left some out, because there are too many */
  truncated: boolean;
  error: string | null;
}

/** One line of the tree. `level` counts from 1, as aria-level does. */
export interface TreeRow {
  path: string;
  level: number;
  entry: FileEntry;
  expanded: boolean | null;
  position: number;
  siblings: number;
  note: string | null;
}

const isFolder = (entry: FileEntry): boolean => entry.kind === 'directory';

/** Folders first, then by name as people sort: file2 before file10. */
const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
const inOrder = (a: FileEntry, b: FileEntry): number =>
  Number(isFolder(b)) - Number(isFolder(a)) || collator.compare(a.name, b.name) || (a.name < b.name ? -1 : 1);

/** The file tree: read folder by folder, kept as the runner last told. */
export class FileTree {
  readonly #files: Pick<RemoteFiles, 'list'>;
  readonly #directories = new SvelteMap<string, Directory>();
  readonly expanded: SvelteSet<string>;
  /** path of the line that the keyboard is on */
  current = $state<string | null>(null);
  readonly #reads = new Coalesce();

  readonly rows: readonly TreeRow[] = $derived.by(() => {
    const rows: TreeRow[] = [];
    this.#collect('', 1, rows);
    return rows;
  });

  constructor(files: Pick<RemoteFiles, 'list'>, expanded: Iterable<string> = []) {
    this.#files = files;
    this.expanded = new SvelteSet(expanded);
  }

  /** undefined until it was read */
  get root(): Directory | undefined {
    return this.#directories.get('');
  }

  directory(path: string): Directory | undefined {
    return this.#directories.get(path);
  }

  names(path: string): string[] {
    return this.#directories.get(path)?.entries.map(({ name }) => name) ?? [];
  }

  /** Reads what is shown: the root and every open folder. */
  async load(): Promise<void> {
    await Promise.all(['', ...this.expanded].map((path) => this.read(path)));
  }

  async expand(path: string): Promise<void> {
    this.expanded.add(path);
    await this.read(path);
  }

  collapse(path: string): void {
    this.expanded.delete(path);
  }

  collapseAll(): void {
    this.expanded.clear();
  }

  async toggle(path: string): Promise<void> {
    if (this.expanded.has(path)) this.collapse(path);
    else await this.expand(path);
  }

  /** Opens every folder on the way, so that `path` is in sight. */
  async reveal(path: string): Promise<void> {
    for (let at = parentOf(path); at !== ''; at = parentOf(at)) this.expanded.add(at);
    await this.load();
    this.current = path;
  }

  /** Something changed on disk. @param paths null: read everything again that was read */
  async changed(paths: readonly string[] | null): Promise<void> {
    const stale = paths === null ? [...this.#directories.keys()] : unique(paths.flatMap((path) => [parentOf(path), path]));
    await Promise.all(stale.filter((path) => this.#directories.has(path)).map((path) => this.read(path)));
  }

  /** Keeps open folders open when one of them was renamed. */
  renamed(from: string, to: string): void {
    for (const path of [...this.expanded]) {
      if (!isWithin(path, from)) continue;
      this.expanded.delete(path);
      this.expanded.add(moved(path, from, to));
    }
    if (this.current !== null) this.current = moved(this.current, from, to);
  }

  /** Reads one folder. */
  read(path: string): Promise<void> {
    return this.#reads.run(path, async () => {
      try {
        const { entries, truncated } = await this.#files.list(path);
        this.#directories.set(path, { entries: [...entries].sort(inOrder), truncated, error: null });
        this.#forgetGone(path, entries);
      } catch (thrown) {
        const known = this.#directories.get(path)?.entries ?? [];
        this.#directories.set(path, { entries: known, truncated: false, error: wordsOf(thrown) });
      }
    });
  }

  #forgetGone(path: string, entries: readonly FileEntry[]): void {
    const folders = entries.filter(isFolder).map(({ name }) => join(path, name));
    const isGone = (other: string): boolean => other !== '' && parentOf(other) === path && !folders.includes(other);
    for (const gone of [...this.#directories.keys(), ...this.expanded].filter(isGone)) {
      for (const below of [...this.#directories.keys()]) if (isWithin(below, gone)) this.#directories.delete(below);
      for (const below of [...this.expanded]) if (isWithin(below, gone)) this.expanded.delete(below);
    }
  }

  #collect(path: string, level: number, rows: TreeRow[]): void {
    const { entries, truncated } = this.#directories.get(path) ?? { entries: [], truncated: false };
    entries.forEach((entry, index) => {
      const at = join(path, entry.name);
      const expanded = isFolder(entry) ? this.expanded.has(at) : null;
      const last = index === entries.length - 1;
      const note = this.#note(at, expanded) ?? (truncated && last ? 'More is here than can be listed' : null);
      rows.push({ path: at, level, entry, expanded, position: index + 1, siblings: entries.length, note });
      if (expanded === true) this.#collect(at, level + 1, rows);
    });
  }

  #note(path: string, expanded: boolean | null): string | null {
    if (expanded !== true) return null;
    const directory = this.#directories.get(path);
    if (directory === undefined) return 'Reading…';
    return directory.error ?? (directory.entries.length === 0 ? 'Empty' : null);
  }
}
