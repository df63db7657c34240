import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody works with git by keyboard: from an edit to what is pushed. */

let site: IdeSite;
let page: IdeSite['page'];

/** Git from behind, as a program of the workspace would have run it: what it made belongs to the workspace's user. */
function git(...args: string[]): string {
  const fixed = ['-c', 'safe.directory=*', '-c', 'user.name=Grace', '-c', 'user.email=grace@git.test'];
  const printed = execFileSync('git', [...fixed, ...args], { cwd: join(site.home, 'shop'), encoding: 'utf8' });
  const { uid, gid } = statSync(site.home);
  if (process.getuid?.() === 0) execFileSync('chown', ['-R', `${uid}:${gid}`, site.home]);
  return printed;
}

const FILE = Array.from({ length: 40 }, (_, index) => `export const price${index + 1} = ${index + 1};`);
const withLines = (change: Record<number, string>) => `${FILE.map((line, index) => change[index + 1] ?? line).join('\n')}\n`;

/** Runs an entry of the command palette. */
async function palette(words: string): Promise<void> {
  await page.keyboard.press('Control+k');
  const field = page.getByRole('combobox', { name: 'Search or jump' });
  await field.fill(words);
  await page.getByRole('option', { name: words }).first().waitFor();
  await page.keyboard.press('Enter');
}

beforeAll(async () => {
  site = await openIde('git', { 'shop/prices.ts': withLines({}), 'shop/.gitignore': 'dist\n', 'shop/dist/out.js': '' });
  ({ page } = site);
  await page.getByRole('button', { name: 'Git', exact: true }).click();
  await page.getByText('There is no git repository in this workspace yet.').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('git-none');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message=Prices');
  git('init', '--quiet', '--bare', '../far.git');
  git('remote', 'add', 'origin', '../far.git');
});
afterAll(async () => {
  await site?.picture('git-last');
  await site?.end();
});

test('one hunk of two is staged from the comparison, and committed alone', async () => {
  site.write('shop/prices.ts', withLines({ 2: 'export const price2 = 22;', 30: 'export const price30 = 33;' }));
  site.write('shop/new file.md', '# New\n');
  await page.keyboard.press('Control+Shift+g');
  await page.getByRole('treeitem', { name: 'prices.ts, modified, changes' }).waitFor();
  await page.getByRole('treeitem', { name: 'new file.md, not tracked yet, untracked' }).waitFor();
  const changes = page.getByRole('tree', { name: /^Changes/ });
  await changes.focus();
  for (const key of ['Home', 'ArrowDown', 'Enter']) await page.keyboard.press(key);
  await page.getByRole('rowgroup', { name: 'Hunk 1 of 2, line 2' }).waitFor();
  await page.locator('[data-current]:focus').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('git-hunks');
  await page.keyboard.press('n');
  await page.keyboard.press('Space');
  await page.getByRole('treeitem', { name: 'prices.ts, modified, staged' }).waitFor();
  await page.getByRole('rowgroup', { name: 'Hunk 1 of 1, line 2' }).waitFor();
  expect(git('diff', '--cached', '--unified=0')).toContain('+export const price30 = 33;');
  expect(git('diff', '--cached', '--numstat')).toBe('1\t1\tprices.ts\n');
  await page.keyboard.press('Control+Shift+g');
  await page.getByRole('textbox', { name: 'Message of the commit' }).fill('Price 30 was too low');
  await site.picture('git-staged');
  await page.keyboard.press('Control+Enter');
  await page.getByText(/^Committed [0-9a-f]{7}$/).waitFor();
  expect(git('log', '-1', '--format=%s by %an')).toBe('Price 30 was too low by Olga Owner\n');
});

test('what is discarded comes back', async () => {
  const changes = page.getByRole('tree', { name: /^Changes/ });
  await page.getByRole('treeitem', { name: 'Changes, 1' }).waitFor();
  await changes.focus();
  for (const key of ['Home', 'ArrowDown', 'Delete']) await page.keyboard.press(key);
  await page.getByText('Changes of “prices.ts” discarded').waitFor();
  expect(site.read('shop/prices.ts')).not.toContain('price2 = 22;');
  // The newest of the toasts that offer to undo something is in front.
  await page.getByRole('listitem').filter({ hasText: 'Changes of “prices.ts” discarded' }).getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('treeitem', { name: 'prices.ts, modified, changes' }).waitFor();
  expect(site.read('shop/prices.ts')).toContain('price2 = 22;');
});

