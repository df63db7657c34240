import { EditorView } from '@codemirror/view';

/** What went and what came, in the page's tokens. */
export const compareTheme = EditorView.theme({
  '&.cm-merge-a .cm-changedLine, & .cm-deletedChunk': { backgroundColor: 'var(--danger-quiet)' },
  '&.cm-merge-b .cm-changedLine, & .cm-insertedLine': { backgroundColor: 'var(--success-quiet)' },
  '&.cm-merge-a .cm-changedText, & .cm-deletedChunk .cm-deletedText': {
    background: 'linear-gradient(var(--danger), var(--danger)) bottom/100% 1px no-repeat',
  },
  '&.cm-merge-b .cm-changedText': { background: 'linear-gradient(var(--success), var(--success)) bottom/100% 1px no-repeat' },
  '&.cm-merge-a .cm-changedLineGutter, & .cm-deletedLineGutter': { background: 'var(--danger)' },
  '&.cm-merge-b .cm-changedLineGutter': { background: 'var(--success)' },
  '& .cm-collapsedLines': {
    background: 'var(--bg-sunken)',
    color: 'var(--fg-muted)',
    borderBlock: '1px solid var(--border-subtle)',
    padding: '2px 14px',
    fontFamily: 'var(--font-ui)',
    fontSize: 'var(--text-2)',
  },
});
