import { history, isolateHistory, redo, undo } from '@codemirror/commands';
import { Annotation, EditorState, Text, Transaction, type TransactionSpec } from '@codemirror/state';
import type { Buffer } from './document.svelte.ts';
import { difference } from './text-file.ts';

/** Marks what an editor is told by the text, so that it does not tell it back. */
const told = Annotation.define<boolean>();

/** An editor that shows the text: is told every change that it did not make itself. */
export type Follower = (spec: TransactionSpec) => void;

/** The text of one open file and its history, one for all the editors that show it. */
export class SharedText implements Buffer {
  #state: EditorState;
  readonly #followers = new Set<Follower>();
  readonly #edited: () => void;
  readonly #lineBreak: string;

  constructor(text: string, lineBreak: string, edited: () => void) {
    this.#edited = edited;
    this.#lineBreak = lineBreak;
    this.#state = EditorState.create({
      doc: text,
      extensions: [history(), EditorState.lineSeparator.of(lineBreak), EditorState.allowMultipleSelections.of(true)],
    });
  }

  get doc(): Text {
    return this.#state.doc;
  }

  read(): string {
    return this.#state.sliceDoc();
  }

  holds(text: string): boolean {
    const { doc } = this.#state;
    return doc.length + (this.#lineBreak.length - 1) * (doc.lines - 1) === text.length && this.read() === text;
  }

  replace(text: string): void {
    const normal = this.#lineBreak === '\r\n' ? text.replaceAll('\r\n', '\n') : text;
    const change = difference(this.#state.doc.toString(), normal);
    if (change === null) return;
    const changes = { ...change, insert: Text.of(change.insert.split('\n')) };
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

  #tell(spec: TransactionSpec, except: Follower | null = null): void {
    for (const follower of [...this.#followers]) if (follower !== except) follower({ ...spec, annotations: told.of(true) });
    this.#edited();
  }
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
