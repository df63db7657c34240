import { StreamError, wordsOf } from '../connection/stream-error.ts';
import { nameOf } from '../files/paths.ts';
import { MOST_BYTES, type RemoteFiles } from '../files/remote-files.ts';
import { type Buffer, PlainBuffer } from './buffer.ts';
import type { Draft, DraftStore } from './drafts.ts';
import { type FileStyle, NO_STYLE } from './file-style.ts';
import { type ChosenLanguage, languageOf, type LanguageId } from './language-names.ts';
import { decodeText, encodeText, type FileText, lineBreakOf } from './text-file.ts';

/** Why there is nothing to edit, or `ready`. */
export type DocumentState = 'loading' | 'ready' | 'binary' | 'too-large' | 'not-text' | 'not-a-file' | 'missing' | 'failed';

/** What happened on disk to a file that has unsaved work here. */
export type Conflict = 'changed' | 'deleted';

/** A line, counted from 1, and what to select in it: UTF-16 units from its beginning. */
export interface Place {
  line: number;
  from: number;
  to: number;
}

interface Files extends Pick<RemoteFiles, 'read' | 'stat'> {
  write(path: string, bytes: Uint8Array<ArrayBuffer>, etag: string | null): ReturnType<RemoteFiles['write']>;
}

/** One open file: its text, what of it is on disk, and what to do when the two part. */
export class OpenDocument {
  readonly #files: Files;
  readonly #drafts: DraftStore;
  path = $state('');
  state = $state<DocumentState>('loading');
  dirty = $state(false);
  saving = $state(false);
  conflict = $state<Conflict | null>(null);
  /** unsaved work of an earlier page, offered until it is restored or discarded */
  draft = $state.raw<Draft | null>(null);
  error = $state<string | null>(null);
  size = $state(0);
  /** where the editor is to go once it shows this file; null: it has */
  goTo = $state.raw<Place | 'here' | null>(null);
  /** grows when `buffer` is another one, so that the editor takes it over anew */
  revision = $state(0);
  buffer: Buffer = new PlainBuffer('');
  /** what its lines end with when it is saved */
  lineBreak = $state<FileText['lineBreak']>('\n');
  /** grows with each change of the text */
  version = $state(0);
  /** a language chosen by hand; null: as the name says */
  chosenLanguage = $state<ChosenLanguage | null>(null);
  /** what the project asks of such files */
  style = $state.raw<FileStyle>(NO_STYLE);
  #firstLine = $state('');
  /** text on disk when last seen, and its etag; null: not there */
  #saved = '';
  #etag: string | null = null;

  constructor(path: string, files: Files, drafts: DraftStore) {
    this.path = path;
    this.#files = files;
    this.#drafts = drafts;
  }

  get name(): string {
    return nameOf(this.path);
  }

