import { mkdirSync, readFileSync, statSync, writeFileSync, chownSync } from 'node:fs';
import { join } from 'node:path';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';

/** Somebody finds their way through the files of a workspace by keyboard. */

const PASSWORD = 'a long enough password';
let product: Product;
let browser: Browser;
let page: Page;
let home: string;

/** Files as a program of the workspace would have made them. */
function write(path: string, text: string): void {
  const place = join(home, path);
  const { uid } = statSync(home);
  mkdirSync(join(place, '..'), { recursive: true });
  writeFileSync(place, text);
  if (process.getuid?.() === 0) for (const owned of [join(place, '..'), place]) chownSync(owned, uid, uid);
}

const read = (path: string) => readFileSync(join(home, path), 'utf8');

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
  const owner = await signUp(product.origin, 'search', PASSWORD);
  await product.addRunner(owner, 'one');
  const { id: templateId } = await owner.call<{ id: string }>('POST', '/templates', { name: 'shell', spec: { driver: 'process' } });
  const { id } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId, name: 'files' });
  await until(async () => (await owner.call<{ phase: string }>('GET', `/workspaces/${id}`)).phase === 'running');
  home = join(product.stateDir, 'runner-one/workspaces', id, 'home');
  write('shop/.gitignore', 'dist\n');
  write('shop/dist/out.js', 'basketTotal\n');
  write('shop/basket.ts', `${'\n'.repeat(60)}export const basketTotal = (prices: number[]) => prices.length;\n`);
  write('shop/page.ts', "import { basketTotal } from './basket.ts';\nconsole.log(basketTotal([1]));\n");
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${product.origin}/signin#org=search&email=owner@search.test&password=${encodeURIComponent(PASSWORD)}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/workspaces');
  await page.goto(`${product.origin}/w/${id}`);
  await page.getByText('Connected').first().waitFor();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await product?.end();
});

const violations = async (): Promise<string[]> => {
  // By the page's own world, because the content policy lets no script be added.
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate(() => (globalThis as unknown as { axe: typeof axe }).axe.run());
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
};

test('a file is reached by some letters of its name, at a line', async () => {
  await page.getByRole('button', { name: 'Files', exact: true }).first().click();
  await page.keyboard.press('Control+p');
  await page.getByRole('combobox', { name: 'Go to a file' }).fill('baske:61');
  await page.getByRole('option', { name: /basket\.ts/ }).waitFor();
  expect(await page.getByRole('option').count()).toBe(1);
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: /basket\.ts/ }).waitFor();
  await page.getByText('Ln 61, Col 1').waitFor();
});

test('a text is found in all files but those that git ignores, and leads to its place', async () => {
  await page.keyboard.press('Control+Shift+f');
  await page.getByRole('textbox', { name: 'Search in all files' }).fill('basketTotal');
  await page.getByText('3 finds in 2 files').waitFor();
  expect(await violations()).toEqual([]);
  await page.getByTitle('Line 2', { exact: true }).click();
  await page.getByText('Ln 2, Col 24').waitFor();
});

test('is replaced in all of them after a look, and taken back', async () => {
  const before = [read('shop/basket.ts'), read('shop/page.ts')];
  await page.getByRole('button', { name: 'Replace', exact: true }).click();
  await page.getByRole('textbox', { name: 'Replace by' }).fill('sumOf');
  expect(await page.locator('del').allTextContents()).toEqual(['basketTotal', 'basketTotal', 'basketTotal']);
  expect(await violations()).toEqual([]);
  await page.getByRole('button', { name: 'Replace all' }).click();
  await page.getByText('3 finds in 2 files replaced').waitFor();
  expect(read('shop/page.ts')).toBe("import { sumOf } from './basket.ts';\nconsole.log(sumOf([1]));\n");
  expect(read('shop/dist/out.js')).toBe('basketTotal\n');
  await page.getByText('Nothing found').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('3 finds in 2 files', { exact: true }).waitFor();
  expect([read('shop/basket.ts'), read('shop/page.ts')]).toEqual(before);
});
