/** Every key of the IDE. Keys that browsers keep for themselves have one that they leave alone. */

export type IdeAction =
  | 'save'
  | 'close-tab'
  | 'next-tab'
  | 'previous-tab'
  | 'toggle-files'
  | 'toggle-terminals'
  | 'focus-editor'
  | 'new-terminal'
  | 'split-terminal'
  | 'next-terminal'
  | 'find-in-terminal';

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
  { action: 'toggle-files', label: 'Show or hide files', keys: ['Ctrl B'], inTerminal: false },
  { action: 'toggle-terminals', label: 'Show or hide terminals', keys: ['Ctrl `'], inTerminal: true },
  { action: 'focus-editor', label: 'Go to the editor', keys: ['Alt E'], inTerminal: true },
  { action: 'new-terminal', label: 'New terminal', keys: ['Ctrl Shift `'], inTerminal: true },
  { action: 'split-terminal', label: 'Split the terminal', keys: ['Ctrl Shift 5'], inTerminal: true },
  { action: 'next-terminal', label: 'Next terminal', keys: ['Alt `'], inTerminal: true },
  { action: 'find-in-terminal', label: 'Find in the terminal', keys: ['Ctrl Shift F'], inTerminal: true },
];

/** What the editor itself understands; listed so that `?` can show it. */
export const EDITOR_KEYS: readonly { label: string; keys: string }[] = [
  { label: 'Find', keys: 'Ctrl F' },
  { label: 'Find and replace', keys: 'Ctrl H' },
  { label: 'Select the next same word', keys: 'Ctrl D' },
  { label: 'Go to line', keys: 'Ctrl Alt G' },
  { label: 'Move the line', keys: 'Alt ↑ ↓' },
  { label: 'Copy the line down', keys: 'Shift Alt ↓' },
  { label: 'Comment or not', keys: 'Ctrl /' },
  { label: 'Fold, unfold', keys: 'Ctrl Shift [ ]' },
  { label: 'Undo, redo', keys: 'Ctrl Z, Ctrl Y' },
];

type Pressed = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** The action that a key press asks for; null when it belongs to whoever has the keyboard. */
export function actionOf(event: Pressed, inTerminal: boolean): IdeAction | null {
  const found = IDE_KEYS.find((entry) => (entry.inTerminal || !inTerminal) && entry.keys.some((keys) => isPressed(keys, event)));
  return found?.action ?? null;
}

/** Where the key stands decides, not what Shift or a layout makes of it. */
const CODES: Record<string, string> = { '`': 'Backquote', '5': 'Digit5', PageUp: 'PageUp', PageDown: 'PageDown' };

function isPressed(keys: string, event: Pressed): boolean {
  const parts = keys.split(' ');
  const key = parts.at(-1) ?? '';
  return (
    parts.includes('Ctrl') === (event.ctrlKey || event.metaKey) &&
    parts.includes('Alt') === event.altKey &&
    parts.includes('Shift') === event.shiftKey &&
    (key in CODES ? event.code === CODES[key] : event.key.toLowerCase() === key.toLowerCase())
  );
}
