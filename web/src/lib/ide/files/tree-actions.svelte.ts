import { wordsOf } from '../connection/stream-error.ts';
import type { Ide } from '../ide.svelte.ts';
import type { FileWork } from './file-work.ts';
import { join, nameHint, nameOf, nameProblem, parentOf } from './paths.ts';
import type { TreeRow } from './tree.svelte.ts';

/** A name that is being typed in the tree. */
export interface Naming {
  kind: 'file' | 'folder' | 'rename';
  /** folder that it goes into */
  directory: string;
  /** what is renamed */
  path: string | null;
}

/** The folder that something new goes into: the line's own, or the one around it. */
export const folderOf = (row: TreeRow | null): string => (row === null ? '' : row.expanded === null ? parentOf(row.path) : row.path);

/** Names files in the tree. */
export class TreeActions {
  readonly #ide: Ide;
  readonly #work: FileWork;
  naming = $state.raw<Naming | null>(null);

  constructor(ide: Ide, work: FileWork) {
    this.#ide = ide;
    this.#work = work;
  }

  /** Starts naming something new in the folder that the keyboard is on, or in the one around it. */
  async create(kind: 'file' | 'folder', row: TreeRow | null): Promise<void> {
    const directory = folderOf(row);
    if (directory !== '') await this.#ide.tree.expand(directory);
    this.naming = { kind, directory, path: null };
  }

  rename(row: TreeRow): void {
    this.naming = { kind: 'rename', directory: parentOf(row.path), path: row.path };
  }

  /** What to know of a name that may be used; null: nothing. */
  hint(name: string): string | null {
    return this.naming === null ? null : nameHint(name, this.#siblings());
  }

  /** @returns what is wrong with the name; null when it is being used */
  async named(name: string): Promise<string | null> {
    const { naming } = this;
    if (naming === null) return null;
    const { tree, files, documents } = this.#ide;
    const problem = nameProblem(name, this.#siblings());
    if (problem !== null) return problem;
    const path = join(naming.directory, name);
    try {
      if (naming.kind === 'file') await files.write(path, new Uint8Array(0), null);
      else if (naming.kind === 'folder') await files.makeDirectory(path);
      else if (naming.path !== null && naming.path !== path) await this.#work.renamed(naming.path, path);
    } catch (thrown) {
      return wordsOf(thrown);
    }
    this.naming = null;
    const { current } = tree;
    await tree.read(naming.directory);
    if (naming.kind === 'rename') await tree.load();
    // Whoever went to another line meanwhile stays there.
    if (tree.current === current) {
      if (name.includes('/')) await tree.reveal(path);
      tree.current = path;
    }
    if (naming.kind === 'file') this.#ide.openFile(path);
    else if (naming.kind === 'folder') await tree.expand(path);
    else await documents.changed([path]);
    return null;
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#ide.tree.changed(null), this.#ide.tree.load(), this.#ide.documents.changed(null)]);
  }

  #siblings(): string[] {
    const { naming } = this;
    if (naming === null) return [];
    const itself = naming.path === null ? null : nameOf(naming.path);
    return this.#ide.tree.names(naming.directory).filter((other) => other !== itself);
  }
}
