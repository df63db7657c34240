import { toast } from 'svelte-sonner';
import { wordsOf } from '../connection/stream-error.ts';
import type { Ide } from '../ide.svelte.ts';
import { join, nameOf, nameProblem, parentOf } from './paths.ts';
import type { TreeRow } from './tree.svelte.ts';

/** A name that is being typed in the tree. */
export interface Naming {
  kind: 'file' | 'folder' | 'rename';
  /** folder that it goes into */
  directory: string;
  /** what is renamed */
  path: string | null;
}

/** What people do to files in the tree. */
export class TreeActions {
  readonly #ide: Ide;
  naming = $state.raw<Naming | null>(null);

  constructor(ide: Ide) {
    this.#ide = ide;
  }

  /** Starts naming something new in the folder that the keyboard is on, or in the one around it. */
  async create(kind: 'file' | 'folder', row: TreeRow | null): Promise<void> {
    const directory = row === null ? '' : row.expanded === null ? parentOf(row.path) : row.path;
    if (directory !== '') await this.#ide.tree.expand(directory);
    this.naming = { kind, directory, path: null };
  }

  rename(row: TreeRow): void {
    this.naming = { kind: 'rename', directory: parentOf(row.path), path: row.path };
  }

  /** @returns what is wrong with the name; null when it is being used */
  async named(name: string): Promise<string | null> {
    const { naming } = this;
    if (naming === null) return null;
    const { tree, files, documents } = this.#ide;
    const itself = naming.path === null ? null : nameOf(naming.path);
    const siblings = tree.names(naming.directory).filter((other) => other !== itself);
    const problem = nameProblem(name, siblings);
    if (problem !== null) return problem;
    const path = join(naming.directory, name);
    try {
      if (naming.kind === 'file') await files.write(path, new Uint8Array(0), null);
      else if (naming.kind === 'folder') await files.makeDirectory(path);
      else if (naming.path !== null && naming.path !== path) await this.#move(naming.path, path);
    } catch (thrown) {
      return wordsOf(thrown);
    }
    this.naming = null;
    await tree.read(naming.directory);
    if (name.includes('/')) await tree.reveal(path);
    tree.current = path;
    if (naming.kind === 'file') this.#ide.openFile(path);
    else if (naming.kind === 'folder') await tree.expand(path);
    else await documents.changed([path]);
    return null;
  }

  async remove(row: TreeRow): Promise<void> {
    const isFolder = row.expanded !== null;
    const answer = await this.#ide.prompts.ask({
      title: `Delete “${row.entry.name}”?`,
      text: isFolder ? 'The folder and everything in it is deleted for good.' : 'The file is deleted for good.',
      choices: [{ label: isFolder ? 'Delete the folder' : 'Delete the file', look: 'danger', value: 'delete' }],
    });
    if (answer === null) return;
    try {
      await this.#ide.files.remove(row.path, isFolder);
      await this.#ide.tree.read(parentOf(row.path));
      this.#ide.tree.current = parentOf(row.path) || null;
    } catch (thrown) {
      toast.error(`“${row.entry.name}” was not deleted`, { description: wordsOf(thrown) });
    }
  }

  async refresh(): Promise<void> {
    await Promise.all([this.#ide.tree.changed(null), this.#ide.tree.load(), this.#ide.documents.changed(null)]);
  }

  async #move(from: string, to: string): Promise<void> {
    await this.#ide.files.rename(from, to);
    this.#ide.tree.renamed(from, to);
    await this.#ide.documents.renamed(from, to);
    await this.#ide.tree.load();
  }
}
