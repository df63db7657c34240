import { SvelteSet } from 'svelte/reactivity';
import { isWithin, moved, outermost } from './paths.ts';
import type { FileTree } from './tree.svelte.ts';

/** The lines of the tree that are chosen together. */
export class TreeSelection {
  readonly #tree: FileTree;
  readonly paths = new SvelteSet<string>();
  /** where a range begins */
  #anchor: string | null = null;

  constructor(tree: FileTree) {
    this.#tree = tree;
  }

  /** What an action is for: the selection, if the line belongs to it, or that line alone. Nothing that lies in another of them. */
  with(path: string | null): string[] {
    if (path !== null && !this.paths.has(path)) return [path];
    return outermost(this.#tree.rows.flatMap((row) => (this.paths.has(row.path) ? [row.path] : [])));
  }

  only(path: string): void {
    this.paths.clear();
    this.paths.add(path);
    this.#anchor = path;
  }

  toggle(path: string): void {
    if (this.paths.has(path)) this.paths.delete(path);
    else this.paths.add(path);
    this.#anchor = path;
  }

  /** All lines from where the range began to this one. */
  to(path: string): void {
    const at = (wanted: string | null) => this.#tree.rows.findIndex((row) => row.path === wanted);
    // It may be called something else by now, or be gone.
    const anchor = at(this.#anchor) >= 0 ? this.#anchor : this.#tree.current;
    const [from, end] = [at(anchor), at(path)];
    if (from < 0 || end < 0) return this.only(path);
    this.paths.clear();
    for (const row of this.#tree.rows.slice(Math.min(from, end), Math.max(from, end) + 1)) this.paths.add(row.path);
    this.#anchor = anchor;
  }

  all(): void {
    for (const { path } of this.#tree.rows) this.paths.add(path);
  }

  clear(): void {
    this.paths.clear();
    this.#anchor = null;
  }

  renamed(from: string, to: string): void {
    for (const path of [...this.paths].filter((each) => isWithin(each, from))) {
      this.paths.delete(path);
      this.paths.add(moved(path, from, to));
    }
  }
}
