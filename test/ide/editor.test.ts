import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody works on several files at once. */

let site: IdeSite;
let page: IdeSite['page'];

const tabs = (group = '') =>
  page
    .getByRole('tablist', { name: `Open files${group}`, exact: true })
    .getByRole('tab')
    .allTextContents();
const row = (name: string) => page.getByRole('treeitem', { name, exact: true });
const sectionOf = (name: string) => page.getByRole('region', { name, exact: true });

beforeAll(async () => {
  site = await openIde('editor', {
    'basket.ts': 'export const basket = [1, 2, 3];\n',
    'page.ts': "import { basket } from './basket.ts';\n\nconsole.log(basket);\n",
    'README.md': '# Shop\n',
  });
  ({ page } = site);
});
afterAll(() => site?.end());

test('a file that is only looked at gives its tab to the next, until it is edited or opened to stay', async () => {
  await row('basket.ts').click();
  await row('page.ts').click();
  await page.getByRole('textbox', { name: 'page.ts' }).waitFor();
  expect(await tabs()).toEqual(['page.ts']);
  await row('page.ts').dblclick();
  await row('basket.ts').click();
  expect(await tabs()).toEqual(['page.ts', 'basket.ts']);
});

test('the editor is split; both sides show what is typed in one, and undo in the other takes it back', async () => {
  await page.getByRole('textbox', { name: 'basket.ts' }).click();
  await page.keyboard.press('Control+\\');
  const second = sectionOf('Editor 2').getByRole('textbox', { name: 'basket.ts' });
  await second.click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('// goods\n');
  const first = sectionOf('Editor 1').getByRole('textbox', { name: 'basket.ts' });
  await first.getByText('// goods').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('editor-split');
  await page.keyboard.press('Control+Alt+1');
  await page.keyboard.press('Control+z');
  await second.getByText('// goods').waitFor({ state: 'detached' });
});

test('a tab is moved to another group, and everything stands there again after a reload', async () => {
  await page.keyboard.press('Alt+PageUp');
  await page.keyboard.press('Alt+Shift+PageDown');
  expect([await tabs(' 1'), await tabs(' 2')]).toEqual([['basket.ts'], ['basket.ts', 'page.ts']]);
  await page.reload();
  await sectionOf('Editor 2').getByRole('textbox', { name: 'page.ts' }).waitFor();
  expect([await tabs(' 1'), await tabs(' 2')]).toEqual([['basket.ts'], ['basket.ts', 'page.ts']]);
});
