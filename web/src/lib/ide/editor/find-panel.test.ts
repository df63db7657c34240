import { openSearchPanel, search, SearchQuery, setSearchQuery } from '@codemirror/search';
import { EditorView } from '@codemirror/view';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findCount, findPanel } from './find-panel.ts';

let view: EditorView;
beforeEach(() => {
  view = new EditorView({ parent: document.body, doc: 'one\ntwo\none\n', extensions: [search(), findPanel] });
});
afterEach(() => view.destroy());
const find = (text: string, regexp = false) => {
  openSearchPanel(view);
  view.dispatch({ effects: setSearchQuery.of(new SearchQuery({ search: text, regexp })) });
};

it('the search says how much it found, and where in it the cursor is', () => {
  find('one');
  expect(findCount(view.state)).toBe('2 found');
  view.dispatch({ selection: { anchor: 8, head: 11 } });
  expect(view.dom.querySelector('.cm-find-count')?.textContent).toBe('2 of 2');
  find('three');
  expect(findCount(view.state)).toBe('Nothing found');
  find('(', true);
  expect(findCount(view.state)).toBe('Not a regular expression');
});
