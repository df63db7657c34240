import { Compartment, EditorState, type Extension, type TransactionSpec } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { whenIdle } from '#lib/idle.ts';
import { cspNonce } from '../csp-nonce.ts';
import type { EditorCommand } from '../keys.ts';
import { behaviour } from './behaviour.ts';
import type { Contribution } from './contributions.svelte.ts';
import { documentFacet } from './document-facet.ts';
import type { OpenDocument, Place } from './document.svelte.ts';
import { editorTheme } from './editor-theme.ts';
import { type CodeEditorEvents, editorEvents } from './editor-events.ts';
import type { LanguageId } from './language-names.ts';
import { LANGUAGES } from './languages.ts';
import { PLAIN, type Preferences, preferred } from './preferences.ts';
import { sharedTextOf } from './shared-text.ts';
import { shared, undoKeys } from './undo.ts';

interface Kept {
  state: EditorState;
  scroll: ReturnType<EditorView['scrollSnapshot']> | null;
  revision: number;
  language: LanguageId | null;
  /** ends its part in the text */
  leave: () => void;
}

/** The editor of one group. Each file in it keeps its own state: cursors, folds, place. Its text and history may be in other editors, too. */
export class CodeEditor {
  /** for what is added to editors; its state is that of the file in sight */
  readonly view: EditorView;
  readonly #host = window.document.createElement('div');
  readonly #events: CodeEditorEvents;
  readonly #kept = new Map<OpenDocument, Kept>();
  readonly #lock = new Compartment();
  readonly #contributed = new Compartment();
  readonly #language = new Compartment();
  readonly #preferred = new Compartment();
  readonly #vim = new Compartment();
  readonly #comfort = new Compartment();
  #comfortFor: ((document: OpenDocument) => Extension) | null = null;
  #preferences: Preferences = PLAIN;
  #vimKeys: Extension = [];
  #contributions: readonly Contribution[] = [];
  #locked = false;
  readonly #forgetComfort: () => void;
  /** Keys that comfort takes, pressed before it is there; else the browser's own search would open. */
  readonly #early = keymap.of(
    (['Mod-f', 'Mod-h'] as const).map((key) => ({ key, preventDefault: true, run: () => this.#comfortFor === null && this.#find() })),
  );
  #shown: OpenDocument | null = null;

  constructor(events: CodeEditorEvents) {
    this.#events = events;
    this.#forgetComfort = whenIdle(() => this.#loadComfort());
    this.#host.className = 'editor-host';
    this.view = new EditorView({ parent: this.#host, extensions: [EditorView.cspNonce.of(cspNonce())] });
  }

  mount(container: HTMLElement): void {
    container.append(this.#host);
    this.view.requestMeasure();
  }

  /** Shows a file that is ready to be edited, at the place where it was left. */
  show(document: OpenDocument): void {
    if (this.#shown === document && this.#kept.get(document)?.revision === document.revision) return;
    this.#leave();
    let kept = this.#kept.get(document);
    if (kept === undefined || kept.revision !== document.revision) {
      kept?.leave();
      kept = this.#keep(document);
      this.#kept.set(document, kept);
    }
    this.#shown = document;
    this.view.setState(kept.state);
    this.#applyLock();
    this.refresh(document);
    // What was shown before may have been scrolled.
    this.view.dispatch({ effects: kept.scroll ?? EditorView.scrollIntoView(0) });
    this.#tellPosition(this.view.state);
  }

  /** A file has no tab here any more. */
  forget(document: OpenDocument): void {
    if (this.#shown === document) this.#shown = null;
    this.#kept.get(document)?.leave();
    this.#kept.delete(document);
  }

  focus(): void {
    this.view.focus();
  }

  /** Selects a place of the file that is shown, in the middle of the screen, and takes the keyboard. */
  reveal({ line, from, to }: Place): void {
    const { doc } = this.view.state;
    const found = doc.line(Math.min(Math.max(1, line), doc.lines));
    const [anchor, head] = [Math.min(found.from + from, found.to), Math.min(found.from + to, found.to)];
    this.view.dispatch({ selection: { anchor, head }, effects: EditorView.scrollIntoView(anchor, { y: 'center' }) });
    this.view.focus();
  }

  /** Puts the cursor where somebody points, unless that is in what is selected. */
  aim(point: { x: number; y: number }): void {
    const at = this.view.posAtCoords(point);
    const isSelected = this.view.state.selection.ranges.some(({ from, to }) => at !== null && from <= at && at <= to && from < to);
    if (at !== null && !isSelected) this.view.dispatch({ selection: { anchor: at } });
  }

  /** the text that is selected in the file that is shown */
  get selected(): string {
    const { state } = this.view;
    return this.#shown === null ? '' : state.sliceDoc(state.selection.main.from, state.selection.main.to);
  }

  /** Whether files can only be read. */
  lock(locked: boolean): void {
    this.#locked = locked;
    if (this.#shown !== null) this.#applyLock();
  }

  /** What other parts of the IDE add, to files that are open already, too. */
  contribute(contributions: readonly Contribution[]): void {
    if (contributions === this.#contributions) return;
    this.#contributions = contributions;
    for (const document of this.#kept.keys()) void this.#loadContributions(document);
  }

  /** What somebody chose, in force at once in all files. */
  async prefer(preferences: Preferences): Promise<void> {
    const { vim } = this.#preferences;
    this.#preferences = preferences;
    for (const document of this.#kept.keys()) this.#applyPreferences(document);
    if (vim === preferences.vim) return;
    const keys = preferences.vim ? (await import('./vim/vim.ts')).vimKeys(this.#events.clipboard) : [];
    if (this.#preferences.vim !== preferences.vim) return;
    this.#vimKeys = keys;
    for (const document of this.#kept.keys()) this.#change(document, { effects: this.#vim.reconfigure(keys) });
  }

  /** The language of a file, or what its project asks of it, may be another now. */
  refresh(document: OpenDocument): void {
    const kept = this.#kept.get(document);
    if (kept === undefined) return;
    this.#applyPreferences(document);
    if (kept.language === document.language) return;
    kept.language = document.language;
    void this.#loadLanguage(document, kept);
  }

  async run(command: EditorCommand): Promise<void> {
    this.view.focus();
    const [{ COMMANDS }] = await Promise.all([import('./commands.ts'), this.#loadComfort()]);
    COMMANDS[command](this.view);
  }

  destroy(): void {
    this.#shown = null;
    this.#forgetComfort();
    for (const { leave } of this.#kept.values()) leave();
    this.#kept.clear();
    this.view.destroy();
    this.#host.remove();
  }

  /** Keeps the state of the shown file, to come back to it. */
  #leave(): void {
    const kept = this.#shown === null ? undefined : this.#kept.get(this.#shown);
    if (kept !== undefined) Object.assign(kept, { state: this.view.state, scroll: this.view.scrollSnapshot() });
    this.#shown = null;
  }

  #keep(document: OpenDocument): Kept {
    const text = sharedTextOf(document, this.#events.edited);
    const follower = (spec: TransactionSpec): void => this.#change(document, spec);
    const state = EditorState.create({
      doc: text.doc,
      extensions: [
        this.#vim.of(this.#vimKeys),
        shared.of({ text, follower }),
        EditorView.updateListener.of(({ transactions }) => transactions.forEach((transaction) => text.took(transaction, follower))),
        this.#comfort.of(this.#comfortFor?.(document) ?? []),
        this.#extensions(document),
        this.#language.of([]),
        this.#preferred.of(preferred(document, this.#preferences)),
        this.#contributed.of([]),
      ],
    });
    void this.#loadContributions(document);
    return { state, scroll: null, revision: document.revision, language: null, leave: text.join(follower) };
  }

  #extensions(document: OpenDocument): Extension {
    return [
      documentFacet.of(document),
      EditorView.cspNonce.of(cspNonce()),
      editorEvents.of(this.#events),
      EditorState.lineSeparator.of('\n'),
      EditorView.clipboardInputFilter.of((text) => text.replace(/\r\n?/g, '\n')),
      EditorState.allowMultipleSelections.of(true),
      EditorView.contentAttributes.of({ 'aria-label': document.name, tabindex: '0' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged || update.selectionSet) this.#tellPosition(update.state);
      }),
      this.#lock.of([]),
      this.#early,
      undoKeys,
      behaviour,
      editorTheme,
    ];
  }

  #applyLock(): void {
    this.view.dispatch({ effects: this.#lock.reconfigure(EditorState.readOnly.of(this.#locked)) });
  }

  #applyPreferences(document: OpenDocument): void {
    this.#change(document, { effects: this.#preferred.reconfigure(preferred(document, this.#preferences)) });
  }

  #find(): boolean {
    void this.run('find');
    return true;
  }

  async #loadComfort(): Promise<void> {
    if (this.#comfortFor !== null) return;
    const { comfortFor } = await import('./comfort.ts');
    if (this.#comfortFor !== null) return;
    this.#comfortFor = comfortFor;
    for (const document of this.#kept.keys()) this.#change(document, { effects: this.#comfort.reconfigure(comfortFor(document)) });
  }

  async #loadLanguage(document: OpenDocument, kept: Kept): Promise<void> {
    const { language } = kept;
    const support = language === null ? [] : await LANGUAGES[language]();
    if (kept.language === language) this.#change(document, { effects: this.#language.reconfigure(support) });
  }

  async #loadContributions(document: OpenDocument): Promise<void> {
    const contributions = this.#contributions;
    const loaded = await Promise.all(contributions.map((contribution) => contribution(document)));
    if (contributions === this.#contributions) this.#change(document, { effects: this.#contributed.reconfigure(loaded) });
  }

  #change(document: OpenDocument, spec: TransactionSpec): void {
    if (this.#shown === document) return this.view.dispatch(spec);
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
