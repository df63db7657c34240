import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody finds their way through the files of a workspace by keyboard. */

let site: IdeSite;
let page: IdeSite['page'];

beforeAll(async () => {
  site = await openIde('search', {
    'shop/.gitignore': 'dist\n',
    'shop/dist/out.js': 'basketTotal\n',
    'shop/basket.ts': `${'\n'.repeat(60)}export const basketTotal = (prices: number[]) => prices.length;\n`,
    'shop/page.ts': "import { basketTotal } from './basket.ts';\nconsole.log(basketTotal([1]));\n",
  });
  ({ page } = site);
});
afterAll(() => site?.end());

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
  expect(await site.violations()).toEqual([]);
  await page.getByTitle('Line 2', { exact: true }).click();
  await page.getByText('Ln 2, Col 24').waitFor();
});

test('is replaced in all of them after a look, and taken back', async () => {
  const before = [site.read('shop/basket.ts'), site.read('shop/page.ts')];
  await page.getByRole('button', { name: 'Replace', exact: true }).click();
  await page.getByRole('textbox', { name: 'Replace by' }).fill('sumOf');
  expect(await page.locator('del').allTextContents()).toEqual(['basketTotal', 'basketTotal', 'basketTotal']);
  expect(await site.violations()).toEqual([]);
  await page.getByRole('button', { name: 'Replace all' }).click();
  await page.getByText('3 finds in 2 files replaced').waitFor();
  expect(site.read('shop/page.ts')).toBe("import { sumOf } from './basket.ts';\nconsole.log(sumOf([1]));\n");
  expect(site.read('shop/dist/out.js')).toBe('basketTotal\n');
  await page.getByText('Nothing found').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('3 finds in 2 files', { exact: true }).waitFor();
  expect([site.read('shop/basket.ts'), site.read('shop/page.ts')]).toEqual(before);
});
