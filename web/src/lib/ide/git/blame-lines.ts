import { type EditorState, type Extension, RangeSet, RangeSetBuilder, RangeValue, StateEffect, StateField } from '@codemirror/state';
import { Decoration, type DecorationSet, EditorView, gutter, GutterMarker, WidgetType } from '@codemirror/view';
import { documentFacet } from '../editor/document-facet.ts';
import type { OpenDocument } from '../editor/document.svelte.ts';
import type { Ide } from '../ide.svelte.ts';
import { reactivePlugin } from './reactive-plugin.svelte.ts';
import type { RemoteGit } from './remote-git.ts';
import { since } from './when.ts';

type Run = Awaited<ReturnType<RemoteGit['blame']>>[number];

/** Who wrote a line; it moves along while lines come and go around it. */
class Wrote extends RangeValue {
  readonly run: Run;
  constructor(run: Run) {
    super();
    this.run = run;
  }
  get uncommitted(): boolean {
    return /^0+$/.test(this.run.sha);
  }
  get words(): string {
    const { who } = this.run;
    return this.uncommitted ? 'Not committed yet' : `${who.author}, ${since(who.time)} · ${who.summary}`;
  }
}

const setRuns = StateEffect.define<RangeSet<Wrote>>();
const setShown = StateEffect.define<{ cursor: boolean; margin: boolean }>();

interface Blame {
  runs: RangeSet<Wrote>;
  cursor: boolean;
  margin: boolean;
}
const blame = StateField.define<Blame>({
  create: () => ({ runs: RangeSet.empty, cursor: false, margin: false }),
  update: (value, transaction) =>
    transaction.effects.reduce<Blame>(
      (now, effect) => {
        if (effect.is(setRuns)) return { ...now, runs: effect.value };
        return effect.is(setShown) ? { ...now, ...effect.value } : now;
      },
      transaction.docChanged ? { ...value, runs: value.runs.map(transaction.changes) } : value,
    ),
});

/** Who wrote the line of the cursor, beside it, where the setting says so; of every line in the margin, where that is asked for. */
export function blameLines(ide: Ide, document: OpenDocument): Extension {
  const { git, settings } = ide;
  const follow = reactivePlugin((view) => {
    const shown = { cursor: settings.now.blame, margin: git.annotates };
    const repository = git.repositoryOf(document.path);
    void repository?.status?.head;
    const shows = () => view.state.facet(documentFacet) === document;
    queueMicrotask(() => shows() && view.dispatch({ effects: setShown.of(shown) }));
    if (repository === null || !(shown.cursor || shown.margin)) return;
    const path = git.within(repository, document.path);
    void repository.remote.blame(repository.folder, path).then(
      (runs) => shows() && view.dispatch({ effects: setRuns.of(rangesOf(view.state, runs)) }),
      // A file that git does not know has nobody who wrote it.
      () => undefined,
    );
  });
  return [blame, follow, beside, margin, theme];
}

function rangesOf({ doc }: EditorState, runs: readonly Run[]): RangeSet<Wrote> {
  const builder = new RangeSetBuilder<Wrote>();
  for (const run of [...runs].sort((a, b) => a.line - b.line)) {
    const value = new Wrote(run);
    for (let line = run.line; line < run.line + run.count && line <= doc.lines; line++) {
      const { from } = doc.line(line);
      builder.add(from, from, value);
    }
  }
  return builder.finish();
}

function wroteAt(state: EditorState, from: number): Wrote | null {
  let found: Wrote | null = null;
  state.field(blame).runs.between(from, from, (_from, _to, value) => {
    found = value;
    return false;
  });
  return found;
}

class Note extends WidgetType {
  readonly #words: string;
  constructor(words: string) {
    super();
    this.#words = words;
  }
  override eq(other: Note): boolean {
    return this.#words === other.#words;
  }
  toDOM(): HTMLElement {
    const note = document.createElement('span');
    note.className = 'cm-blame';
    note.textContent = this.#words;
    return note;
  }
}

const beside = EditorView.decorations.compute([blame, 'selection', 'doc'], (state): DecorationSet => {
  if (!state.field(blame).cursor) return Decoration.none;
  const line = state.doc.lineAt(state.selection.main.head);
  const wrote = wroteAt(state, line.from);
  if (wrote === null) return Decoration.none;
  return Decoration.set(Decoration.widget({ widget: new Note(wrote.words), side: 1 }).range(line.to));
});

class Author extends GutterMarker {
  readonly #wrote: Wrote;
  constructor(wrote: Wrote) {
    super();
    this.#wrote = wrote;
  }
  override eq(other: Author): boolean {
    return this.#wrote === other.#wrote;
  }
  override toDOM(): HTMLElement {
    const name = document.createElement('span');
    const { who } = this.#wrote.run;
    name.textContent = this.#wrote.uncommitted ? '' : `${who.author}, ${since(who.time)}`;
    name.title = this.#wrote.words;
    return name;
  }
}

const margin = gutter({
  class: 'cm-authors',
  lineMarker: (view, line) => {
    if (!view.state.field(blame).margin) return null;
    const wrote = wroteAt(view.state, line.from);
    return wrote === null ? null : new Author(wrote);
  },
  lineMarkerChange: ({ startState, state }) => startState.field(blame) !== state.field(blame),
});

const theme = EditorView.baseTheme({
  '.cm-blame': {
    paddingLeft: '32px',
    color: 'var(--fg-faint)',
    fontFamily: 'var(--font-ui)',
    fontSize: 'var(--text-2)',
    pointerEvents: 'none',
  },
  '.cm-authors span': {
    display: 'inline-block',
    maxWidth: '200px',
    padding: '0 10px',
    overflow: 'hidden',
    textOverflow: 'ellipsis',
    whiteSpace: 'nowrap',
    fontFamily: 'var(--font-ui)',
    fontSize: 'var(--text-1)',
  },
});
