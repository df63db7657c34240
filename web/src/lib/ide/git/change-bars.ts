import { type EditorState, type Extension, RangeSet, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, gutter, GutterMarker, keymap, WidgetType } from '@codemirror/view';
import type { LineEdit } from '@gatehouse/core/protocol/git.ts';
import { documentFacet } from '../editor/document-facet.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { editsBetween, linesOf } from './diff.ts';
import { reactivePlugin } from './reactive-plugin.svelte.ts';

/** Lines are compared this long after the last key. */
const PAUSE_MS = 200;
const MOST_LETTERS = 1_000_000;

interface Bars {
  /** as it is in the index; null: there is nothing to compare with */
  base: string | null;
  edits: readonly LineEdit[];
  /** the change that is shown; null: none is */
  peeked: LineEdit | null;
}

const setBase = StateEffect.define<string | null>();
const setEdits = StateEffect.define<readonly LineEdit[]>();
const setPeek = StateEffect.define<LineEdit | null>();

const bars = StateField.define<Bars>({
  create: () => ({ base: null, edits: [], peeked: null }),
  update: (value, transaction) =>
    transaction.effects.reduce<Bars>(
      (now, effect) => {
        if (effect.is(setBase)) return { base: effect.value, edits: [], peeked: null };
        if (effect.is(setEdits)) return { ...now, edits: effect.value };
        return effect.is(setPeek) ? { ...now, peeked: effect.value } : now;
      },
      transaction.docChanged && value.peeked !== null ? { ...value, peeked: null } : value,
    ),
});

/** Bars beside the lines that differ from the index; a click, or Alt F3, shows what was there and takes it back. */
export function changeBars(ide: Ide, document: OpenDocument): Extension {
  const { git } = ide;
  const base = reactivePlugin((view) => {
    const repository = git.repositoryOf(document.path);
    void repository?.revision;
    if (repository === null) return;
    void repository.remote.show(repository.folder, git.within(repository, document.path), 'index').then(
      ({ text }) => {
        const normal = text !== null && document.lineBreak === '\r\n' ? text.replaceAll('\r\n', '\n') : text;
        // The same editor shows many files: this may come when it shows another.
        if (view.state.facet(documentFacet) !== document) return;
        if (view.state.field(bars).base !== normal) view.dispatch({ effects: setBase.of(normal) });
        compare(view);
      },
      () => undefined,
    );
  });
  let timer: ReturnType<typeof setTimeout> | undefined;
  const follow = EditorView.updateListener.of(({ docChanged, view }) => {
    if (!docChanged) return;
    clearTimeout(timer);
    timer = setTimeout(() => compare(view), PAUSE_MS);
  });
  return [
    bars,
    base,
    follow,
    peeks,
    gutter({
      class: 'cm-changes',
      markers: ({ state }) => markersOf(state),
      lineMarkerChange: ({ startState, state }) => startState.field(bars) !== state.field(bars),
      domEventHandlers: {
        mousedown: (view, line) => peekAt(view, view.state.doc.lineAt(line.from).number),
      },
    }),
    keymap.of([
      { key: 'Alt-F3', run: nextChange },
      { key: 'Escape', run: closePeek },
    ]),
    theme,
  ];
}

function compare(view: EditorView): void {
  const now = view.state.field(bars, false);
  if (now === undefined) return;
  const { base } = now;
  const isTooLong = base === null || base.length + view.state.doc.length > MOST_LETTERS;
  view.dispatch({ effects: setEdits.of(isTooLong ? [] : editsBetween(base, view.state.doc.toString())) });
}

const kindOf = ({ old, new: fresh }: LineEdit) => (old[0] === old[1] ? 'added' : fresh[0] === fresh[1] ? 'deleted' : 'modified');

class Bar extends GutterMarker {
  readonly #kind: string;
  constructor(kind: string) {
    super();
    this.#kind = kind;
    this.elementClass = `cm-change cm-change-${kind}`;
  }
  override eq(other: Bar): boolean {
    return this.#kind === other.#kind;
  }
}
const BARS = { added: new Bar('added'), deleted: new Bar('deleted'), modified: new Bar('modified') };

function markersOf(state: EditorState): RangeSet<GutterMarker> {
  const { doc } = state;
  const ranges = state.field(bars).edits.flatMap((edit) => {
    const kind = kindOf(edit);
    const [from, to] = kind === 'deleted' ? [edit.new[0], edit.new[0] + 1] : edit.new;
    return Array.from({ length: to - from }, (_, index) => Math.min(doc.lines, from + index + 1)).map((line) =>
      BARS[kind].range(doc.line(line).from),
    );
  });
  return RangeSet.of(ranges, true);
}

const editAt = (state: EditorState, line: number): LineEdit | undefined =>
  state.field(bars).edits.find(({ new: [from, to] }) => line > from && line <= Math.max(to, from + 1));

