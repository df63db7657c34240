import { addCursorAbove, addCursorBelow, copyLineDown, moveLineDown, toggleComment } from '@codemirror/commands';
import { foldAll, foldCode, unfoldAll, unfoldCode } from '@codemirror/language';
import { gotoLine, openSearchPanel, selectNextOccurrence, selectSelectionMatches } from '@codemirror/search';
import type { Command } from '@codemirror/view';
import type { EditorCommand } from '../keys.ts';

/** What the commands of the palette do in the editor. */
export const COMMANDS: Record<EditorCommand, Command> = {
  find: openSearchPanel,
  'go-to-line': gotoLine,
  'select-next': selectNextOccurrence,
  'select-all-same': selectSelectionMatches,
  'cursor-above': addCursorAbove,
  'cursor-below': addCursorBelow,
  comment: toggleComment,
  'copy-line': copyLineDown,
  'move-line': moveLineDown,
  fold: foldCode,
  unfold: unfoldCode,
  'fold-all': foldAll,
  'unfold-all': unfoldAll,
};
