import { setDiagnostics } from '@codemirror/lint';
import { openSearchPanel, search, SearchQuery, setSearchQuery } from '@codemirror/search';
import { EditorView } from '@codemirror/view';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { marksOf, overview, overviewMarks } from './overview.ts';

let view: EditorView;
beforeEach(() => {
  view = new EditorView({
    parent: document.body,
    doc: 'one\ntwo\none\n',
    extensions: [search(), overview, overviewMarks.of(() => [{ from: 4, kind: 'added' }])],
  });
});
afterEach(() => view.destroy());

it('the whole file is seen at once: changes, finds and problems', () => {
  openSearchPanel(view);
  view.dispatch({ effects: setSearchQuery.of(new SearchQuery({ search: 'one' })) });
  view.dispatch(setDiagnostics(view.state, [{ from: 4, to: 5, severity: 'hint', message: 'two' }]));
  expect(marksOf(view.state)).toEqual([
    { from: 4, kind: 'added' },
    { from: 0, kind: 'found' },
    { from: 8, kind: 'found' },
    { from: 4, kind: 'info' },
  ]);
});