function peekAt(view: EditorView, line: number): boolean {
  const edit = editAt(view.state, line);
  if (edit === undefined) return false;
  const { peeked } = view.state.field(bars);
  view.dispatch({ effects: setPeek.of(peeked === edit ? null : edit) });
  return true;
}

/** Goes to the next change behind the cursor, around the end, and shows it. */
function nextChange(view: EditorView): boolean {
  const { edits } = view.state.field(bars);
  const line = view.state.doc.lineAt(view.state.selection.main.head).number;
  const next = edits.find(({ new: [from] }) => from + 1 > line) ?? edits[0];
  if (next === undefined) return false;
  const { from } = view.state.doc.line(Math.min(view.state.doc.lines, next.new[0] + 1));
  view.dispatch({ selection: { anchor: from }, effects: [setPeek.of(next), EditorView.scrollIntoView(from, { y: 'center' })] });
  return true;
}

function closePeek(view: EditorView): boolean {
  if (view.state.field(bars).peeked === null) return false;
  view.dispatch({ effects: setPeek.of(null) });
  view.focus();
  return true;
}

const peeks = EditorView.decorations.compute([bars], (state): DecorationSet => {
  const { peeked, base } = state.field(bars);
  if (peeked === null || base === null) return Decoration.none;
  const old = linesOf(base).slice(...peeked.old);
  const line = state.doc.line(Math.min(state.doc.lines, Math.max(1, peeked.new[1])));
  return Decoration.set(Decoration.widget({ widget: new Peek(peeked, old.join('')), block: true, side: 1 }).range(line.to));
});

/** What was there before, below what is there now. */
class Peek extends WidgetType {
  readonly #edit: LineEdit;
  readonly #old: string;
  constructor(edit: LineEdit, old: string) {
    super();
    this.#edit = edit;
    this.#old = old;
  }

  override eq(other: Peek): boolean {
    return this.#edit === other.#edit;
  }

  toDOM(view: EditorView): HTMLElement {
    const box = document.createElement('div');
    box.className = 'cm-peek';
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', 'What was here before');
    const text = document.createElement('pre');
    text.classList.toggle('cm-peek-nothing', this.#old === '');
    text.textContent = this.#old === '' ? 'Nothing was here.' : this.#old.replace(/\n$/, '');
    const bar = document.createElement('div');
    bar.className = 'cm-peek-bar';
    const button = (label: string, act: () => void) => {
      const made = document.createElement('button');
      made.type = 'button';
      made.className = 'btn small';
      made.textContent = label;
      made.addEventListener('click', act);
      bar.append(made);
      return made;
    };
    if (!view.state.readOnly) button('Revert this change', () => revert(view, this.#edit, this.#old));
    button('Next change', () => nextChange(view));
    button('Close', () => closePeek(view));
    box.append(bar, text);
    return box;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

/** As an edit like any other: undo takes it back. */
function revert(view: EditorView, { new: [first, last] }: LineEdit, old: string): void {
  const { doc } = view.state;
  const start = (line: number) => (line < doc.lines ? doc.line(line + 1).from : doc.length);
  let [from, insert] = [start(first), old];
  const to = start(last);
  if (to === doc.length && insert === '' && from > 0) from -= 1;
  else if (from === doc.length && first >= doc.lines && insert !== '') insert = `\n${insert.replace(/\n$/, '')}`;
  view.dispatch({ changes: { from, to, insert }, effects: setPeek.of(null), userEvent: 'input.revert' });
  view.focus();
}

const theme = EditorView.baseTheme({
  '.cm-changes': { width: '6px' },
  '.cm-changes .cm-gutterElement': { cursor: 'pointer' },
  '.cm-change': { borderLeft: '3px solid transparent' },
  '.cm-change-added': { borderLeftColor: 'var(--git-added)' },
  '.cm-change-modified': { borderLeftColor: 'var(--git-modified)' },
  '.cm-change-deleted': { boxShadow: 'inset 0 2px 0 var(--git-deleted)' },
  '.cm-peek': { borderBlock: '1px solid var(--border)', backgroundColor: 'var(--bg-sunken)' },
  '.cm-peek pre': {
    margin: '0',
    padding: '4px 14px 4px 8px',
    maxHeight: '200px',
    overflow: 'auto',
    font: 'inherit',
    backgroundColor: 'color-mix(in oklch, var(--git-deleted) 12%, transparent)',
  },
  '.cm-peek pre.cm-peek-nothing': { color: 'var(--fg-muted)', backgroundColor: 'transparent', fontFamily: 'var(--font-ui)' },
  '.cm-peek-bar': { display: 'flex', gap: '4px', padding: '4px 8px', fontFamily: 'var(--font-ui)' },
});
