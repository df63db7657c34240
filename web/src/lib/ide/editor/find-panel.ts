import { getSearchQuery, searchPanelOpen } from '@codemirror/search';
import type { EditorState, Extension } from '@codemirror/state';
import { EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view';

const MOST_COUNTED = 10_000;
const MOST_SEARCHED = 5_000_000;

/** “3 of 17”, for the search panel; empty where nothing is looked for. */
export function findCount(state: EditorState): string {
  const query = getSearchQuery(state);
  if (query.search === '') return '';
  if (!query.valid) return 'Not a regular expression';
  if (state.doc.length > MOST_SEARCHED) return '';
  const { from, to } = state.selection.main;
  const cursor = query.getCursor(state);
  let [count, current] = [0, 0];
  for (let next = cursor.next(); next.done !== true && count <= MOST_COUNTED; next = cursor.next()) {
    count += 1;
    if (next.value.from === from && next.value.to === to) current = count;
  }
  if (count === 0) return 'Nothing found';
  const all = count > MOST_COUNTED ? `more than ${MOST_COUNTED}` : String(count);
  return current === 0 ? `${all} found` : `${current} of ${all}`;
}

/** What the search panel looks like, and how much was found. */
export const findPanel: Extension = [
  ViewPlugin.fromClass(
    class {
      readonly #words = document.createElement('span');

      constructor() {
        this.#words.className = 'cm-find-count';
        this.#words.setAttribute('role', 'status');
      }

      update({ view, state, docChanged, selectionSet, transactions }: ViewUpdate): void {
        if (!searchPanelOpen(state)) return;
        const changed = docChanged || selectionSet || transactions.some(({ effects }) => effects.length > 0);
        const panel = view.dom.querySelector('.cm-search');
        if (panel !== null && !panel.contains(this.#words)) panel.querySelector('[name=search]')?.after(this.#words);
        else if (!changed) return;
        this.#words.textContent = findCount(state);
      }
    },
  ),
  EditorView.theme({
    '.cm-panel.cm-search': {
      display: 'flex',
      flexWrap: 'wrap',
      alignItems: 'center',
      gap: '6px',
      padding: '6px 36px 6px 12px',
      font: 'var(--text-2)/var(--line-2) var(--font-ui)',
    },
    '.cm-panel.cm-search > br': { content: '""', flexBasis: '100%' },
    '.cm-panel.cm-search > .cm-textfield': { flex: '0 1 240px' },
    '.cm-panel.cm-search label': { display: 'inline-flex', alignItems: 'center', gap: '5px', fontSize: 'inherit' },
    '.cm-panel.cm-search [name=close]': { width: '24px', height: '24px', top: '6px', right: '6px' },
  }),
  EditorView.baseTheme({
    '.cm-find-count': {
      display: 'inline-block',
      minWidth: '76px',
      margin: '0 8px 0 4px',
      color: 'var(--fg-muted)',
      fontVariantNumeric: 'tabular-nums',
    },
  }),
];
