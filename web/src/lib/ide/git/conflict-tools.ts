import { type EditorState, type Extension, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, keymap, type Panel, showPanel, WidgetType } from '@codemirror/view';
import { documentFacet } from '../editor/document-facet.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { conflictsIn, taken, type Conflict, type Take } from './conflicts.ts';
import { reactivePlugin } from './reactive-plugin.svelte.ts';
import { markResolved } from './resolve.ts';

const setUnmerged = StateEffect.define<boolean>();

interface Merging {
  /** git itself says that the file is in conflict */
  unmerged: boolean;
  conflicts: readonly Conflict[];
}

const linesIn = ({ doc }: EditorState): string[] => doc.toString().split('\n');
const looksSo = ({ doc }: EditorState): boolean => doc.length < 2_000_000;

const merging = StateField.define<Merging>({
  create: () => ({ unmerged: false, conflicts: [] }),
  update: (value, { effects, docChanged, state }) => {
    const unmerged = effects.reduce((now, effect) => (effect.is(setUnmerged) ? effect.value : now), value.unmerged);
    if (!docChanged && unmerged === value.unmerged) return value;
    return { unmerged, conflicts: unmerged && looksSo(state) ? conflictsIn(linesIn(state)) : [] };
  },
});

/** Where git says that a file is in conflict: both sides and what was before stand out, each with what to take, and a bar for the file. */
export function conflictTools(ide: Ide, document: OpenDocument): Extension {
  const { git } = ide;
  const follow = reactivePlugin((view) => {
    const repository = git.repositoryOf(document.path);
    const unmerged = repository !== null && git.statusOf(document.path) === 'conflict';
    queueMicrotask(() => {
      if (view.state.facet(documentFacet) === document && view.state.field(merging).unmerged !== unmerged)
        view.dispatch({ effects: setUnmerged.of(unmerged) });
    });
  });
  return [
    merging,
    follow,
    decorations,
    showPanel.compute([merging], (state) => (state.field(merging).unmerged ? (view) => panelOf(view, ide, document) : null)),
    keymap.of([
      { key: 'Alt-n', run: (view) => goTo(view, 1) },
      { key: 'Alt-p', run: (view) => goTo(view, -1) },
      { key: 'Alt-Shift-o', run: (view) => takeHere(view, 'ours') },
      { key: 'Alt-Shift-t', run: (view) => takeHere(view, 'theirs') },
      { key: 'Alt-Shift-u', run: (view) => takeHere(view, 'both') },
      { key: 'Alt-Shift-r', run: (view) => resolveHere(view, ide, document) },
    ]),
    theme,
  ];
}

/** Puts one side, or both, in a conflict's place. */
function take(view: EditorView, conflict: Conflict, what: Take): void {
  const lines = linesIn(view.state);
  const { doc } = view.state;
  const from = doc.line(conflict.from + 1).from;
  const to = doc.line(conflict.to).to;
  const result = taken(lines, conflict, what);
  // With no line in its place, its own line break goes, too.
  const end = result.length === 0 ? Math.min(doc.length, to + 1) : to;
  view.dispatch({ changes: { from, to: end, insert: result.join('\n') }, selection: { anchor: from }, userEvent: 'input.resolve' });
  if (!goTo(view, 1)) view.focus();
}

/** In the conflict that the cursor is in, or else the next. */
function takeHere(view: EditorView, what: Take): boolean {
  const { conflicts } = view.state.field(merging);
  const line = view.state.doc.lineAt(view.state.selection.main.head).number - 1;
  const here = conflicts.find(({ to }) => to > line) ?? conflicts[0];
  if (here === undefined || view.state.readOnly) return false;
  take(view, here, what);
  return true;
}

/** @returns false where git sees no conflict: the keys mean nothing then */
function resolveHere(view: EditorView, ide: Ide, document: OpenDocument): boolean {
  const { unmerged, conflicts } = view.state.field(merging);
  if (!unmerged || view.state.readOnly) return false;
  if (conflicts.length > 0) goTo(view, 1);
  else void markResolved(ide, document);
  return true;
}

function takeAll(view: EditorView, what: Take): void {
  const { conflicts } = view.state.field(merging);
  for (const conflict of conflicts.toReversed()) take(view, conflict, what);
}

function goTo(view: EditorView, step: 1 | -1): boolean {
  const { conflicts } = view.state.field(merging);
  const line = view.state.doc.lineAt(view.state.selection.main.head).number - 1;
  const next =
    step === 1
      ? (conflicts.find(({ from }) => from > line) ?? conflicts[0])
      : (conflicts.findLast(({ from }) => from < line) ?? conflicts.at(-1));
  if (next === undefined) return false;
  const { from } = view.state.doc.line(next.from + 1);
  view.dispatch({ selection: { anchor: from }, effects: EditorView.scrollIntoView(from, { y: 'center' }) });
  view.focus();
  return true;
}

