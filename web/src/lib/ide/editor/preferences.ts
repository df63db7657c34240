import { indentUnit } from '@codemirror/language';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import type { OpenDocument } from './document.svelte.ts';

/** What somebody chose for all editors. */
export interface Preferences {
  wordWrap: boolean;
  /** where neither the project nor the file says otherwise */
  tabSize: number;
  vim: boolean;
}

export const PLAIN: Preferences = { wordWrap: false, tabSize: 2, vim: false };

/** How a file is laid out: as its project says, else as it does itself, else as somebody likes it. */
export function preferred(document: OpenDocument, { wordWrap, tabSize }: Preferences): Extension {
  const { indent, width } = indentOf(document, tabSize);
  const { maxLineLength } = document.style;
  return [
    EditorState.tabSize.of(width),
    indentUnit.of(indent),
    wordWrap ? EditorView.lineWrapping : [],
    maxLineLength === undefined ? [] : rulerAt(maxLineLength),
  ];
}

/** What one step of indentation is, and how wide a tab. */
export function indentOf(document: OpenDocument, tabSize: number): { indent: string; width: number } {
  const { indentStyle, indentSize, tabWidth } = document.style;
  const own = indentStyle === undefined ? ownIndent(document.buffer.read()) : null;
  const width = tabWidth ?? indentSize ?? tabSize;
  if (indentStyle === 'tab' || own === '\t') return { indent: '\t', width };
  return { indent: ' '.repeat(indentSize ?? own?.length ?? tabSize), width };
}

/** What indents a line in this text already: a tab, or the narrowest run of spaces. */
function ownIndent(text: string): string | null {
  const indents = text.slice(0, 20_000).match(/^(\t| {2,8})(?=\S)/gm) ?? [];
  if (indents.filter((indent) => indent === '\t').length * 2 > indents.length) return '\t';
  return indents.filter((indent) => indent !== '\t').sort((a, b) => a.length - b.length)[0] ?? null;
}

/** the padding of a line, before its first column */
const LINE_START = '8px';

const rulerAt = (column: number): Extension =>
  EditorView.theme({
    '.cm-content': {
      backgroundImage: 'linear-gradient(var(--border), var(--border))',
      backgroundPosition: `calc(${LINE_START} + ${column}ch) 0`,
      backgroundSize: '1px 100%',
      backgroundRepeat: 'no-repeat',
    },
  });
