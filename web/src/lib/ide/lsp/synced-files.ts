import { LSPPlugin, Workspace, type LSPClient, type WorkspaceFile } from '@codemirror/lsp-client';
import { ChangeSet, Text } from '@codemirror/state';
import type { EditorView } from '@codemirror/view';
import type { OpenDocument } from '../editor/document.svelte.ts';
import { SharedText } from '../editor/shared-text.ts';
import { difference } from '../editor/text-file.ts';

/** One open file as a server knows it, whether an editor shows it now or not. */
export class SyncedFile implements WorkspaceFile {
  readonly uri: string;
  readonly languageId: string;
  readonly document: OpenDocument;
  readonly views = new Set<EditorView>();
  version = 0;
  /** the text that the server has */
  doc: Text;
  /** the file's own text when it was last looked at without an editor */
  seen: Text | null = null;

  constructor(uri: string, languageId: string, document: OpenDocument, doc: Text) {
    this.uri = uri;
    this.languageId = languageId;
    this.document = document;
    this.doc = doc;
  }

  getView(): EditorView | null {
    return [...this.views].find((view) => LSPPlugin.get(view) !== null) ?? null;
  }
}

interface Update {
  file: SyncedFile;
  prevDoc: Text;
  changes: ChangeSet;
}

export interface SyncedFilesPorts {
  documentOf(uri: string): OpenDocument | undefined;
  /** an editor shows the file from now on, or again */
  shown(file: SyncedFile): void;
  /** whether a server runs: when it starts, it hears of all files as they are then */
  live(): boolean;
}

/** The open files of one language server: all that have a tab, each once, however many editors show it. */
export class SyncedFiles extends Workspace {
  files: SyncedFile[] = [];
  readonly #ports: SyncedFilesPorts;

  constructor(client: LSPClient, ports: SyncedFilesPorts) {
    super(client);
    this.#ports = ports;
  }

  override getFile(uri: string): SyncedFile | null {
    return this.files.find((file) => file.uri === uri) ?? null;
  }

  syncFiles(): readonly Update[] {
    if (!this.#ports.live()) return [];
    return this.files.flatMap((file) => {
      const changes = changesOf(file);
      if (changes === null) return [];
      const prevDoc = file.doc;
      this.#took(file, changes.apply(prevDoc));
      return [{ file, prevDoc, changes }];
    });
  }

  openFile(uri: string, languageId: string, view: EditorView): void {
    const known = this.getFile(uri);
    if (known !== null) {
      // What other editors changed goes first, so that all count from the same text.
      this.client.sync();
      known.views.add(view);
      if (!known.doc.eq(view.state.doc)) this.#replace(known, view.state.doc);
      return this.#ports.shown(known);
    }
    const document = this.#ports.documentOf(uri);
    if (document === undefined) return;
    const file = new SyncedFile(uri, languageId, document, view.state.doc);
    file.views.add(view);
    this.files.push(file);
    if (this.#ports.live()) this.client.didOpen(file);
    this.#ports.shown(file);
  }

  /** An editor shows another file. This one stays open for the server as long as it has a tab. */
  closeFile(uri: string, view: EditorView): void {
    this.getFile(uri)?.views.delete(view);
  }

  /** Closes the files that have no tab any more. */
  keep(isOpen: (file: SyncedFile) => boolean): SyncedFile[] {
    const closed = this.files.filter((file) => !isOpen(file));
    this.files = this.files.filter((file) => !closed.includes(file));
    if (this.#ports.live()) for (const { uri } of closed) this.client.didClose(uri);
    return closed;
  }

  /** A server has started, or started again: it hears of all files as they are now. */
  override connected(): void {
    for (const file of this.files) {
      const changes = changesOf(file);
      if (changes !== null) this.#took(file, changes.apply(file.doc));
      this.client.didOpen(file);
    }
  }

  #took(file: SyncedFile, doc: Text): void {
    file.doc = doc;
    file.version += 1;
    for (const view of file.views) LSPPlugin.get(view)?.clear();
  }

  #replace(file: SyncedFile, doc: Text): void {
    this.#took(file, doc);
    if (!this.#ports.live()) return;
    this.client.notification('textDocument/didChange', {
      textDocument: { uri: file.uri, version: file.version },
      contentChanges: [{ text: doc.toString() }],
    });
  }
}

/** What changed since the server was told; null: nothing. */
function changesOf(file: SyncedFile): ChangeSet | null {
  const view = file.getView();
  const plugin = view === null ? null : LSPPlugin.get(view);
  if (plugin !== null) {
    if (plugin.unsyncedChanges.empty) return null;
    if (plugin.syncedDoc.length === file.doc.length) return plugin.unsyncedChanges;
  }
  const now = view?.state.doc ?? textOf(file);
  if (now === null || now === file.seen) return null;
  file.seen = now;
  const change = difference(file.doc.toString(), now.toString());
  return change === null ? null : ChangeSet.of({ ...change, insert: Text.of(change.insert.split('\n')) }, file.doc.length);
}

const textOf = ({ document: { buffer } }: SyncedFile): Text | null => (buffer instanceof SharedText ? buffer.doc : null);
