import type { FileTree } from './tree.svelte.ts';
import type { RemoteFiles } from './remote-files.ts';
import { toast } from '#lib/toast.svelte.ts';
import { StreamError, wordsOf } from '../connection/stream-error.ts';
import type { Documents } from '../editor/documents.svelte.ts';
import type { Prompts } from '../prompts.svelte.ts';
import { freeName, isWithin, join, nameOf, parentOf } from './paths.ts';
import { TreeClipboard } from './taken.svelte.ts';

/** at once, so that many small things don't wait for the way to the runner each */
const AT_ONCE = 8;
const UNDO_MS = 10_000;

/** "“a.ts”", "3 files and folders" */
export const thingsIn = (paths: readonly string[]): string =>
  paths.length === 1 ? `“${nameOf(paths[0] ?? '')}”` : `${paths.length} files and folders`;
export const folderWords = (folder: string): string => (folder === '' ? 'the workspace’s root' : `“${nameOf(folder)}”`);

/** What went wrong with some of many. */
type Failures = { path: string; why: string }[];

/** What of the IDE it works with. */
interface Surroundings {
  readonly files: RemoteFiles;
  readonly tree: FileTree;
  readonly documents: Documents;
  readonly prompts: Prompts;
}

/** Moves, copies and throws away files, many at once, and takes the last of it back. */
export class FileWork {
  readonly #ide: Surroundings;
  readonly clipboard = new TreeClipboard();
  #undo: (() => Promise<void>) | null = null;

  constructor(ide: Surroundings) {
    this.#ide = ide;
  }

  /** Puts what was taken into a folder. */
  async paste(folder: string): Promise<void> {
    const { taken } = this.clipboard;
    if (taken === null) return;
    if (taken.how === 'cut') {
      this.clipboard.take('cut', []);
      await this.move(taken.paths, folder);
    } else await this.copy(taken.paths, folder);
  }

