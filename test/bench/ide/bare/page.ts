import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, defaultHighlightStyle, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import { EditorState } from '@codemirror/state';
import {
  crosshairCursor,
  drawSelection,
  dropCursor,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  rectangularSelection,
} from '@codemirror/view';

/** CodeMirror’s own list, the `basicSetup` of its package `codemirror`, and nothing of ours. */
const basicSetup = [
  lineNumbers(),
  highlightActiveLineGutter(),
  highlightSpecialChars(),
  history(),
  foldGutter(),
  drawSelection(),
  dropCursor(),
  EditorState.allowMultipleSelections.of(true),
  indentOnInput(),
  syntaxHighlighting(defaultHighlightStyle, { fallback: true }),
  bracketMatching(),
  closeBrackets(),
  autocompletion(),
  rectangularSelection(),
  crosshairCursor(),
  highlightActiveLine(),
  highlightSelectionMatches(),
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap]),
];

const name = new URLSearchParams(location.search).get('file') ?? '';
const answer = await fetch(`/text?${new URLSearchParams({ file: name })}`);
new EditorView({
  parent: document.body,
  doc: await answer.text(),
  extensions: [
    basicSetup,
    name.endsWith('.ts') ? javascript({ typescript: true }) : [],
    EditorView.contentAttributes.of({ 'aria-label': name }),
    EditorView.theme({
      '&': { height: '100vh', fontSize: '13px' },
      '.cm-scroller': { fontFamily: 'Code', lineHeight: '20px' },
    }),
  ],
});
