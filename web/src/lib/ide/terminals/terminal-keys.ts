import { isPressed } from '../pressed.ts';

/** What a terminal itself understands while it has the keyboard; everything else is its program's. */
export const TERMINAL_KEYS = [
  { command: 'previous-command', label: 'Previous command in the terminal', keys: 'Ctrl ↑' },
  { command: 'next-command', label: 'Next command in the terminal', keys: 'Ctrl ↓' },
  { command: 'to-top', label: 'To the top of the terminal', keys: 'Shift Home' },
  { command: 'to-bottom', label: 'To the bottom of the terminal', keys: 'Shift End' },
  { command: 'larger', label: 'Larger text in this terminal', keys: 'Alt Shift =' },
  { command: 'smaller', label: 'Smaller text in this terminal', keys: 'Alt Shift -' },
  { command: 'usual-size', label: 'Usual text size in this terminal', keys: 'Alt Shift 0' },
  { command: 'links', label: 'Open a file that the terminal shows', keys: 'Alt Shift O' },
  { command: 'copy-output', label: 'Copy what the last command printed', keys: 'Alt Shift C' },
  { command: 'select-all', label: 'Select all in the terminal', keys: '' },
  { command: 'clear', label: 'Clear the terminal', keys: '' },
  { command: 'rename', label: 'Rename the terminal', keys: '' },
  { command: 'look', label: 'Colour and icon of the terminal', keys: '' },
  { command: 'move-left', label: 'Move the terminal’s tab to the left', keys: '' },
  { command: 'move-right', label: 'Move the terminal’s tab to the right', keys: '' },
  { command: 'end', label: 'End the terminal', keys: '' },
] as const;

export type TerminalCommand = (typeof TERMINAL_KEYS)[number]['command'];

/** The command that a key press asks of a terminal; null: it is its program's. */
export const commandOf = (event: KeyboardEvent): TerminalCommand | null =>
  TERMINAL_KEYS.find(({ keys }) => keys !== '' && isPressed(keys, event))?.command ?? null;

export const keysOf = (command: TerminalCommand): string => TERMINAL_KEYS.find((each) => each.command === command)?.keys ?? '';