  async move(paths: readonly string[], folder: string): Promise<void> {
    const going = paths.filter((path) => parentOf(path) !== folder && path !== folder);
    if (going.length === 0) return;
    const { files, tree } = this.#ide;
    const names = await this.#namesIn(folder);
    const taken = going.filter((path) => names.has(nameOf(path)));
    const how = taken.length === 0 ? 'skip' : await this.#askAbout(taken, folder);
    if (how === null) return;
    const done: [string, string][] = [];
    const replaced: string[] = [];
    const failures = await this.#each(how === 'skip' ? going.filter((path) => !taken.includes(path)) : going, async (path) => {
      const isTaken = names.has(nameOf(path));
      const name = how === 'both' ? freeName(nameOf(path), names) : nameOf(path);
      names.add(name);
      const to = join(folder, name);
      if (isTaken && how === 'replace') {
        const kept = await files.throwAway(to);
        if (kept !== null) replaced.push(kept);
      }
      await this.renamed(path, to);
      done.push([path, to]);
    });
    await tree.changed([...done.flat(), folder]);
    if (folder !== '') await tree.expand(folder);
    tree.current = done[0]?.[1] ?? tree.current;
    this.#tell(failures, 'not moved');
    if (done.length === 0) return;
    this.#offerUndo(`${thingsIn(done.map(([from]) => from))} moved to ${folderWords(folder)}`, async () => {
      const back = await this.#each(
        done,
        async ([from, to]) => this.renamed(to, from),
        ([, to]) => to,
      );
      const more = await this.#each(replaced, async (name) => void (await files.takeBack(name)));
      await tree.load();
      this.#tell([...back, ...more], 'not moved back');
    });
  }

  /** Copies beside others of that name get a name of their own. */
  async copy(paths: readonly string[], folder: string): Promise<void> {
    const { files, tree } = this.#ide;
    const names = await this.#namesIn(folder);
    const made: string[] = [];
    const failures = await this.#each(paths, async (path) => {
      const name = freeName(nameOf(path), names);
      names.add(name);
      await files.copy(path, join(folder, name));
      made.push(join(folder, name));
    });
    await tree.read(folder);
    if (folder !== '') await tree.expand(folder);
    tree.current = made[0] ?? tree.current;
    this.#tell(failures, 'not copied');
    if (made.length === 0) return;
    this.#offerUndo(`${thingsIn(made)} copied`, async () => {
      this.#tell(await this.#each(made, async (path) => void (await files.throwAway(path))), 'not taken back');
      await tree.changed(made);
    });
  }

  duplicate(path: string): Promise<void> {
    return this.copy([path], parentOf(path));
  }

  /** Into the trash, without a question: it can be taken back. */
  async throwAway(paths: readonly string[]): Promise<void> {
    const { files, tree } = this.#ide;
    const after = this.#lineAfter(paths);
    const kept: string[] = [];
    const gone: string[] = [];
    const failures = await this.#each(paths, async (path) => {
      const name = await files.throwAway(path);
      gone.push(path);
      if (name !== null) kept.push(name);
    });
    await tree.changed(gone);
    if (gone.length > 0) tree.current = after;
    this.#tell(failures, 'not deleted');
    if (kept.length === 0) return;
    this.#offerUndo(`${thingsIn(gone)} moved to the trash`, () => this.takeBack(kept));
  }

  /** Out of the trash, to where it was. @returns whether all of it is back */
  async takeBack(names: readonly string[]): Promise<void> {
    const back: string[] = [];
    const failures = await this.#each(names, async (name) => void back.push(await this.#ide.files.takeBack(name)));
    await this.#ide.tree.changed(back.flatMap((path) => [path, parentOf(path)]));
    if (back[0] !== undefined) await this.#ide.tree.reveal(back[0]);
    this.#tell(failures, 'not taken back');
  }

  /** Takes the last move, copy or deletion back. */
  async undo(): Promise<void> {
    const undo = this.#undo;
    this.#undo = null;
    if (undo === null) toast('There is nothing to take back');
    else await undo();
  }

  /** Renames, and has open files and folders follow. @throws StreamError */
  async renamed(from: string, to: string): Promise<void> {
    await this.#ide.files.rename(from, to);
    this.#ide.tree.renamed(from, to);
    await this.#ide.documents.renamed(from, to);
  }

  #lineAfter(paths: readonly string[]): string | null {
    const { rows } = this.#ide.tree;
    const isGoing = (path: string) => paths.some((going) => isWithin(path, going));
    const first = rows.findIndex(({ path }) => isGoing(path));
    const after = rows.slice(Math.max(0, first)).find(({ path }) => !isGoing(path));
    return (after ?? rows.slice(0, Math.max(0, first)).at(-1))?.path ?? null;
  }

  async #namesIn(folder: string): Promise<Set<string>> {
    const { tree } = this.#ide;
    if (tree.directory(folder) === undefined) await tree.read(folder);
    return new Set(tree.names(folder));
  }

  async #askAbout(taken: readonly string[], folder: string): Promise<'replace' | 'both' | 'skip' | null> {
    const one = taken.length === 1;
    const answer = await this.#ide.prompts.ask({
      title: one
        ? `“${nameOf(taken[0] ?? '')}” is already in ${folderWords(folder)}`
        : `${taken.length} of these names are already in ${folderWords(folder)}`,
      text: 'What is replaced goes to the trash.',
      choices: [
        ...(one ? [] : [{ label: 'Skip those', look: 'plain' as const, value: 'skip' }]),
        { label: 'Keep both', look: 'plain', value: 'both' },
        { label: 'Replace', look: 'primary', value: 'replace' },
      ],
    });
    return answer as 'replace' | 'both' | 'skip' | null;
  }

  /** Does each, some at once. @returns what went wrong */
  async #each<T>(all: readonly T[], work: (one: T) => Promise<void>, pathOf: (one: T) => string = String): Promise<Failures> {
    const failures: Failures = [];
    const waiting = [...all];
    const next = async () => {
      for (let one = waiting.shift(); one !== undefined; one = waiting.shift()) {
        try {
          await work(one);
        } catch (thrown) {
          failures.push({ path: pathOf(one), why: wordsOf(thrown) });
          if (thrown instanceof StreamError && thrown.code === 'disconnected') waiting.length = 0;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, next));
    return failures;
  }

  #tell(failures: Failures, what: string): void {
    const [first] = failures;
    if (first === undefined) return;
    toast.error(failures.length === 1 ? `“${nameOf(first.path)}” was ${what}` : `${failures.length} of them were ${what}`, {
      description: `${first.why}.`.replace(/\.\.$/, '.'),
    });
  }

  #offerUndo(what: string, undo: () => Promise<void>): void {
    this.#undo = undo;
    toast(what, {
      duration: UNDO_MS,
      action: {
        label: 'Undo',
        onClick: () => {
          if (this.#undo === undo) this.#undo = null;
          void undo();
        },
      },
    });
  }
}
