import { forEachDiagnostic } from '@codemirror/lint';
import { getSearchQuery, searchPanelOpen } from '@codemirror/search';
import { type EditorState, type Extension, Facet } from '@codemirror/state';
import { EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';

/** A place of the text that is worth being seen from afar. */
export interface Mark {
  from: number;
  kind: 'error' | 'warning' | 'info' | 'found' | 'added' | 'changed' | 'removed';
}

/** Others add their marks: changes since the last commit, for one. */
export const overviewMarks = Facet.define<(state: EditorState) => Iterable<Mark>>();

/** More of a kind would be one solid line. */
const MOST = 400;
/** Finds are looked for in texts up to this long. */
const MOST_SEARCHED = 2_000_000;

/** The whole file in one narrow strip beside the scrollbar: problems, finds, changes. A click goes there. */
export const overview: Extension = [
  ViewPlugin.fromClass(
    class {
      readonly #strip = document.createElement('div');
      readonly #view: EditorView;
      #planned = false;
      /** what the strip shows */
      #shown = '';

      constructor(view: EditorView) {
        this.#view = view;
        this.#strip.className = 'cm-overview';
        this.#strip.setAttribute('aria-hidden', 'true');
        this.#strip.addEventListener('click', this.#go);
        view.dom.append(this.#strip);
        this.#plan();
      }

      update(update: ViewUpdate): void {
        if (
          update.docChanged ||
          update.geometryChanged ||
          update.transactions.some(({ effects, reconfigured }) => reconfigured || effects.length > 0)
        )
          this.#plan();
      }

      destroy(): void {
        this.#strip.remove();
      }

      /** Once for a frame, however much happens in it. */
      #plan(): void {
        if (this.#planned) return;
        this.#planned = true;
        this.#view.requestMeasure({
          read: (view) => ({ ticks: ticksOf(view), top: view.scrollDOM.offsetTop, height: view.scrollDOM.clientHeight }),
          write: ({ ticks, top, height }) => {
            this.#planned = false;
            const shown = JSON.stringify([top, height, ticks]);
            if (shown === this.#shown) return;
            this.#shown = shown;
            Object.assign(this.#strip.style, { top: `${top}px`, height: `${height}px` });
            this.#strip.replaceChildren(...ticks.map(tick));
          },
        });
      }

      readonly #go = (event: MouseEvent): void => {
        const { top, height } = this.#strip.getBoundingClientRect();
        const view = this.#view;
        const block = view.lineBlockAtHeight(((event.clientY - top) / height) * view.contentHeight);
        view.dispatch({ selection: { anchor: block.from }, effects: EditorView.scrollIntoView(block.from, { y: 'center' }) });
        view.focus();
      };
    },
  ),
  EditorView.baseTheme({
    '.cm-overview': { position: 'absolute', right: '0', width: '10px', zIndex: '5', cursor: 'pointer', pointerEvents: 'none' },
    '.cm-overview i': { position: 'absolute', right: '1px', width: '8px', height: '3px', borderRadius: '1px', pointerEvents: 'auto' },
    '.cm-overview .error': { background: 'var(--danger)' },
    '.cm-overview .warning': { background: 'var(--warning)' },
    '.cm-overview .info': { background: 'var(--info)' },
    '.cm-overview .found': { background: 'var(--warning)', width: '5px' },
    '.cm-overview .added': { background: 'var(--success)', width: '3px', right: '7px' },
    '.cm-overview .changed': { background: 'var(--info)', width: '3px', right: '7px' },
    '.cm-overview .removed': { background: 'var(--danger)', width: '3px', right: '7px' },
  }),
];

interface Tick {
  kind: Mark['kind'];
  /** percent of the height */
  at: number;
}

function ticksOf(view: EditorView): Tick[] {
  const { contentHeight, state } = view;
  // two at the same place are one
  const seen = new Set<string>();
  return marksOf(state).flatMap(({ from, kind }) => {
    const at = Math.round((view.lineBlockAt(Math.min(from, state.doc.length)).top / Math.max(1, contentHeight)) * 1_000) / 10;
    const key = `${kind} ${at}`;
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ kind, at }];
  });
}

/** All marks of a text, at most `MOST` of each origin. */
export function marksOf(state: EditorState): Mark[] {
  const problems: Mark[] = [];
  forEachDiagnostic(state, ({ severity }, from) => {
    if (problems.length < MOST) problems.push({ from, kind: severity === 'hint' ? 'info' : severity });
  });
  const added = state.facet(overviewMarks).flatMap((marks) => take(marks(state)));
  return [...added, ...take(found(state)), ...problems];
}

function* found(state: EditorState): Iterable<Mark> {
  if (!searchPanelOpen(state) || state.doc.length > MOST_SEARCHED) return;
  const query = getSearchQuery(state);
  if (!query.valid || query.search === '') return;
  const cursor = query.getCursor(state);
  for (let next = cursor.next(); next.done !== true; next = cursor.next()) yield { from: next.value.from, kind: 'found' };
}

function take(marks: Iterable<Mark>): Mark[] {
  const taken: Mark[] = [];
  for (const mark of marks) {
    if (taken.length === MOST) break;
    taken.push(mark);
  }
  return taken;
}

function tick({ kind, at }: Tick): HTMLElement {
  const element = document.createElement('i');
  element.className = kind;
  element.style.top = `${at}%`;
  return element;
}
