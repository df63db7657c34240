import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { violations } from '../support/axe.ts';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody makes the IDE theirs, and an organisation keeps what is in it inside. */

const SLUG = 'whole';
let site: IdeSite;
let page: Page;

beforeAll(async () => {
  site = await openIde(SLUG, {
    'notes.txt': 'one secret line\n',
    'empty.txt': '\n',
    'app.ts': 'export const answer = 42; // the answer\n',
  });
  ({ page } = site);
});
afterAll(() => site?.end());

const dialog = (name: string) => page.getByRole('dialog', { name });
const closeDialog = async () => {
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};
const editor = (name: string) => page.getByRole('textbox', { name });
/** The keyboard is where no program and no text has it. */
const leaveText = () => page.getByRole('group', { name: 'Beside the editor' }).getByRole('button', { name: 'Files' }).click();
const openFile = async (name: string) => {
  await leaveText();
  await page.keyboard.press('Control+p');
  await page.getByRole('combobox', { name: 'Go to a file' }).fill(name);
  await page.getByRole('option', { name }).waitFor();
  await page.keyboard.press('Enter');
  await editor(name).click();
};

/** Does what stands among the commands. */
const choose = async (name: string, keys = 'Control+Shift+P') => {
  await page.keyboard.press(keys);
  await page.getByRole('combobox', { name: 'Search or jump' }).fill(name);
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
};

/** Another browser of the same person, at the same workspace. */
async function anotherBrowser(browser: Browser): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1100, height: 800 }, reducedMotion: 'reduce' });
  const other = await context.newPage();
  other.setDefaultTimeout(30_000);
  await other.goto(`${inject('origin')}/signin#org=${SLUG}&email=owner@${SLUG}.test&password=a%20long%20enough%20password`);
  await other.getByRole('button', { name: 'Sign in', exact: true }).click();
  await other.waitForURL('**/workspaces');
  await other.goto(`${inject('origin')}/w/${site.workspaceId}`);
  return other;
}

/** Axe with the stricter rule for contrast: 7:1. */
const faintTexts = () => violations(page, { runOnly: ['color-contrast-enhanced'] });

test('a first visit leads through its steps, which notice themselves what is done, and comes back when it is asked for', async () => {
  const steps = page.getByRole('region', { name: /First steps/ });
  await steps.getByText('0 of 5').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('whole-first-visit');
  await page.locator('.xterm').first().click();
  await page.keyboard.type('pwd\n');
  await steps.getByText('1 of 5').waitFor();
  await openFile('app.ts');
  await page.keyboard.type('// mine');
  await page.keyboard.press('Control+s');
  await steps.getByText('3 of 5').waitFor();
  await steps.getByText('In the git panel, or with git commit.').waitFor();
  await page.getByRole('button', { name: 'Hide the first steps' }).click();
  await steps.waitFor({ state: 'detached' });
  await choose('First steps', 'F1');
  await steps.getByText('3 of 5').waitFor();
});

