/** Every key of the IDE. Keys that browsers keep for themselves have one that they leave alone. */

import { isForProgram, isPressed, type Pressed } from './pressed.ts';

export type IdeAction =
  | 'save'
  | 'save-all'
  | 'close-tab'
  | 'next-tab'
  | 'previous-tab'
  | 'keep-tab'
  | 'split-right'
  | 'split-below'
  | 'focus-group-1'
  | 'focus-group-2'
  | 'focus-group-3'
  | 'move-tab-on'
  | 'move-tab-back'
  | 'word-wrap'
  | 'show-preview'
  | 'quick-open'
  | 'go-to-definition'
  | 'go-to-type-definition'
  | 'go-to-implementation'
  | 'find-references'
  | 'rename-symbol'
  | 'quick-fix'
  | 'organise-imports'
  | 'format-file'
  | 'show-hover'
  | 'file-symbols'
  | 'all-symbols'
  | 'show-problems'
  | 'next-problem'
  | 'previous-problem'
  | 'restart-language-server'
  | 'search-files'
  | 'toggle-files'
  | 'toggle-terminals'
  | 'focus-editor'
  | 'new-terminal'
  | 'split-terminal'
  | 'next-terminal'
  | 'find-in-terminal'
  | 'source-control'
  | 'branches'
  | 'pull-and-push'
  | 'list-terminals'
  | 'maximise-terminals'
  | 'run-task'
  | 'run-last-task'
  | 'palette'
  | 'settings'
  | 'shortcuts'
  | 'full-screen'
  | 'tour';

export interface IdeKey {
  action: IdeAction;
  label: string;
  /** as written for people; the first is the main one */
  keys: readonly string[];
  /**
   * while what has the keyboard: the `editor` alone; anything of the `page` but a terminal; or `everywhere`, where programs in terminals
   * never see them
   */
  where: 'editor' | 'page' | 'everywhere';
}

export const IDE_KEYS: readonly IdeKey[] = [
  { action: 'save', label: 'Save the file', keys: ['Ctrl S'], where: 'page' },
  { action: 'save-all', label: 'Save all files', keys: ['Alt Shift S'], where: 'page' },
  { action: 'close-tab', label: 'Close the tab', keys: ['Alt W', 'Ctrl W'], where: 'page' },
  { action: 'next-tab', label: 'Next tab', keys: ['Alt PageDown', 'Ctrl PageDown'], where: 'page' },
  { action: 'previous-tab', label: 'Previous tab', keys: ['Alt PageUp', 'Ctrl PageUp'], where: 'page' },
  { action: 'keep-tab', label: 'Keep the tab', keys: ['Alt K'], where: 'page' },
  { action: 'split-right', label: 'Split the editor to the right', keys: ['Ctrl \\'], where: 'page' },
  { action: 'split-below', label: 'Split the editor below', keys: ['Ctrl Alt \\'], where: 'page' },
  { action: 'focus-group-1', label: 'Go to the first group of tabs', keys: ['Ctrl Alt 1'], where: 'everywhere' },
  { action: 'focus-group-2', label: 'Go to the second group of tabs', keys: ['Ctrl Alt 2'], where: 'everywhere' },
  { action: 'focus-group-3', label: 'Go to the third group of tabs', keys: ['Ctrl Alt 3'], where: 'everywhere' },
  { action: 'move-tab-on', label: 'Move the tab to the next group', keys: ['Alt Shift PageDown', 'Ctrl Alt →'], where: 'page' },
  { action: 'move-tab-back', label: 'Move the tab to the group before', keys: ['Alt Shift PageUp', 'Ctrl Alt ←'], where: 'page' },
  { action: 'show-preview', label: 'Show the preview beside the file', keys: ['Ctrl Shift V'], where: 'page' },
  { action: 'word-wrap', label: 'Wrap long lines or not', keys: ['Alt Z'], where: 'page' },
  { action: 'quick-open', label: 'Go to a file', keys: ['Ctrl P'], where: 'page' },
  { action: 'go-to-definition', label: 'Go to the definition', keys: ['F12'], where: 'editor' },
  { action: 'go-to-type-definition', label: 'Go to the definition of the type', keys: [], where: 'editor' },
  { action: 'go-to-implementation', label: 'Go to the implementation', keys: ['Ctrl F12'], where: 'editor' },
  { action: 'find-references', label: 'Find all references', keys: ['Shift F12'], where: 'editor' },
  { action: 'rename-symbol', label: 'Rename the symbol', keys: ['F2'], where: 'editor' },
  { action: 'quick-fix', label: 'Quick fixes', keys: ['Ctrl .'], where: 'editor' },
  { action: 'organise-imports', label: 'Organise imports', keys: ['Ctrl Alt O'], where: 'editor' },
  { action: 'format-file', label: 'Format the file', keys: ['Alt Shift F'], where: 'editor' },
  { action: 'show-hover', label: 'Show what is known of the word', keys: ['Ctrl Alt H'], where: 'editor' },
  { action: 'file-symbols', label: 'Go to a symbol in the file', keys: ['Ctrl Shift O'], where: 'page' },
  { action: 'all-symbols', label: 'Go to a symbol in the workspace', keys: ['Ctrl Alt T'], where: 'page' },
  { action: 'show-problems', label: 'Show problems', keys: ['Ctrl Shift M'], where: 'everywhere' },
  { action: 'next-problem', label: 'Next problem', keys: ['F8'], where: 'page' },
  { action: 'previous-problem', label: 'Previous problem', keys: ['Shift F8'], where: 'page' },
  { action: 'restart-language-server', label: 'Restart the language server', keys: [], where: 'page' },
  { action: 'search-files', label: 'Search in all files', keys: ['Ctrl Shift F'], where: 'everywhere' },
  { action: 'source-control', label: 'Source control', keys: ['Ctrl Shift G'], where: 'everywhere' },
  { action: 'branches', label: 'Branches', keys: ['Alt B'], where: 'page' },
  { action: 'pull-and-push', label: 'Pull and push', keys: ['Alt Shift P'], where: 'everywhere' },
  { action: 'toggle-files', label: 'Show or hide files', keys: ['Ctrl B'], where: 'page' },
  { action: 'toggle-terminals', label: 'Show or hide terminals', keys: ['Ctrl `'], where: 'everywhere' },
  { action: 'focus-editor', label: 'Go to the editor', keys: ['Alt E'], where: 'everywhere' },
  { action: 'new-terminal', label: 'New terminal', keys: ['Ctrl Shift `'], where: 'everywhere' },
  { action: 'split-terminal', label: 'Split the terminal', keys: ['Ctrl Shift 5'], where: 'everywhere' },
  { action: 'next-terminal', label: 'Next terminal', keys: ['Alt `'], where: 'everywhere' },
  { action: 'find-in-terminal', label: 'Find in the terminal', keys: ['Ctrl Alt F'], where: 'everywhere' },
  { action: 'list-terminals', label: 'All terminals', keys: ['Alt Shift `'], where: 'everywhere' },
  { action: 'maximise-terminals', label: 'Make the terminals as large as can be', keys: ['Alt Shift M'], where: 'everywhere' },
  { action: 'run-task', label: 'Run a task', keys: ['Alt Shift B'], where: 'everywhere' },
  { action: 'run-last-task', label: 'Run the build task, or the last task again', keys: ['Ctrl Shift B'], where: 'everywhere' },
  { action: 'palette', label: 'All commands', keys: ['Ctrl Shift P', 'F1'], where: 'everywhere' },
  { action: 'settings', label: 'Settings of the IDE', keys: ['Ctrl ,'], where: 'everywhere' },
  { action: 'shortcuts', label: 'Keys of the IDE: see and change them', keys: ['Alt Shift K'], where: 'everywhere' },
  { action: 'full-screen', label: 'Full screen, with the keys that the browser keeps', keys: ['F11'], where: 'everywhere' },
  { action: 'tour', label: 'First steps', keys: [], where: 'page' },
];

