import { defaultKeymap } from '@codemirror/commands';
import { search, searchKeymap } from '@codemirror/search';
import { EditorState, type Extension } from '@codemirror/state';
import { drawSelection, EditorView, keymap, lineNumbers } from '@codemirror/view';
import { cspNonce } from '../../csp-nonce.ts';
import { editorTheme } from '../editor-theme.ts';

/** A text to read, to search in and to copy from. */
export function readOnlyView(parent: HTMLElement, doc: string, label: string, language: Extension): EditorView {
  return new EditorView({
    parent,
    doc,
    extensions: [
      EditorView.cspNonce.of(cspNonce()),
      EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
      EditorState.readOnly.of(true),
      lineNumbers(),
      drawSelection(),
      search({ top: true }),
      keymap.of([...searchKeymap, ...defaultKeymap]),
      language,
      editorTheme,
    ],
  });
}
