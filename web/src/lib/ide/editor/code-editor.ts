import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { copyLineDown, defaultKeymap, history, historyKeymap, indentWithTab, moveLineDown, toggleComment } from '@codemirror/commands';
import { bracketMatching, foldCode, foldGutter, foldKeymap, indentOnInput, indentUnit, unfoldCode } from '@codemirror/language';
import { gotoLine, highlightSelectionMatches, openSearchPanel, search, searchKeymap, selectNextOccurrence } from '@codemirror/search';
import { Compartment, EditorState, type Extension, Text, type TransactionSpec } from '@codemirror/state';
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  type Command,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view';
import { cspNonce } from '../csp-nonce.ts';
import type { EditorCommand } from '../keys.ts';
import type { OpenDocument, Place } from './document.svelte.ts';
import { editorTheme } from './editor-theme.ts';
import { languageOf } from './language-names.ts';
import { LANGUAGES } from './languages.ts';
import { difference } from './text-file.ts';

/** Where the cursor is, counted from 1. */
export interface CursorPosition {
  line: number;
  column: number;
  /** characters selected, in all cursors */
  selected: number;
}

export interface CodeEditorEvents {
  moved(position: CursorPosition): void;
  edited(document: OpenDocument): void;
}

interface Kept {
  state: EditorState;
  scroll: ReturnType<EditorView['scrollSnapshot']> | null;
  revision: number;
}

/** The one editor of the page. Each open file keeps its own state: history, cursors, folds, place. */
export class CodeEditor {
  readonly #view: EditorView;
  readonly #host = window.document.createElement('div');
  readonly #events: CodeEditorEvents;
  readonly #kept = new WeakMap<OpenDocument, Kept>();
  readonly #lock = new Compartment();
  #locked = false;
  #shown: OpenDocument | null = null;

  constructor(events: CodeEditorEvents) {
    this.#events = events;
    this.#host.className = 'editor-host';
    this.#view = new EditorView({ parent: this.#host, extensions: [EditorView.cspNonce.of(cspNonce())] });
  }

  mount(container: HTMLElement): void {
    container.append(this.#host);
    this.#view.requestMeasure();
  }

  /** Shows a file that is ready to be edited, at the place where it was left. */
  show(document: OpenDocument): void {
    if (this.#shown === document && this.#kept.get(document)?.revision === document.revision) return;
    this.#leave();
    let kept = this.#kept.get(document);
    if (kept === undefined || kept.revision !== document.revision) {
      kept = this.#keep(document);
      this.#kept.set(document, kept);
    }
    this.#shown = document;
    this.#view.setState(kept.state);
    this.#applyLock();
    if (kept.scroll !== null) this.#view.dispatch({ effects: kept.scroll });
    this.#tellPosition(this.#view.state);
  }

  focus(): void {
    this.#view.focus();
  }

  /** Selects a place of the file that is shown, in the middle of the screen, and takes the keyboard. */
  reveal({ line, from, to }: Place): void {
    const { doc } = this.#view.state;
    const found = doc.line(Math.min(Math.max(1, line), doc.lines));
    const [anchor, head] = [Math.min(found.from + from, found.to), Math.min(found.from + to, found.to)];
    this.#view.dispatch({ selection: { anchor, head }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
    this.#view.focus();
  }

  /** the text that is selected in the file that is shown */
  get selected(): string {
    const { state } = this.#view;
    return this.#shown === null ? '' : state.sliceDoc(state.selection.main.from, state.selection.main.to);
  }

  /** What a copy takes: all that is selected, and of a cursor alone its line. */
  get selection(): string {
    const { doc, selection } = this.#view.state;
    return selection.ranges.map((range) => (range.empty ? doc.lineAt(range.head).text : doc.sliceString(range.from, range.to))).join('\n');
  }

  /** Whether files can only be read. */
  lock(locked: boolean): void {
    this.#locked = locked;
    if (this.#shown !== null) this.#applyLock();
  }

  run(command: EditorCommand): void {
    this.#view.focus();
    COMMANDS[command](this.#view);
  }

  destroy(): void {
    this.#leave();
    this.#view.destroy();
  }

  /** Keeps the state of the shown file, to come back to it. */
  #leave(): void {
    const kept = this.#shown === null ? undefined : this.#kept.get(this.#shown);
    if (kept !== undefined) Object.assign(kept, { state: this.#view.state, scroll: this.#view.scrollSnapshot() });
    this.#shown = null;
  }

  #keep(document: OpenDocument): Kept {
    const language = new Compartment();
    const state = EditorState.create({
      doc: document.buffer.read(),
      extensions: [this.#extensions(document), language.of([])],
    });
    document.buffer = {
      read: () => this.#read(document),
      replace: (text) => this.#replace(document, text),
      holds: (text) => this.#length(document) === text.length && this.#read(document) === text,
    };
    void this.#loadLanguage(document, language);
    return { state, scroll: null, revision: document.revision };
  }

  #extensions(document: OpenDocument): Extension {
    return [
      EditorView.cspNonce.of(cspNonce()),
      EditorState.lineSeparator.of(document.lineBreak),
      EditorState.allowMultipleSelections.of(true),
      EditorView.contentAttributes.of({ 'aria-label': document.name, tabindex: '0' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) this.#events.edited(document);
        if (update.docChanged || update.selectionSet) this.#tellPosition(update.state);
      }),
      indentUnit.of(indentOf(document.buffer.read())),
      this.#lock.of([]),
      behaviour,
      editorTheme,
    ];
  }

  #applyLock(): void {
    this.#view.dispatch({ effects: this.#lock.reconfigure(EditorState.readOnly.of(this.#locked)) });
  }

  async #loadLanguage(document: OpenDocument, compartment: Compartment): Promise<void> {
    const language = languageOf(document.name);
    const support = language === null ? null : await LANGUAGES[language]();
    if (support !== null) this.#change(document, { effects: compartment.reconfigure(support) });
  }

  #stateOf(document: OpenDocument): EditorState | undefined {
    return this.#shown === document ? this.#view.state : this.#kept.get(document)?.state;
  }