/** What the editor itself understands while it has the keyboard. */
export const EDITOR_KEYS = [
  { command: 'find', label: 'Find and replace in the file', keys: 'Ctrl F' },
  { command: 'go-to-line', label: 'Go to line', keys: 'Ctrl Alt G' },
  { command: 'select-next', label: 'Select the next same word', keys: 'Ctrl D' },
  { command: 'select-all-same', label: 'Select all of the same word', keys: 'Ctrl Shift L' },
  { command: 'cursor-above', label: 'Another cursor above', keys: 'Ctrl Alt ↑' },
  { command: 'cursor-below', label: 'Another cursor below', keys: 'Ctrl Alt ↓' },
  { command: 'comment', label: 'Comment or not', keys: 'Ctrl /' },
  { command: 'copy-line', label: 'Copy the line down', keys: 'Shift Alt ↓' },
  { command: 'move-line', label: 'Move the line down', keys: 'Alt ↓' },
  { command: 'fold', label: 'Fold', keys: 'Ctrl Shift [' },
  { command: 'unfold', label: 'Unfold', keys: 'Ctrl Shift ]' },
  { command: 'fold-all', label: 'Fold all', keys: 'Ctrl Alt [' },
  { command: 'unfold-all', label: 'Unfold all', keys: 'Ctrl Alt ]' },
] as const;

export type EditorCommand = (typeof EDITOR_KEYS)[number]['command'];

/** What somebody chose instead, by action; `editor-…` for commands of the editor. */
export type ChosenKeys = Readonly<Record<string, readonly string[]>>;
export const editorKey = (command: EditorCommand): string => `editor-${command}`;

/** The keys of an action, the main one first. */
export const keysOf = (entry: IdeKey, chosen: ChosenKeys = {}): readonly string[] => chosen[entry.action] ?? entry.keys;

export type KeyboardAt = 'editor' | 'page' | 'terminal';
const REACHES: Record<KeyboardAt, readonly IdeKey['where'][]> = {
  editor: ['editor', 'page', 'everywhere'],
  page: ['page', 'everywhere'],
  terminal: ['everywhere'],
};

/** The action that a key press asks for; null when it belongs to whoever has the keyboard. */
export function actionOf(event: Pressed, at: KeyboardAt, chosen: ChosenKeys = {}): IdeAction | null {
  const asks = (keys: string) => isPressed(keys, event) && !(at === 'terminal' && isForProgram(keys));
  const found = IDE_KEYS.find((entry) => REACHES[at].includes(entry.where) && keysOf(entry, chosen).some(asks));
  return found?.action ?? null;
}

/** What somebody's own keys make of a press in the editor. `taken`: ours, which they gave other keys, so that it does nothing. */
export function editorCommandOf(event: Pressed, chosen: ChosenKeys): EditorCommand | 'taken' | null {
  const own = EDITOR_KEYS.find(({ command }) => chosen[editorKey(command)]?.some((keys) => isPressed(keys, event)));
  if (own !== undefined) return own.command;
  return EDITOR_KEYS.some(({ command, keys }) => chosen[editorKey(command)] !== undefined && isPressed(keys, event)) ? 'taken' : null;
}
