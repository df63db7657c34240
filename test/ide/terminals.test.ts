import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody works in terminals by keyboard, and then together with somebody else. */

const PASSWORD = 'a long enough password';
let site: IdeSite;
let page: IdeSite['page'];

beforeAll(async () => {
  site = await openIde('terminals', { 'src/shop.ts': 'export const one = 1;\nexport const two = 2;\n', 'my notes.md': 'hello\n' });
  ({ page } = site);
  await readAloud(site.owner);
  await page.reload();
  await page.getByText('Connected').first().waitFor();
});
afterAll(() => site?.end());

/** Terminals say what they show, so that it can be read here. */
const readAloud = (person: Person) => person.call('PUT', '/me/ide-settings', { screenReader: true }, { 'If-Match': '"0"' });

/** What the terminal in sight shows, as a screen reader gets it. */
const shows = (text: string, on: Page = page) => on.locator('.group.shown .xterm-accessibility').getByText(text).first().waitFor();

async function type(line: string): Promise<void> {
  await page.locator('.group.shown .xterm-helper-textarea').first().focus();
  await page.keyboard.type(line);
  await page.keyboard.press('Enter');
}

/** Does what the palette calls so. */
async function act(name: string): Promise<void> {
  await page.keyboard.press('Control+k');
  const search = page.getByRole('combobox', { name: 'Search or jump' });
  await search.fill(name);
  await page.getByRole('option', { name }).first().waitFor();
  await page.keyboard.press('Enter');
}

test('a terminal has a name, a colour and an icon, which stay over a reload', async () => {
  await type('echo ready-$((40+2))');
  await shows('ready-42');
  await page.getByRole('tab', { name: 'Terminal 1' }).press('F2');
  await page.getByRole('textbox', { name: 'Name of the terminal' }).fill('server');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'server' }).waitFor();
  for (const look of ['Green', 'Database']) {
    await act('Colour and icon of the terminal');
    await page.getByRole('combobox', { name: 'Colour and icon of the terminal' }).fill(look);
    await page.keyboard.press('Enter');
  }
  await page.reload();
  await page.locator('[data-color="green"]', { hasText: 'server' }).waitFor();
});

test('commands are marked: what one printed is copied, and its end is told', async () => {
  await type("printf 'first %s\\n' line; (exit 7)");
  await shows('first line');
  await page.locator('.command-dot.failed').first().waitFor({ state: 'attached' });
  await page.keyboard.press('Alt+Shift+C');
  await page.getByText('What the last command printed is on the clipboard').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('first line');
});

test('a file that is named opens at its line; what is no file is not listed', async () => {
  await type("clear; printf 'src/%s.ts:2:14 and src/none.ts:%s\\n' shop 1");
  await shows('src/none.ts:1');
  await page.keyboard.press('Alt+Shift+O');
  await page.getByRole('option', { name: /shop\.ts:2:14/ }).waitFor();
  expect(await page.getByRole('option').count()).toBe(1);
  expect(await site.violations()).toEqual([]);
  await page.keyboard.press('Enter');
  await page.getByText('Ln 2, Col 14').waitFor();
});

test('a program may put text on the clipboard and never read it; the person is told once', async () => {
  await type("printf '\\e]52;c;aGVsbG8=\\a'; printf '\\e]52;c;?\\a'; echo so");
  await page.getByText('A program in “server” put text on your clipboard').waitFor();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('hello');
  await shows('so');
});

test('a file from the tree is dropped as its quoted name', async () => {
  await page
    .locator('.group.shown .screen')
    .first()
    .evaluate((screen) => {
      const dataTransfer = new DataTransfer();
      dataTransfer.setData('text/plain', 'my notes.md');
      screen.dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    });
  await shows("~/'my notes.md'");
  await page.keyboard.press('Control+c');
});

test('the menu has everything, and ending asks where something runs', async () => {
  await type('sleep 200');
  await expect.poll(() => site.run('.', 'pgrep', '-f', '^sleep 200').catch(() => '')).not.toBe('');
  await page.locator('.group.shown .screen').first().click({ button: 'right' });
  await page.getByRole('menuitem', { name: 'Rename' }).waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('terminals-menu');
  await page.getByRole('menuitem', { name: 'End', exact: true }).click();
  await page.getByText('End “sleep” in “server”?').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+c');
});

test('terminals are many: moved by keys, listed, and as large as can be', async () => {
  for (let more = 0; more < 5; more += 1) await page.keyboard.press('Control+Shift+Backquote');
  await page.getByRole('button', { name: 'All 6 terminals' }).waitFor();
  const tabs = page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab');
  // Its name comes with its program.
  await tabs.filter({ hasText: 'Opening' }).first().waitFor({ state: 'detached' });
  const last = await tabs.last().textContent();
  await tabs.last().press('Alt+Shift+ArrowLeft');
  expect(await tabs.nth(4).textContent()).toBe(last);
  await page.keyboard.press('Alt+Shift+M');
  await page.keyboard.press('Alt+Shift+Backquote');
  await page.getByRole('combobox', { name: 'All terminals' }).fill('server');
  expect(await site.violations()).toEqual([]);
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: 'server', selected: true }).waitFor();
  await site.picture('terminals-large');
  await page.keyboard.press('Alt+Shift+M');
});

test('a second person watches, is seen to be there, and drives once they are let', async () => {
  const origin = inject('origin');
  const email = 'tomasz@terminals.test';
  await site.owner.call('POST', '/invitations', { email, roles: ['owner'] });
  const tomasz = new Person(origin);
  await tomasz.call('POST', '/invitations/accept', {
    token: await mailedSecret(origin, email),
    name: 'Tomasz Nowak',
    password: PASSWORD,
  });
  const context = await site.browser.newContext({ viewport: { width: 720, height: 450 }, reducedMotion: 'reduce' });
  const other = await context.newPage();
  await other.goto(`${origin}/signin#org=terminals&email=${email}&password=${encodeURIComponent(PASSWORD)}`);
  await other.getByRole('button', { name: 'Sign in', exact: true }).click();
  await other.waitForURL('**/workspaces');
  await readAloud(tomasz);
  await other.goto(`${origin}/w/${site.workspaceId}`);
  await other.getByText('Olga Owner drives. You are watching.').waitFor();
  await page.getByText('Tomasz Nowak joined').waitFor();
  await type('echo together-$((40+2))');
  await shows('together-42', other);

  for (const width of [1440, 720, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.getByRole('button', { name: '2 people here, you drive' }).waitFor();
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  expect(await site.violations()).toEqual([]);
  await other.getByRole('button', { name: 'Ask to drive' }).click();
  await page.getByRole('button', { name: 'Hand over' }).click();
  await page.getByText('Tomasz Nowak drives. You are watching.').waitFor();
  await site.picture('terminals-together');
  await page.getByRole('button', { name: 'Take back' }).first().click();
  await other.getByText('Olga Owner drives. You are watching.').waitFor();
  await context.close();
});
