import { isWithin, moved, unique } from '../files/paths.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import { OpenDocument } from './document.svelte.ts';
import type { DraftStore } from './drafts.ts';

/** The open files, in the order of their tabs. */
export class Documents {
  readonly #files: RemoteFiles;
  readonly #drafts: DraftStore;
  open = $state.raw<readonly OpenDocument[]>([]);
  active = $state.raw<OpenDocument | null>(null);

  readonly dirty: boolean = $derived(this.open.some(({ dirty }) => dirty));

  constructor(files: RemoteFiles, drafts: DraftStore) {
    this.#files = files;
    this.#drafts = drafts;
  }

  find(path: string): OpenDocument | undefined {
    return this.open.find((document) => document.path === path);
  }

  /** Opens a file in a tab of its own, or goes to the tab it has. */
  show(path: string): OpenDocument {
    const known = this.find(path);
    const document = known ?? new OpenDocument(path, this.#files, this.#drafts);
    if (known === undefined) {
      const after = this.active === null ? this.open.length : this.open.indexOf(this.active) + 1;
      this.open = this.open.toSpliced(after, 0, document);
      void document.load();
    }
    this.active = document;
    return document;
  }

  /** Tabs of the last visit, and files with unsaved work that has no tab. */
  async restore(paths: readonly string[], active: string | null): Promise<void> {
    const drafts = await this.#drafts.paths();
    const fresh = unique([...paths, ...drafts]).filter((path) => this.find(path) === undefined);
    const documents = fresh.map((path) => new OpenDocument(path, this.#files, this.#drafts));
    this.open = [...this.open, ...documents];
    this.active ??= this.open.find(({ path }) => path === active) ?? this.open[0] ?? null;
    await Promise.all(documents.map((document) => document.load()));
  }

  /** Closes the tab. Whoever calls has asked about unsaved work; a draft of it is dropped. */
  close(document: OpenDocument): void {
    const at = this.open.indexOf(document);
    this.open = this.open.filter((other) => other !== document);
    if (document.draft === null) void document.discardDraft();
    if (this.active === document) this.active = this.open[Math.min(at, this.open.length - 1)] ?? null;
  }

  /** Goes to the tab `step` places on, around the end. */
  cycle(step: 1 | -1): void {
    const at = this.active === null ? 0 : this.open.indexOf(this.active);
    this.active = this.open[(at + step + this.open.length) % this.open.length] ?? null;
  }

  /** Looks again at the files that may have changed. @param paths null: all of them */
  async changed(paths: readonly string[] | null): Promise<void> {
    const touched = (document: OpenDocument): boolean => paths === null || paths.some((path) => isWithin(document.path, path));
    await Promise.all(this.open.filter(touched).map((document) => document.checkDisk()));
  }

  async renamed(from: string, to: string): Promise<void> {
    const touched = this.open.filter(({ path }) => isWithin(path, from));
    await Promise.all(touched.map((document) => document.movedTo(moved(document.path, from, to))));
  }
}