const decorations = EditorView.decorations.compute([merging], (state): DecorationSet => {
  const { doc } = state;
  const line = (at: number, name: string) => Decoration.line({ class: `cm-side cm-side-${name}` }).range(doc.line(at + 1).from);
  const lines = ([from, to]: [number, number], name: string) => Array.from({ length: to - from }, (_, index) => line(from + index, name));
  const ranges = state
    .field(merging)
    .conflicts.flatMap((conflict, index) => [
      Decoration.widget({ widget: new Choices(conflict, index), block: true, side: -1 }).range(doc.line(conflict.from + 1).from),
      line(conflict.from, 'marker'),
      ...lines(conflict.ours, 'ours'),
      ...(conflict.base === null ? [] : [line(conflict.base[0] - 1, 'marker'), ...lines(conflict.base, 'base')]),
      line(conflict.theirs[0] - 1, 'marker'),
      ...lines(conflict.theirs, 'theirs'),
      line(conflict.to - 1, 'marker'),
    ]);
  return Decoration.set(ranges, true);
});

function buttonOf(label: string, name: string, act: () => void): HTMLButtonElement {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'btn small';
  button.textContent = label;
  button.setAttribute('aria-label', name);
  button.addEventListener('click', act);
  return button;
}

/** What to take of one conflict, above it. */
class Choices extends WidgetType {
  readonly #conflict: Conflict;
  readonly #index: number;
  constructor(conflict: Conflict, index: number) {
    super();
    this.#conflict = conflict;
    this.#index = index;
  }

  override eq(other: Choices): boolean {
    return JSON.stringify(this.#conflict) === JSON.stringify(other.#conflict) && this.#index === other.#index;
  }

  toDOM(view: EditorView): HTMLElement {
    const { names, base } = this.#conflict;
    const box = document.createElement('div');
    box.className = 'cm-conflict';
    box.setAttribute('role', 'group');
    const which = `conflict ${this.#index + 1}`;
    box.setAttribute('aria-label', `${which[0]?.toUpperCase()}${which.slice(1)}`);
    const title = document.createElement('span');
    title.textContent = `Ours: ${names.ours || 'here'} · Theirs: ${names.theirs || 'there'}`;
    const choice = (label: string, what: Take, key = '') => {
      const button = buttonOf(label, `${label} in ${which}`, () => take(view, this.#conflict, what));
      button.title = key;
      return button;
    };
    if (!view.state.readOnly) {
      box.append(
        choice('Take ours', 'ours', 'Alt Shift O'),
        choice('Take theirs', 'theirs', 'Alt Shift T'),
        choice('Take both', 'both', 'Alt Shift U'),
      );
      if (base !== null) box.append(choice('Take what was before', 'base'));
    }
    box.append(title);
    return box;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** How many conflicts are left, and what ends them. */
function panelOf(view: EditorView, ide: Ide, document: OpenDocument): Panel {
  const dom = window.document.createElement('div');
  dom.className = 'cm-merge-bar';
  dom.setAttribute('role', 'group');
  dom.setAttribute('aria-label', 'Conflicts of this file');
  const said = window.document.createElement('span');
  said.setAttribute('role', 'status');
  const resolve = buttonOf('Mark as resolved', 'Mark as resolved', () => void markResolved(ide, document));
  resolve.classList.add('primary');
  resolve.title = 'Alt Shift R';
  const next = buttonOf('Next', 'Next conflict', () => goTo(view, 1));
  const ours = buttonOf('All ours', 'All ours of this file', () => takeAll(view, 'ours'));
  const theirs = buttonOf('All theirs', 'All theirs of this file', () => takeAll(view, 'theirs'));
  dom.append(said, next, ours, theirs, resolve);
  const tell = () => {
    const { length } = view.state.field(merging).conflicts;
    said.textContent =
      length === 0
        ? 'No conflict is left. Look the file over, then mark it as resolved.'
        : `${length} ${length === 1 ? 'conflict' : 'conflicts'} left`;
    for (const button of [next, ours, theirs]) button.disabled = length === 0 || (button !== next && view.state.readOnly);
    resolve.disabled = length > 0 || view.state.readOnly;
  };
  tell();
  return { dom, top: true, update: ({ state, startState }) => state.field(merging) !== startState.field(merging) && tell() };
}

const theme = EditorView.baseTheme({
  '.cm-side-ours': { backgroundColor: 'color-mix(in oklch, var(--git-added) 12%, transparent)' },
  '.cm-side-theirs': { backgroundColor: 'color-mix(in oklch, var(--git-modified) 14%, transparent)' },
  '.cm-side-base': { backgroundColor: 'var(--neutral-quiet)' },
  '.cm-side-marker': { color: 'var(--fg-faint)' },
  '.cm-conflict, .cm-merge-bar': {
    display: 'flex',
    flexWrap: 'wrap',
    alignItems: 'center',
    gap: '6px',
    padding: '6px 8px',
    font: 'var(--text-2)/var(--line-2) var(--font-ui)',
  },
  '.cm-conflict span': { color: 'var(--fg-muted)', paddingLeft: '4px' },
  '.cm-merge-bar': { padding: '6px 14px' },
  '.cm-merge-bar span': { flex: '1' },
});
