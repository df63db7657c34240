import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { signInBrowser } from '../support/browser-session.ts';
import { type IdeSite, openIde } from '../support/ide.ts';
import { countLoaded, holdIdle, type Loaded, prompt } from '../support/loaded.ts';

/** Somebody opens a workspace in a browser that has kept nothing. */

const SLUG = 'loading';
const FILE = 'notes.txt';
/** What it takes until a file can be edited and a prompt stands. Whoever needs more loads it with its first use, or when the browser is idle (`first-screen.svelte.ts`). */
const MOST = { files: 20, kilobytes: 428 };

let site: IdeSite;
let page: Page;
let first: Loaded;

beforeAll(async () => {
  site = await openIde(SLUG, { [FILE]: 'one line\n' });
  await site.page.close();
  const context = await site.browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await signInBrowser(context, inject('origin'), { tenant: SLUG, email: `owner@${SLUG}.test`, password: 'a long enough password' });
  const loaded = countLoaded(context);
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  // For the whole of this story: what is used below comes with its first use.
  await holdIdle(page);
  // The connection is made before the IDE's code is there: that comes only once it is dialled.
  const dialled = page.waitForEvent('websocket');
  await page.route(/\/nodes\/(?![01]\.)/, async (route) => {
    await dialled;
    await route.continue();
  });
  await page.goto(`${inject('origin')}/w/${site.workspaceId}`);
  await prompt(page);
  await page.getByRole('treeitem', { name: FILE }).click();
  await page.getByRole('textbox', { name: FILE }).waitFor({ state: 'attached' });
  first = await loaded();
});
afterAll(() => site?.end());

test('a file that can be edited and a prompt are few files and few bytes', () => {
  expect(first.files).toBeLessThanOrEqual(MOST.files);
  expect(first.bytes / 1000).toBeLessThanOrEqual(MOST.kilobytes);
});

test('what was not loaded comes with its first use', async () => {
  await page.getByRole('textbox', { name: FILE }).click();
  await page.keyboard.press('Control+f');
  await page.locator('.cm-search').waitFor();
  await page.keyboard.press('Escape');

  const menu = page.getByRole('button', { name: 'More about files' });
  await menu.click();
  await page.getByRole('menuitem', { name: 'Filter by name' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'detached' });
  expect(await menu.evaluate((button) => document.activeElement === button)).toBe(true);
  await page.keyboard.press('ArrowDown');
  await page.getByRole('menuitem', { name: 'Filter by name' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('menu').waitFor({ state: 'detached' });

  const help = page.getByRole('button', { name: 'Help: Terminals' });
  await help.click();
  await page.locator('.menu.help').waitFor();
  await help.click();
  await page.locator('.menu.help').waitFor({ state: 'detached' });

  await page.keyboard.press('Control+Shift+P');
  await page.getByRole('combobox', { name: 'Search or jump' }).waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
});

test('letters that need the table of widths are printed, and found', async () => {
  await page.getByRole('textbox', { name: 'Terminal input' }).first().focus();
  await page.keyboard.type("printf '\\344\\275\\240\\345\\245\\275\\n'");
  await page.keyboard.press('Enter');
  await page.locator('.xterm-rows').getByText('你好').first().waitFor();
  await page.getByRole('button', { name: 'Find in the terminal' }).click();
  await page.getByRole('textbox', { name: 'Find in the terminal' }).fill('好');
  await expect.poll(() => page.getByRole('textbox', { name: 'Find in the terminal' }).getAttribute('aria-invalid')).toBe('false');
});