  /** what it is written in; null: nothing is coloured */
  get language(): LanguageId | null {
    if (this.chosenLanguage !== null) return this.chosenLanguage === 'plain' ? null : this.chosenLanguage;
    return languageOf(this.name, this.#firstLine);
  }

  /** Ends its lines otherwise from now on; saving writes that down. */
  endLines(lineBreak: FileText['lineBreak']): void {
    if (this.lineBreak === lineBreak) return;
    const text = this.buffer.read().replace(/\r\n|\r|\n/g, lineBreak);
    this.lineBreak = lineBreak;
    this.buffer.replace(text);
    this.edited();
  }

  /** Reads the file, and looks for unsaved work that an earlier page kept. */
  async load(): Promise<void> {
    try {
      const [content, draft] = await Promise.all([this.#files.read(this.path), this.#drafts.get(this.path)]);
      const text = this.#take(content);
      if (text === null) return;
      this.#begin(text, content.etag);
      if (draft !== null && draft.text !== text.text) this.draft = draft;
      else if (draft !== null) await this.#drafts.remove(this.path);
    } catch (thrown) {
      await this.#refused(thrown);
    }
  }

  /** The editor says that the text is now other than it was. */
  edited(): void {
    this.version += 1;
    const isDirty = !this.buffer.holds(this.#saved);
    this.dirty = isDirty || this.conflict === 'deleted';
    this.error = null;
    if (!isDirty && this.conflict === 'changed') void this.checkDisk();
  }

  /** Keeps unsaved work in this browser, in case the page goes away. */
  async keep(): Promise<void> {
    if (this.dirty) await this.#drafts.put({ path: this.path, text: this.buffer.read(), etag: this.#etag, time: Date.now() });
    else if (this.draft === null) await this.#drafts.remove(this.path);
  }

  /** @param overwrite whatever is on disk by now. @returns whether it was saved */
  async save(overwrite = false): Promise<boolean> {
    if (this.state !== 'ready' || this.saving) return false;
    const text = this.buffer.read();
    this.saving = true;
    this.error = null;
    try {
      const bytes = encodeText(text);
      if (bytes.byteLength > MOST_BYTES) throw new StreamError('too-large', 'The editor saves at most 10 MB.');
      const { etag } = await this.#files.write(this.path, bytes, overwrite ? '*' : this.#etag);
      this.#saved = text;
      this.#etag = etag;
      this.conflict = null;
      this.dirty = !this.buffer.holds(text);
      await this.keep();
      return true;
    } catch (thrown) {
      await this.#notSaved(thrown);
      return false;
    } finally {
      this.saving = false;
    }
  }

  /** Takes what is on disk and drops the work here. */
  async reload(): Promise<void> {
    try {
      const content = await this.#files.read(this.path);
      const text = this.#take(content);
      if (text === null) return;
      this.#saved = text.text;
      this.#etag = content.etag;
      this.conflict = null;
      this.error = null;
      this.lineBreak = text.lineBreak;
      this.buffer.replace(text.text);
      this.dirty = false;
      await this.keep();
    } catch (thrown) {
      this.error = wordsOf(thrown);
    }
  }

  /** Something may have changed on disk: follows in silence where nothing is lost by it, else says so. */
  async checkDisk(): Promise<void> {
    if (this.saving || this.state === 'loading') return;
    if (this.state !== 'ready') {
      this.version += 1;
      return this.load();
    }
    try {
      const { etag } = await this.#files.stat(this.path);
      if (this.saving || etag === this.#etag) return;
      if (this.dirty) this.conflict = 'changed';
      else await this.reload();
    } catch (thrown) {
      if (!(thrown instanceof StreamError && thrown.code === 'not-found')) return;
      this.#etag = null;
      this.conflict = 'deleted';
      this.dirty = true;
    }
  }

  /** Goes on with the work that an earlier page kept. */
  restoreDraft(): void {
    if (this.draft === null) return;
    const { text, etag } = this.draft;
    this.draft = null;
    if (this.state === 'missing') this.#begin({ text: '', lineBreak: '\n' }, null);
    if (etag !== this.#etag) this.conflict = 'changed';
    this.lineBreak = lineBreakOf(text);
    this.buffer.replace(text);
    this.dirty = text !== this.#saved;
  }

  async discardDraft(): Promise<void> {
    this.draft = null;
    await this.#drafts.remove(this.path);
  }

  async movedTo(path: string): Promise<void> {
    await this.#drafts.remove(this.path);
    this.path = path;
    await this.keep();
  }

  #begin(text: FileText, etag: string | null): void {
    this.#saved = text.text;
    this.#etag = etag;
    this.lineBreak = text.lineBreak;
    this.#firstLine = text.text.slice(0, 200).split('\n', 1)[0] ?? '';
    this.buffer = new PlainBuffer(text.text);
    this.state = 'ready';
    this.revision += 1;
  }

  #take(content: Awaited<ReturnType<Files['read']>>): FileText | null {
    this.size = content.entry.size;
    const text = content.bytes === null ? null : decodeText(content.bytes);
    if (text === null) this.state = content.why ?? 'not-text';
    return text;
  }

  async #notSaved(thrown: unknown): Promise<void> {
    const conflict = thrown instanceof StreamError && thrown.code === 'conflict';
    if (!conflict) {
      this.error = `Not saved. ${wordsOf(thrown)}`;
      return;
    }
    try {
      await this.#files.stat(this.path);
      this.conflict = 'changed';
    } catch (reason) {
      this.conflict = reason instanceof StreamError && reason.code === 'not-found' ? 'deleted' : 'changed';
      if (this.conflict === 'deleted') this.#etag = null;
    }
  }

  async #refused(thrown: unknown): Promise<void> {
    const code = thrown instanceof StreamError ? thrown.code : null;
    this.error = wordsOf(thrown);
    this.state = code === 'not-found' ? 'missing' : code === 'not-a-file' ? 'not-a-file' : code === 'too-large' ? 'too-large' : 'failed';
    if (this.state === 'missing') this.draft = await this.#drafts.get(this.path);
  }
}