test('a branch is made, work is stashed and taken out again', async () => {
  await palette('Stash changes');
  await page.getByRole('textbox', { name: 'What they are' }).fill('half done');
  await page.keyboard.press('Enter');
  await page.getByText('Nothing has changed since the last commit.').waitFor();
  await page.keyboard.press('Alt+b');
  await page.getByRole('combobox', { name: 'Branch' }).fill('topic');
  await page.getByRole('option', { name: /Make the branch topic/ }).waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('git-branches');
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Branch topic' }).waitFor();
  await page.locator('summary', { hasText: 'Stashes' }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Pop On main: half done' }).press('Enter');
  await page.getByRole('treeitem', { name: 'prices.ts, modified, changes' }).waitFor();
  await page.keyboard.press('Control+Shift+g');
  await page.getByRole('textbox', { name: 'Message of the commit' }).fill('Price 2, as the topic has it');
  await page.keyboard.press('Control+Enter');
  await page.getByText('Nothing has changed since the last commit.').waitFor();
});

test('a conflict is resolved where both sides stand, and the merge committed', async () => {
  git('switch', '--quiet', 'main');
  site.write('shop/prices.ts', withLines({ 2: 'export const price2 = 20;', 30: 'export const price30 = 33;' }));
  git('commit', '--quiet', '--all', '--message=Price 2, as main has it');
  await page.getByRole('button', { name: 'Branch main' }).waitFor();
  await page.keyboard.press('Alt+b');
  await page.getByRole('combobox', { name: 'Branch' }).fill('topic');
  await page.getByRole('option', { name: /^topic/ }).waitFor();
  await page.getByRole('button', { name: 'Merge into main' }).press('Enter');
  await page.getByText('A merge is under way').waitFor();
  // The first conflict opens by itself, with the keyboard; the list leads there, too.
  await page.getByText('1 conflict left').waitFor();
  await page.locator('.cm-content:focus').waitFor();
  for (const key of ['Home', 'ArrowDown', 'Enter']) await page.getByRole('tree', { name: /^Changes/ }).press(key);
  await page.locator('.cm-content:focus').waitFor();
  await page.getByRole('button', { name: 'Take what was before in conflict 1' }).waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('git-conflict');
  await page.keyboard.press('Alt+Shift+U');
  await page.getByText('No conflict is left').waitFor();
  await page.getByRole('button', { name: 'Mark as resolved' }).press('Enter');
  await page.getByRole('treeitem', { name: 'prices.ts, modified, staged' }).waitFor();
  await page.keyboard.press('Control+Shift+g');
  const message = page.getByRole('textbox', { name: 'Message of the commit' });
  await expect.poll(() => message.inputValue()).toContain("Merge branch 'topic'");
  await expect.poll(() => message.evaluate((box) => box === document.activeElement)).toBe(true);
  await page.keyboard.press('Control+Enter');
  await page.getByText('Nothing has changed since the last commit.').waitFor();
  expect(git('log', '-1', '--format=%s')).toBe("Merge branch 'topic'\n");
  expect(site.read('shop/prices.ts').split('\n').slice(1, 3)).toEqual(['export const price2 = 20;', 'export const price2 = 22;']);
});

test('it is pushed, and the log shows how it came together, and who wrote what', async () => {
  await palette('Push');
  await page.getByText('Pushed to origin').waitFor();
  expect(git('--git-dir=../far.git', 'log', '-1', '--format=%s', 'main')).toBe("Merge branch 'topic'\n");
  await page.getByRole('button', { name: '0 to pull, 0 to push. Pull and push' }).waitFor();
  await palette('Log');
  const log = page.getByRole('listbox', { name: 'Commits' });
  await log.getByRole('option', { name: /Price 30 was too low/ }).waitFor();
  expect(await log.getByRole('option').count()).toBe(5);
  expect(await log.locator('svg').first().locator('path').count()).toBe(2);
  await log.focus();
  await page.keyboard.press('ArrowDown');
  await page
    .getByRole('article', { name: /^Commit/ })
    .getByRole('button', { name: /prices\.ts/ })
    .waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('git-log');
  await page
    .getByRole('article')
    .getByRole('button', { name: /prices\.ts/ })
    .press('Enter');
  await page.getByRole('rowgroup', { name: /^Hunk 1 of/ }).waitFor();
  await page.getByRole('tab', { name: 'prices.ts', exact: true }).click();
  await palette('Show who wrote the line of the cursor');
  await page.locator('.cm-blame').waitFor();
  await palette('Show who wrote each line');
  await page.locator('.cm-authors span', { hasText: 'Grace' }).first().waitFor();
  await page.locator('.cm-content').first().click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('// more');
  await page.locator('.cm-change-added').first().waitFor();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('Alt+F3');
  await page.getByRole('group', { name: 'What was here before' }).waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('git-editor');
  await page.getByRole('button', { name: 'Revert this change' }).press('Enter');
  await page.locator('.cm-change-added').first().waitFor({ state: 'detached' });
});
