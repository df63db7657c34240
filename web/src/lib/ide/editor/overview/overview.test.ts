import { setDiagnostics } from '@codemirror/lint';
import { openSearchPanel, search, SearchQuery, setSearchQuery } from '@codemirror/search';
import { EditorView } from '@codemirror/view';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { countFinds, findCount } from './find-count.ts';
import { marksOf, overview, overviewMarks } from './overview.ts';

let view: EditorView;
beforeEach(() => {
  view = new EditorView({
    parent: document.body,
    doc: 'one\ntwo\none\n',
    extensions: [search(), countFinds, overview, overviewMarks.of(() => [{ from: 4, kind: 'added' }])],
  });
});
afterEach(() => view.destroy());
const find = (text: string, regexp = false) => {
  openSearchPanel(view);
  view.dispatch({ effects: setSearchQuery.of(new SearchQuery({ search: text, regexp })) });
};

it('the whole file is seen at once: changes, finds and problems', () => {
  find('one');
  view.dispatch(setDiagnostics(view.state, [{ from: 4, to: 5, severity: 'hint', message: 'two' }]));
  expect(marksOf(view.state)).toEqual([
    { from: 4, kind: 'added' },
    { from: 0, kind: 'found' },
    { from: 8, kind: 'found' },
    { from: 4, kind: 'info' },
  ]);
});

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