test('a setting that one browser changes is so in another, both ways, and each keeps what the other did not touch', async () => {
  await page.keyboard.press('Control+,');
  await dialog('Settings of the IDE').waitFor();
  await site.picture('whole-settings');
  expect(await site.violations()).toEqual([]);
  await page.getByRole('searchbox', { name: 'Search the settings' }).fill('width of a tab');
  await page.getByRole('spinbutton', { name: 'Width of a tab' }).fill('4');
  await page.keyboard.press('Tab');
  await page.getByText('The same in every browser of yours.').waitFor();
  const other = await anotherBrowser(site.browser);
  await other.getByText('Connected').first().waitFor();
  await other.keyboard.press('Control+,');
  await expect.poll(() => other.getByRole('spinbutton', { name: 'Width of a tab' }).inputValue()).toBe('4');
  await other.getByRole('checkbox', { name: 'Wrap long lines' }).check();
  await other.getByText('The same in every browser of yours.').waitFor();
  await other.context().close();
  // As when somebody comes back to this tab.
  await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
  await page.getByRole('searchbox', { name: 'Search the settings' }).fill('wrap');
  await expect.poll(() => page.getByRole('checkbox', { name: 'Wrap long lines' }).isChecked()).toBe(true);
  await page.getByRole('button', { name: 'Reset “Wrap long lines”' }).click();
  expect(await page.getByRole('checkbox', { name: 'Wrap long lines' }).isChecked()).toBe(false);
  await page.getByRole('searchbox', { name: 'Search the settings' }).fill('dotfiles');
  await page.getByRole('textbox', { name: 'Repository' }).fill('git@git.example:me/dotfiles');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByText('Repository must be an address such as').waitFor();
  await page.getByRole('textbox', { name: 'Repository' }).fill('https://git.example/me/dotfiles');
  await page.getByRole('button', { name: 'Keep', exact: true }).click();
  await page.getByText('The same in every browser of yours.').waitFor();
  expect(await site.owner.call('GET', '/me/ide-settings')).toMatchObject({
    tabSize: 4,
    dotfiles: { repository: 'https://git.example/me/dotfiles', branch: '', command: '' },
  });
  await closeDialog();
});

test('an action takes other keys, after what has them already was said', async () => {
  await page.keyboard.press('Alt+Shift+K');
  await page.getByRole('searchbox', { name: 'Search the shortcuts' }).fill('hide files');
  await page.getByRole('button', { name: 'Change the keys of “Show or hide files”' }).click();
  const field = page.getByRole('textbox', { name: /Press the new keys/ });
  await field.press('Control+w');
  await page.getByText('“Close the tab” has these keys now').waitFor();
  await page.getByText('Browsers keep these keys for themselves').waitFor();
  await field.press('Control+Alt+b');
  expect(await field.inputValue()).toBe('Ctrl Alt B');
  expect(await site.violations()).toEqual([]);
  await site.picture('whole-keys');
  await page.getByRole('button', { name: 'Use them' }).click();
  await page.getByText('yours', { exact: true }).waitFor();
  await closeDialog();
  const files = page.getByRole('button', { name: 'Files', exact: true }).first();
  const before = await files.getAttribute('aria-pressed');
  await leaveText();
  await page.keyboard.press('Control+b');
  expect(await files.getAttribute('aria-pressed')).toBe(before);
  await page.keyboard.press('Control+Alt+b');
  await expect.poll(() => files.getAttribute('aria-pressed')).not.toBe(before);
  await page.keyboard.press('Control+Alt+b');
  await expect.poll(() => files.getAttribute('aria-pressed')).toBe(before);
});

test('high contrast is chosen, or followed where the system wishes it, and every text is 7:1', async () => {
  for (const name of ['High contrast, dark', 'High contrast, light']) {
    await choose(name);
    expect(await page.evaluate(() => document.documentElement.dataset['contrast'])).toBe('more');
    expect(await faintTexts()).toEqual([]);
    expect(await site.violations()).toEqual([]);
    await site.picture(`whole-${name.replaceAll(/\W+/g, '-').toLowerCase()}`);
  }
  await choose('Theme: as the system');
  const contrast = () => page.evaluate(() => document.documentElement.dataset['contrast']);
  await expect.poll(contrast).toBe('normal');
  await page.emulateMedia({ contrast: 'more' });
  await expect.poll(contrast).toBe('more');
  await page.emulateMedia({ contrast: 'no-preference', forcedColors: 'active' });
  await site.picture('whole-forced-colors');
  await page.emulateMedia({ contrast: null, forcedColors: null });
});

test('at twice the size, as on a tablet, everything is in reach', async () => {
  await page.setViewportSize({ width: 720, height: 450 });
  expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(720);
  for (const part of ['treeitem', 'tab'] as const) await page.getByRole(part).first().waitFor();
  await page.keyboard.press('Control+,');
  await dialog('Settings of the IDE').getByRole('searchbox').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('whole-zoomed');
  await closeDialog();
  await page.setViewportSize({ width: 1440, height: 900 });
});

