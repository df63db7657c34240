import { history, isolateHistory, redo, undo } from '@codemirror/commands';
import { Annotation, EditorState, Text, Transaction, type TransactionSpec } from '@codemirror/state';
import type { Buffer } from './buffer.ts';
import type { OpenDocument } from './document.svelte.ts';
import { differences, type FileText } from './text-file.ts';

/** Marks what an editor is told by the text, so that it does not tell it back. */
const told = Annotation.define<boolean>();

/** An editor that shows the text: is told every change that it did not make itself. */
export type Follower = (spec: TransactionSpec) => void;

/** The text of one open file and its history, one for all the editors that show it. */
export class SharedText implements Buffer {
  #state: EditorState;
  readonly #followers = new Set<Follower>();
  readonly #edited: () => void;
  readonly #lineBreak: () => FileText['lineBreak'];

  /** @param lineBreak what lines end with in what is read; here and in editors always a line feed */
  constructor(text: string, lineBreak: () => FileText['lineBreak'], edited: () => void) {
    this.#edited = edited;
    this.#lineBreak = lineBreak;
    this.#state = EditorState.create({
      doc: Text.of(this.#normal(text).split('\n')),
      extensions: [history(), EditorState.allowMultipleSelections.of(true)],
    });
  }

  get doc(): Text {
    return this.#state.doc;
  }

  read(): string {
    return this.#state.doc.sliceString(0, this.#state.doc.length, this.#lineBreak());
  }

  holds(text: string): boolean {
    const { doc } = this.#state;
    return doc.length + (this.#lineBreak().length - 1) * (doc.lines - 1) === text.length && this.read() === text;
  }

  replace(text: string): void {
    const found = differences(this.#state.doc.toString(), this.#normal(text));
    if (found.length === 0) return;
    const changes = found.map((change) => ({ ...change, insert: Text.of(change.insert.split('\n')) }));
    this.#state = this.#state.update({ changes }).state;
    this.#tell({ changes });
  }

  /** @returns ends it */
  join(follower: Follower): () => void {
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  /** Takes what was typed in an editor, and tells the others. */
  took(transaction: Transaction, from: Follower): void {
    if (!transaction.docChanged || transaction.annotation(told) === true) return;
    const { changes } = transaction;
    const annotations = notesForHistory(transaction);
    // first where the cursors were: undo leads back to there
    this.#state = this.#state.update({ selection: transaction.startState.selection }).state;
    this.#state = this.#state.update({ changes, selection: transaction.newSelection, annotations }).state;
    this.#tell({ changes }, from);
  }

  /** Takes back the last change, or makes it again, wherever it was made. @returns whether there was one */
  step(direction: 'undo' | 'redo', asker: Follower): boolean {
    const command = direction === 'undo' ? undo : redo;
    return command({
      state: this.#state,
      dispatch: (transaction) => {
        this.#state = transaction.state;
        if (!transaction.docChanged) return;
        const { changes, newSelection: selection } = transaction;
        asker({ changes, selection, scrollIntoView: true, annotations: told.of(true) });
        this.#tell({ changes }, asker);
      },
    });
  }

  #normal(text: string): string {
    return this.#lineBreak() === '\r\n' ? text.replaceAll('\r\n', '\n') : text;
  }

  #tell(spec: TransactionSpec, except: Follower | null = null): void {
    for (const follower of [...this.#followers]) if (follower !== except) follower({ ...spec, annotations: told.of(true) });
    this.#edited();
  }
}

/** The text of an open file, as all its editors share it. @param edited is told of every change from now on */
export function sharedTextOf(document: OpenDocument, edited: (document: OpenDocument) => void): SharedText {
  if (document.buffer instanceof SharedText) return document.buffer;
  const text = new SharedText(
    document.buffer.read(),
    () => document.lineBreak,
    () => edited(document),
  );
  document.buffer = text;
  return text;
}

/** What decides how a change stands in the history. */
function notesForHistory(transaction: Transaction): Annotation<unknown>[] {
  const event = transaction.annotation(Transaction.userEvent);
  const isKept = transaction.annotation(Transaction.addToHistory);
  const isolated = transaction.annotation(isolateHistory);
  return [
    ...(event === undefined ? [] : [Transaction.userEvent.of(event)]),
    ...(isKept === undefined ? [] : [Transaction.addToHistory.of(isKept)]),
    ...(isolated === undefined ? [] : [isolateHistory.of(isolated)]),
  ];
}
