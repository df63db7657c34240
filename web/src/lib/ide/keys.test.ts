import { expect, it } from 'vitest';
import { actionOf, editorCommandOf, IDE_KEYS } from './keys.ts';
import { browserWords, shownKeys, writtenKeys } from './pressed.ts';
import { conflictOf } from './settings/remap.ts';

const press = (key: string, code: string, modifiers = '') => ({
  key,
  code,
  ctrlKey: modifiers.includes('C'),
  metaKey: modifiers.includes('M'),
  altKey: modifiers.includes('A'),
  shiftKey: modifiers.includes('S'),
});

it.each([
  ['Ctrl S saves', press('s', 'KeyS', 'C'), 'page', 'save'],
  ['so does Cmd S', press('s', 'KeyS', 'M'), 'page', 'save'],
  ['Ctrl Shift ` opens a terminal, whatever Shift makes of the key', press('~', 'Backquote', 'CS'), 'terminal', 'new-terminal'],
  ['Alt W closes a tab where the browser keeps Ctrl W', press('w', 'KeyW', 'A'), 'page', 'close-tab'],
  ['a shell keeps Ctrl W', press('w', 'KeyW', 'C'), 'terminal', null],
  ['a shell keeps Ctrl S', press('s', 'KeyS', 'C'), 'terminal', null],
  ['a letter alone is text', press('s', 'KeyS'), 'page', null],
  ['F1 shows all commands', press('F1', 'F1'), 'page', 'palette'],
  ['but is the program’s in a terminal', press('F1', 'F1'), 'terminal', null],
  ['Ctrl , shows the settings, in a terminal, too', press(',', 'Comma', 'C'), 'terminal', 'settings'],
  ['on a Mac the place of a letter counts, whatever Alt makes of it', press('∑', 'KeyW', 'A'), 'page', 'close-tab'],
  ['F2 renames a symbol in the editor', press('F2', 'F2'), 'editor', 'rename-symbol'],
  ['and is left to lists and tabs elsewhere', press('F2', 'F2'), 'page', null],
  ['more modifiers are another key', press('s', 'KeyS', 'CS'), 'page', null],
] as const)('%s', (_name, event, at, action) => {
  expect(actionOf(event, at)).toBe(action);
});

it('each key means one thing', () => {
  const all = IDE_KEYS.flatMap(({ keys }) => keys);
  expect(new Set(all).size).toBe(all.length);
});

it('keys of one’s own are instead of ours, and none at all is possible', () => {
  const chosen = { save: ['Ctrl Alt S'], 'quick-open': [] };
  expect(actionOf(press('s', 'KeyS', 'CA'), 'page', chosen)).toBe('save');
  expect(actionOf(press('s', 'KeyS', 'C'), 'page', chosen)).toBeNull();
  expect(actionOf(press('p', 'KeyP', 'C'), 'page', chosen)).toBeNull();
  expect(actionOf(press('b', 'KeyB', 'C'), 'page', chosen)).toBe('toggle-files');
});

it('commands of the editor take other keys, and their former ones then do nothing', () => {
  const chosen = { 'editor-comment': ['Alt C'] };
  expect(editorCommandOf(press('c', 'KeyC', 'A'), chosen)).toBe('comment');
  expect(editorCommandOf(press('/', 'Slash', 'C'), chosen)).toBe('taken');
  expect(editorCommandOf(press('/', 'Slash', 'C'), {})).toBeNull();
});

it('what has keys already is said, and what browsers keep', () => {
  expect(conflictOf('Ctrl B', 'save', {})).toBe('Show or hide files');
  expect(conflictOf('Ctrl B', 'toggle-files', {})).toBeNull();
  expect(conflictOf('Ctrl B', 'save', { 'toggle-files': ['F2'] })).toBeNull();
  expect(browserWords('Ctrl W')).toContain('full screen');
  expect(browserWords('Ctrl B')).toBeNull();
});

it.each([
  [press('f', 'KeyF', 'CS'), 'Ctrl Shift F'],
  [press('`', 'Backquote', 'A'), 'Alt `'],
  [press('ArrowDown', 'ArrowDown', 'A'), 'Alt ↓'],
  [press('F7', 'F7'), 'F7'],
  [press('s', 'KeyS', 'M'), 'Ctrl S'],
  [press('Shift', 'ShiftLeft', 'S'), null],
  [press('s', 'KeyS'), null],
])('pressed keys are written as they are asked for: %o', (event, written) => {
  expect(writtenKeys(event)).toBe(written);
});

it('a Mac’s keyboard names them otherwise', () => {
  expect([shownKeys('Ctrl Shift F', true), shownKeys('G W', true), shownKeys('Ctrl Shift F', false)]).toEqual([
    '⌘⇧F',
    'G W',
    'Ctrl Shift F',
  ]);
});
