// @vitest-environment node
import { expect, it } from 'vitest';
import { actionOf, IDE_KEYS } from './keys.ts';

const press = (key: string, code: string, modifiers = '') => ({
  key,
  code,
  ctrlKey: modifiers.includes('C'),
  metaKey: modifiers.includes('M'),
  altKey: modifiers.includes('A'),
  shiftKey: modifiers.includes('S'),
});

it.each([
  ['Ctrl S saves', press('s', 'KeyS', 'C'), false, 'save'],
  ['so does Cmd S', press('s', 'KeyS', 'M'), false, 'save'],
  ['Ctrl Shift ` opens a terminal, whatever Shift makes of the key', press('~', 'Backquote', 'CS'), true, 'new-terminal'],
  ['Alt W closes a tab where the browser keeps Ctrl W', press('w', 'KeyW', 'A'), false, 'close-tab'],
  ['a shell keeps Ctrl W', press('w', 'KeyW', 'C'), true, null],
  ['a shell keeps Ctrl S', press('s', 'KeyS', 'C'), true, null],
  ['a letter alone is text', press('s', 'KeyS'), false, null],
  ['more modifiers are another key', press('s', 'KeyS', 'CS'), false, null],
] as const)('%s', (_name, event, inTerminal, action) => {
  expect(actionOf(event, inTerminal)).toBe(action);
});

it('each key means one thing', () => {
  const all = IDE_KEYS.flatMap(({ keys }) => keys);
  expect(new Set(all).size).toBe(all.length);
});