test('what policy keeps inside is copied and pasted inside alone, kindly; print and watermark hold; the trail knows', async () => {
  const shown = await site.owner.ask('GET', '/tenant/policy');
  await site.owner.call(
    'PUT',
    '/tenant/policy',
    { values: { clipboardOut: 0, watermark: 'on' } },
    { 'If-Match': shown.headers.get('etag') ?? '' },
  );
  await page.reload();
  await page.getByText('Connected').first().waitFor();
  await openFile('notes.txt');
  await page.keyboard.press('Control+a');
  await page.keyboard.press('Control+c');
  await page.getByText('Copied inside the workspace').waitFor();
  await site.picture('whole-kept-inside');
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^This text was copied in a Gatehouse workspace/);
  await openFile('empty.txt');
  await page.keyboard.press('Control+v');
  await page.locator('.cm-content', { hasText: 'one secret line' }).waitFor();
  await page.keyboard.press('Control+s');
  await expect.poll(() => site.read('empty.txt')).toContain('one secret line');

  const mark = page.getByTestId('watermark');
  await mark.evaluate((element) => element.remove());
  await mark.waitFor({ state: 'attached' });
  await mark.evaluate((element) => (element.style.display = 'none'));
  await expect.poll(() => mark.evaluate((element) => element.style.display)).toBe('');

  await page.emulateMedia({ media: 'print' });
  expect(await page.getByRole('textbox', { name: 'empty.txt' }).isVisible()).toBe(false);
  expect(await page.evaluate(() => getComputedStyle(document.body, '::before').content)).toContain('Not printed');
  await page.emulateMedia({ media: null });
  await page.evaluate(() => window.dispatchEvent(new Event('beforeprint')));
  await page.getByText('Not printed').waitFor();
  const acts = async () => {
    const { items } = await site.owner.call<{ items: { details: { act: string; toldBy: string } }[] }>(
      'GET',
      `/audit/events?filter=${encodeURIComponent('action eq "connection.block"')}`,
    );
    return items.map(({ details }) => `${details.act}, told by the ${details.toldBy}`);
  };
  await expect.poll(acts, { timeout: 20_000 }).toContain('copy, told by the page');
});

test('it can be installed, and says without a network what is safe', async () => {
  const manifest = await page.evaluate(async () => {
    const link = document.querySelector<HTMLLinkElement>('link[rel=manifest]');
    const found = (await (await fetch(link?.href ?? '')).json()) as { icons: { src: string; purpose?: string }[]; display: string };
    const icons = await Promise.all(found.icons.map(async ({ src }) => (await fetch(src)).headers.get('content-type')));
    return { display: found.display, icons, maskable: found.icons.some(({ purpose }) => purpose === 'maskable') };
  });
  expect(manifest).toEqual({ display: 'standalone', icons: ['image/png', 'image/png', 'image/png', 'image/svg+xml'], maskable: true });
  await page.evaluate(async () => void (await navigator.serviceWorker.ready));
  const kept = await page.evaluate(async () => {
    const names = await caches.keys();
    const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
    return requests.flat().map(({ url }) => new URL(url).pathname);
  });
  expect(kept.sort()).toEqual(['/favicon.svg', '/offline.css', '/offline.html', '/offline.js']);
  await page.goto(`${inject('origin')}/workspaces`);
  await site.context.setOffline(true);
  await page.goto(`${inject('origin')}/account`);
  await page.getByRole('heading', { name: 'There is no network' }).waitFor();
  await page.getByText('kept in this browser').waitFor();
  await site.picture('whole-offline');
  await site.context.setOffline(false);
  await page.getByRole('heading', { name: 'Account' }).waitFor();
});
