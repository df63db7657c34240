/** Every key of the IDE. Keys that browsers keep for themselves have one that they leave alone. */

import { isForProgram, isPressed, type Pressed } from './pressed.ts';

export type IdeAction =
  | 'save'
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
  /** also while a terminal has the keyboard: its programs never see these */
  inTerminal: boolean;
}

export const IDE_KEYS: readonly IdeKey[] = [
  { action: 'save', label: 'Save the file', keys: ['Ctrl S'], inTerminal: false },
  { action: 'close-tab', label: 'Close the tab', keys: ['Alt W', 'Ctrl W'], inTerminal: false },
  { action: 'next-tab', label: 'Next tab', keys: ['Alt PageDown', 'Ctrl PageDown'], inTerminal: false },
  { action: 'previous-tab', label: 'Previous tab', keys: ['Alt PageUp', 'Ctrl PageUp'], inTerminal: false },
  { action: 'keep-tab', label: 'Keep the tab', keys: ['Alt K'], inTerminal: false },
  { action: 'split-right', label: 'Split the editor to the right', keys: ['Ctrl \\'], inTerminal: false },
  { action: 'split-below', label: 'Split the editor below', keys: ['Ctrl Alt \\'], inTerminal: false },
  { action: 'focus-group-1', label: 'Go to the first group of tabs', keys: ['Ctrl Alt 1'], inTerminal: true },
  { action: 'focus-group-2', label: 'Go to the second group of tabs', keys: ['Ctrl Alt 2'], inTerminal: true },
  { action: 'focus-group-3', label: 'Go to the third group of tabs', keys: ['Ctrl Alt 3'], inTerminal: true },
  { action: 'move-tab-on', label: 'Move the tab to the next group', keys: ['Alt Shift PageDown', 'Ctrl Alt →'], inTerminal: false },
  { action: 'move-tab-back', label: 'Move the tab to the group before', keys: ['Alt Shift PageUp', 'Ctrl Alt ←'], inTerminal: false },
  { action: 'show-preview', label: 'Show the preview beside the file', keys: ['Ctrl Shift V'], inTerminal: false },
  { action: 'word-wrap', label: 'Wrap long lines or not', keys: ['Alt Z'], inTerminal: false },
  { action: 'quick-open', label: 'Go to a file', keys: ['Ctrl P'], inTerminal: false },
  { action: 'go-to-definition', label: 'Go to the definition', keys: ['F12'], inTerminal: false },
  { action: 'go-to-type-definition', label: 'Go to the definition of the type', keys: [], inTerminal: false },
  { action: 'go-to-implementation', label: 'Go to the implementation', keys: ['Ctrl F12'], inTerminal: false },
  { action: 'find-references', label: 'Find all references', keys: ['Shift F12'], inTerminal: false },
  { action: 'rename-symbol', label: 'Rename the symbol', keys: ['F2'], inTerminal: false },
  { action: 'quick-fix', label: 'Quick fixes', keys: ['Ctrl .'], inTerminal: false },
  { action: 'organise-imports', label: 'Organise imports', keys: ['Ctrl Alt O'], inTerminal: false },
  { action: 'format-file', label: 'Format the file', keys: ['Alt Shift F'], inTerminal: false },
  { action: 'show-hover', label: 'Show what is known of the word', keys: ['Ctrl Alt H'], inTerminal: false },
  { action: 'file-symbols', label: 'Go to a symbol in the file', keys: ['Ctrl Shift O'], inTerminal: false },
  { action: 'all-symbols', label: 'Go to a symbol in the workspace', keys: ['Ctrl Alt T'], inTerminal: false },
  { action: 'show-problems', label: 'Show problems', keys: ['Ctrl Shift M'], inTerminal: true },
  { action: 'next-problem', label: 'Next problem', keys: ['F8'], inTerminal: false },
  { action: 'previous-problem', label: 'Previous problem', keys: ['Shift F8'], inTerminal: false },
  { action: 'restart-language-server', label: 'Restart the language server', keys: [], inTerminal: false },
  { action: 'search-files', label: 'Search in all files', keys: ['Ctrl Shift F'], inTerminal: true },
  { action: 'source-control', label: 'Source control', keys: ['Ctrl Shift G'], inTerminal: true },
  { action: 'branches', label: 'Branches', keys: ['Alt B'], inTerminal: false },
  { action: 'toggle-files', label: 'Show or hide files', keys: ['Ctrl B'], inTerminal: false },
  { action: 'toggle-terminals', label: 'Show or hide terminals', keys: ['Ctrl `'], inTerminal: true },
  { action: 'focus-editor', label: 'Go to the editor', keys: ['Alt E'], inTerminal: true },
  { action: 'new-terminal', label: 'New terminal', keys: ['Ctrl Shift `'], inTerminal: true },
  { action: 'split-terminal', label: 'Split the terminal', keys: ['Ctrl Shift 5'], inTerminal: true },
  { action: 'next-terminal', label: 'Next terminal', keys: ['Alt `'], inTerminal: true },
  { action: 'find-in-terminal', label: 'Find in the terminal', keys: ['Ctrl Alt F'], inTerminal: true },
  { action: 'list-terminals', label: 'All terminals', keys: ['Alt Shift `'], inTerminal: true },
  { action: 'maximise-terminals', label: 'Make the terminals as large as can be', keys: ['Alt Shift M'], inTerminal: true },
  { action: 'run-task', label: 'Run a task', keys: ['Alt Shift B'], inTerminal: true },
  { action: 'run-last-task', label: 'Run the build task, or the last task again', keys: ['Ctrl Shift B'], inTerminal: true },
  { action: 'palette', label: 'All commands', keys: ['Ctrl Shift P', 'F1'], inTerminal: true },
  { action: 'settings', label: 'Settings of the IDE', keys: ['Ctrl ,'], inTerminal: true },
  { action: 'shortcuts', label: 'Keys of the IDE: see and change them', keys: ['Alt Shift K'], inTerminal: true },
  { action: 'full-screen', label: 'Full screen, with the keys that the browser keeps', keys: ['F11'], inTerminal: true },
  { action: 'tour', label: 'First steps', keys: [], inTerminal: false },
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

/** About the word at the cursor: elsewhere those keys are a tree's, a list's or a tab's own. */
const IN_EDITOR_ONLY: ReadonlySet<IdeAction> = new Set<IdeAction>(['rename-symbol']);

/** Whether a key press means an action where it happened. */
export const isMeant = (action: IdeAction, inEditor: boolean): boolean => inEditor || !IN_EDITOR_ONLY.has(action);

/** The action that a key press asks for; null when it belongs to whoever has the keyboard. */
export function actionOf(event: Pressed, inTerminal: boolean, chosen: ChosenKeys = {}): IdeAction | null {
  const asks = (keys: string) => isPressed(keys, event) && !(inTerminal && isForProgram(keys));
  const found = IDE_KEYS.find((entry) => (entry.inTerminal || !inTerminal) && keysOf(entry, chosen).some(asks));
  return found?.action ?? null;
}

/** What somebody's own keys make of a press in the editor. `taken`: ours, which they gave other keys, so that it does nothing. */
export function editorCommandOf(event: Pressed, chosen: ChosenKeys): EditorCommand | 'taken' | null {
  const own = EDITOR_KEYS.find(({ command }) => chosen[editorKey(command)]?.some((keys) => isPressed(keys, event)));
  if (own !== undefined) return own.command;
  return EDITOR_KEYS.some(({ command, keys }) => chosen[editorKey(command)] !== undefined && isPressed(keys, event)) ? 'taken' : null;
}
