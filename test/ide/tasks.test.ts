import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody builds and mends a project by its tasks, by keyboard. */

let site: IdeSite;
let page: IdeSite['page'];

const BUILD = '@test -f fixed || { echo "src/shop.ts(2,7): error TS2322: Type \'string\' is not a number."; exit 3; }; echo all fine';

beforeAll(async () => {
  site = await openIde('tasks', {
    Makefile: `.PHONY: all serve\nall: # builds the shop\n\t${BUILD}\nserve:\n\t@echo serving; sleep 300\n`,
    'src/shop.ts': 'export const one = 1;\nconst two: number = "2";\n',
    'web/package.json': '{"scripts":{"dev":"vite --open"}}',
  });
  ({ page } = site);
});
afterAll(() => site?.end());

const picker = () => page.getByRole('combobox', { name: 'Run a task' });

test('tasks are found in the files of the workspace, and run on a terminal of their own', async () => {
  await page.keyboard.press('Alt+Shift+B');
  await page.getByRole('option', { name: /dev.*vite --open/ }).waitFor();
  expect(await page.getByRole('option').count()).toBe(3);
  expect(await site.violations()).toEqual([]);
  await site.picture('tasks-picker');
  await picker().fill('all');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: /make all/ }).waitFor();
  await page.getByText('Exited with 2').waitFor();
});

test('what it complains about is known, and a file that it names opens at its place', async () => {
  await page.keyboard.press('Alt+Shift+O');
  // make names its own file, too
  await page.getByRole('combobox', { name: 'Files that the terminal shows' }).fill('shop');
  await page.getByRole('option', { name: /shop\.ts:2:7/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByText('Ln 2, Col 7').waitFor();
});

test('runs again in the same terminal, and tells how it ended', async () => {
  site.write('fixed', '');
  await page.keyboard.press('Control+Shift+B');
  await page.getByText('Exited with 0').waitFor();
  expect(await page.getByRole('tab', { name: /make all/ }).count()).toBe(1);
  await page.getByRole('button', { name: /^Tasks/ }).click();
  await page
    .locator('.task-list')
    .getByText(/^Finished/)
    .waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('tasks-list');
  await page.keyboard.press('Escape');
});

test('one that runs on is stopped as Ctrl C does', async () => {
  await page.keyboard.press('Alt+Shift+B');
  await picker().fill('serve');
  await page.getByRole('option', { name: /serve/ }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: /make serve/ }).waitFor();
  await page.getByRole('button', { name: /^Tasks/ }).click();
  await page.getByText(/Running for/).waitFor();
  await page.getByRole('button', { name: 'Stop make serve' }).click();
  await page
    .getByText(/Failed with 2|Ended/)
    .first()
    .waitFor();
});
