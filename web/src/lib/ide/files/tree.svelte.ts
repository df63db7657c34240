import type { FileEntry } from '@gatehouse/core/protocol/services.ts';
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import { wordsOf } from '../connection/stream-error.ts';
import { Coalesce } from './coalesce.ts';
import { isWithin, join, moved, parentOf } from './paths.ts';
import type { RemoteFiles } from './remote-files.ts';
import { foldersIn, inOrder, isFolder, StaleNames, whatChanged, withChanges } from './tree-changes.ts';

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

export const SHOW_ALL = (): boolean => false;

/** A folder with more entries is not read again as a whole for a few that changed. */
const LARGE = 500;
const MOST_ONLY = 100;
/** so many entries of a folder are shown first; then each time that there are twice as many */
const FIRST_SHOWN = 256;

/** The file tree: read folder by folder, kept as the runner last told. */
export class FileTree {
  readonly #files: Pick<RemoteFiles, 'list'>;
  readonly #directories = new SvelteMap<string, Directory>();
  readonly expanded: SvelteSet<string>;
  /** path of the line that the keyboard is on */
  current = $state<string | null>(null);
  /** what names must contain to be shown; empty: all */
  filter = $state('');
  /** whether a path is left out of sight */
  hides: (path: string) => boolean = $state.raw(SHOW_ALL);
  readonly #reads = new Coalesce();
  /** of large folders: names that changed since they were read */
  readonly #stale = new StaleNames();

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
    if (paths === null) return void (await Promise.all([...this.#directories.keys()].map((path) => this.read(path))));
    const { whole, some } = whatChanged(paths, (folder) => this.#directories.has(folder));
    await Promise.all([...whole.map((path) => this.read(path)), ...some.map(([folder, names]) => this.#readSome(folder, names))]);
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

  /** Reads one folder; what comes of a long one is shown meanwhile, if nothing was known of it. */
  read(path: string): Promise<void> {
    return this.#reads.run(path, async () => {
      const known = this.#directories.get(path)?.entries;
      let next = FIRST_SHOWN;
      try {
        const { entries, truncated } = await this.#files.list(path, undefined, (sofar) => {
          if (known !== undefined || sofar.length < next) return;
          next = sofar.length * 2;
          this.#directories.set(path, { entries: [...sofar].sort(inOrder), truncated: false, error: null });
        });
        this.#directories.set(path, { entries: [...entries].sort(inOrder), truncated, error: null });
        this.#forgetGone(path, entries);
      } catch (thrown) {
        this.#directories.set(path, { entries: known ?? [], truncated: false, error: wordsOf(thrown) });
      }
    });
  }

  /** Reads some entries of a folder, if it is so large that all of them would be a burden. */
  #readSome(path: string, names: ReadonlySet<string>): Promise<void> {
    const known = this.#directories.get(path);
    const count = this.#stale.add(path, names);
    if (known === undefined || known.error !== null || known.entries.length < LARGE || count > MOST_ONLY) {
      this.#stale.take(path);
      return this.read(path);
    }
    return this.#reads.run(`${path}\0some`, async () => {
      const asked = this.#stale.take(path);
      if (asked.size === 0) return;
      try {
        const { entries } = await this.#files.list(path, [...asked]);
        const before = this.#directories.get(path);
        if (before === undefined) return;
        const after = withChanges(before.entries, asked, entries);
        this.#directories.set(path, { ...before, entries: after });
        this.#forgetGone(path, after);
      } catch {
        await this.read(path);
      }
    });
  }

  #forgetGone(path: string, entries: readonly FileEntry[]): void {
    const folders = foldersIn(path, entries);
    const isGone = (other: string): boolean => other !== '' && parentOf(other) === path && !folders.has(other);
    for (const gone of [...this.#directories.keys(), ...this.expanded].filter(isGone)) {
      for (const below of [...this.#directories.keys()]) if (isWithin(below, gone)) this.#directories.delete(below);
      for (const below of [...this.expanded]) if (isWithin(below, gone)) this.expanded.delete(below);
    }
  }

  #collect(path: string, level: number, rows: TreeRow[]): void {
    const { entries: all, truncated } = this.#directories.get(path) ?? { entries: [], truncated: false };
    const entries = this.#isPlain ? all : all.filter((entry) => this.#shows(join(path, entry.name), entry));
    entries.forEach((entry, index) => {
      const at = join(path, entry.name);
      const expanded = isFolder(entry) ? this.expanded.has(at) || (this.filter !== '' && this.#holdsMatch(at)) : null;
      const last = index === entries.length - 1;
      const note = this.#note(at, expanded) ?? (truncated && last ? 'More is here than can be listed' : null);
      rows.push({ path: at, level, entry, expanded, position: index + 1, siblings: entries.length, note });
      if (expanded === true) this.#collect(at, level + 1, rows);
    });
  }

  get #isPlain(): boolean {
    return this.filter === '' && this.hides === SHOW_ALL;
  }

  #shows(path: string, entry: FileEntry): boolean {
    if (this.hides(path)) return false;
    return this.filter === '' || this.#matches(entry) || (isFolder(entry) && this.#holdsMatch(path));
  }

  #matches({ name }: FileEntry): boolean {
    return name.toLowerCase().includes(this.filter.toLowerCase());
  }

  /** Whether something in a folder, as far as it was read, matches the filter. */
  #holdsMatch(path: string): boolean {
    const entries = this.#directories.get(path)?.entries ?? [];
    return entries.some((entry) => this.#matches(entry) || (isFolder(entry) && this.#holdsMatch(join(path, entry.name))));
  }

  #note(path: string, expanded: boolean | null): string | null {
    if (expanded !== true) return null;
    const directory = this.#directories.get(path);
    if (directory === undefined) return 'Reading…';
    return directory.error ?? (directory.entries.length === 0 ? 'Empty' : null);
  }
}
