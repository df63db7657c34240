import type { EditorView } from '@codemirror/view';

/** What a copy from an editor takes: all that is selected, and of a cursor alone its line. */
export function copiedFrom({ state }: EditorView): string {
  const { doc, selection } = state;
  return selection.ranges.map((range) => (range.empty ? doc.lineAt(range.head).text : doc.sliceString(range.from, range.to))).join('\n');
}
