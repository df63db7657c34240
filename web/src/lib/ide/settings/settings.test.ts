import { expect, test } from 'vitest';
import { Settings } from './settings.svelte.ts';

test('what was chosen is there at the next visit, and the rest is as we made it', () => {
  new Settings(localStorage).choose({ keymap: 'vim' });
  expect(new Settings(localStorage).now).toMatchObject({ keymap: 'vim', autosave: 'off' });
});

test('a choice that can’t be read costs only itself', () => {
  localStorage.setItem('gatehouse.ide.settings', '{"keymap":"emacs","tabSize":4,"later":1}');
  expect(new Settings(localStorage).now).toMatchObject({ keymap: 'vscode', tabSize: 4 });
  localStorage.setItem('gatehouse.ide.settings', 'no JSON');
  expect(new Settings(localStorage).now.tabSize).toBe(2);
});
