import { copyLineDown, moveLineDown, toggleComment } from '@codemirror/commands';
import { foldCode, unfoldCode } from '@codemirror/language';
import { gotoLine, openSearchPanel, selectNextOccurrence } from '@codemirror/search';
import type { Command } from '@codemirror/view';
import type { EditorCommand } from '../keys.ts';

/** What the commands of the palette do in the editor. */
export const COMMANDS: Record<EditorCommand, Command> = {
  find: openSearchPanel,
  'go-to-line': gotoLine,
  'select-next': selectNextOccurrence,
  comment: toggleComment,
  'copy-line': copyLineDown,
  'move-line': moveLineDown,
  fold: foldCode,
  unfold: unfoldCode,
};