  #read(document: OpenDocument): string {
    const state = this.#stateOf(document);
    return state === undefined ? '' : state.sliceDoc();
  }

  #length(document: OpenDocument): number {
    const text = this.#stateOf(document)?.doc;
    return text === undefined ? 0 : text.length + (document.lineBreak.length - 1) * (text.lines - 1);
  }

  #replace(document: OpenDocument, text: string): void {
    const state = this.#stateOf(document);
    if (state === undefined) return;
    const normal = document.lineBreak === '\r\n' ? text.replaceAll('\r\n', '\n') : text;
    const change = difference(state.doc.toString(), normal);
    if (change !== null) this.#change(document, { changes: { ...change, insert: Text.of(change.insert.split('\n')) } });
  }

  #change(document: OpenDocument, spec: TransactionSpec): void {
    if (this.#shown === document) return this.#view.dispatch(spec);
    const kept = this.#kept.get(document);
    if (kept !== undefined) kept.state = kept.state.update(spec).state;
  }

  #tellPosition(state: EditorState): void {
    const { head } = state.selection.main;
    const line = state.doc.lineAt(head);
    const selected = state.selection.ranges.reduce((sum, { from, to }) => sum + to - from, 0);
    this.#events.moved({ line: line.number, column: head - line.from + 1, selected });
  }
}

/** What indents a line in this file already: a tab, or the narrowest run of spaces. */
function indentOf(text: string): string {
  const indents = text.slice(0, 20_000).match(/^(\t| {2,8})(?=\S)/gm) ?? [];
  if (indents.filter((indent) => indent === '\t').length * 2 > indents.length) return '\t';
  return indents.filter((indent) => indent !== '\t').sort((a, b) => a.length - b.length)[0] ?? '  ';
}

const COMMANDS: Record<EditorCommand, Command> = {
  find: openSearchPanel,
  'go-to-line': gotoLine,
  'select-next': selectNextOccurrence,
  comment: toggleComment,
  'copy-line': copyLineDown,
  'move-line': moveLineDown,
  fold: foldCode,
  unfold: unfoldCode,
};

/** CodeMirror's own words begin small; ours are sentences. */
const words = EditorState.phrases.of({
  next: 'Next',
  previous: 'Previous',
  all: 'Select all',
  'match case': 'Match case',
  regexp: 'Regular expression',
  'by word': 'Whole words',
  replace: 'Replace',
  'replace all': 'Replace all',
  close: 'Close',
});

const behaviour: Extension = [
  words,
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  history(),
  foldGutter(),
  drawSelection(),
  dropCursor(),
  indentOnInput(),
  bracketMatching(),
  closeBrackets(),
  autocompletion(),
  rectangularSelection(),
  crosshairCursor(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  search({ top: true }),
  keymap.of([
    { key: 'Mod-d', run: selectNextOccurrence, preventDefault: true },
    { key: 'Mod-h', run: openSearchPanel, preventDefault: true },
    { key: 'Shift-Alt-ArrowDown', run: copyLineDown },
    ...closeBracketsKeymap,
    ...searchKeymap,
    ...defaultKeymap,
    ...historyKeymap,
    ...foldKeymap,
    ...completionKeymap,
    indentWithTab,
  ]),
];
