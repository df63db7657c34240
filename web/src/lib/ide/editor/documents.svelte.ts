import { isWithin, moved } from '../files/paths.ts';
import type { RemoteFiles } from '../files/remote-files.ts';
import { OpenDocument } from './document.svelte.ts';
import type { DraftStore } from './drafts.ts';

/** The open files, however many tabs each of them has. */
export class Documents {
  readonly #files: RemoteFiles;
  readonly #drafts: DraftStore;
  all = $state.raw<readonly OpenDocument[]>([]);
  /** which of them has the keyboard, or had it last: the workbench knows */
  inSight: () => OpenDocument | null = () => null;

  readonly dirty: boolean = $derived(this.all.some(({ dirty }) => dirty));

  constructor(files: RemoteFiles, drafts: DraftStore) {
    this.#files = files;
    this.#drafts = drafts;
  }

  get active(): OpenDocument | null {
    return this.inSight();
  }

  find(path: string): OpenDocument | undefined {
    return this.all.find((document) => document.path === path);
  }

  /** The open file of that path; it is read, if it was not open. */
  open(path: string): OpenDocument {
    const known = this.find(path);
    if (known !== undefined) return known;
    const document = new OpenDocument(path, this.#files, this.#drafts);
    this.all = [...this.all, document];
    void document.load();
    return document;
  }

  /** Files with unsaved work of an earlier visit. */
  withDrafts(): Promise<string[]> {
    return this.#drafts.paths();
  }

  /** Whoever calls has asked about unsaved work; a draft of it is dropped. */
  close(document: OpenDocument): void {
    this.all = this.all.filter((other) => other !== document);
    if (document.draft === null) void document.discardDraft();
  }

  /** Looks again at the files that may have changed. @param paths null: all of them */
  async changed(paths: readonly string[] | null): Promise<void> {
    const touched = (document: OpenDocument): boolean => paths === null || paths.some((path) => isWithin(document.path, path));
    await Promise.all(this.all.filter(touched).map((document) => document.checkDisk()));
  }

  async renamed(from: string, to: string): Promise<void> {
    const touched = this.all.filter(({ path }) => isWithin(path, from));
    await Promise.all(touched.map((document) => document.movedTo(moved(document.path, from, to))));
  }
}
