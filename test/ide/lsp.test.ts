import { afterAll, beforeAll, expect, test } from 'vitest';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type IdeSite, lookAtChoice, openIde } from '../support/ide.ts';

/** Somebody works on a small TypeScript project in an empty template: its language server comes along. */

let site: IdeSite;
let page: IdeSite['page'];

const BASKET = `/** Adds up what is in a basket. */
export function basketTotal(prices: number[]): number {
  return prices.reduce((sum, price) => sum + price, 0);
}

export const shipping = 4.9;
`;
const PAGE = `import { basketTotal } from './basket.ts';

const label: string = basketTotal([1, 2]);
console.log(label);
`;

beforeAll(async () => {
  site = await openIde('lsp', {
    'shop/package.json': '{ "name": "shop", "type": "module" }\n',
    'shop/tsconfig.json':
      '{ "compilerOptions": { "strict": true, "module": "nodenext", "noEmit": true, "allowImportingTsExtensions": true } }\n',
    'shop/basket.ts': BASKET,
    'shop/page.ts': PAGE,
    'shop/bill.ts': "import { basketTotal } from './basket.ts';\n\nexport const bill = () =>   basketTotal([3]);\n",
    'shop/style.css': 'a { colr: red }\n',
    'shop/tool.py': 'import os\n\ncount: int = "three"\nprint(os.getcwd(), count)\n',
    'shop/App.svelte': '<p>Hello</p>\n',
  });
  ({ page } = site);
});
afterAll(() => site?.end());

const open = async (name: string) => {
  await page.keyboard.press('Control+p');
  await page.getByRole('combobox', { name: 'Go to a file' }).fill(name);
  await page
    .getByRole('option', { name: new RegExp(name.replace('.', '\\.').replace(/:.*/, '')) })
    .first()
    .waitFor();
  await page.keyboard.press('Enter');
  await page
    .getByRole('tab', { name: new RegExp(name.replace(/:.*/, '').replace('.', '\\.')) })
    .first()
    .waitFor();
};
const server = (words: string) => page.getByRole('button', { name: words, exact: true });
const goTo = async (line: number, column: number) => {
  await page.keyboard.press('Control+Home');
  for (let at = 1; at < line; at += 1) await page.keyboard.press('ArrowDown');
  for (let at = 1; at < column; at += 1) await page.keyboard.press('ArrowRight');
  await page.getByText(`Ln ${line}, Col ${column}`).waitFor();
};

/** The language server of this project alone: by its folder, because other workspaces of this machine may run one, too. */
function serverProcesses(): number[] {
  const folder = statSync(join(site.home, 'shop'));
  const found = readdirSync('/proc').filter((id) => {
    try {
      const { dev, ino } = statSync(`/proc/${id}/cwd`);
      return dev === folder.dev && ino === folder.ino && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes('--lsp');
    } catch {
      return false; // no process, or one that ended meanwhile
    }
  });
  return found.map(Number);
}

test('what is wrong is drawn in the editor, counted, listed, and reached by keys', async () => {
  // The first terminal takes the keys once it is there, and Ctrl P is its own.
  await page.locator('.xterm-helper-textarea:focus').waitFor({ state: 'attached' });
  await page.getByText('Choose a file to edit it here.').click();
  await open('page.ts');
  await server('TypeScript and JavaScript').waitFor();
  await page.locator('.cm-lintRange-error').first().waitFor();
  await page.getByRole('button', { name: '1 error, 0 warnings. Show problems' }).click();
  await page.getByRole('button', { name: /Type 'number' is not assignable to type 'string'/ }).waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('problems');
  await page.getByRole('searchbox', { name: 'Filter problems' }).fill('nothing like it');
  await page.getByRole('button', { name: 'Show all 1' }).click();
  await page.locator('.cm-content').first().click();
  await page.keyboard.press('F8');
  await page.getByText('Ln 3, Col 7').waitFor();
});

test('completion offers what another file exports, with its words, and adds the import', async () => {
  await page.locator('.cm-content').first().click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('console.log(shipp');
  await lookAtChoice(page, /shipping/);
  await page
    .locator('.cm-completionInfo')
    .getByText(/import/i)
    .first()
    .waitFor();
  await site.picture('completion');
  await page.keyboard.press('Enter');
  await page.locator('.cm-line').first().getByText('shipping').waitFor();
  await page.keyboard.type(', basketTot');
  await lookAtChoice(page, /basketTotal/);
  // The editor knows the name by itself, too: it is offered once.
  expect(await page.locator('.cm-completionLabel', { hasText: /^basketTotal/ }).count()).toBe(1);
  await page.keyboard.press('Tab');
  await page.keyboard.type('(');
  await page.locator('.cm-lsp-signature-tooltip').getByText('prices: number[]').first().waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.type('[shipping]));');
});

test('hover tells what a name is, F12 goes where it is defined, Shift F12 lists where it is used', async () => {
  await goTo(3, 26);
  await page.keyboard.press('Control+Alt+h');
  await page.locator('.cm-lsp-hover-tooltip').getByText('Adds up what is in a basket.').waitFor();
  await site.picture('hover');
  await page.keyboard.press('F12');
  await page.getByRole('tab', { name: /basket\.ts/ }).waitFor();
  await page.getByText('Ln 2, Col 28').waitFor();
  await page.keyboard.press('Shift+F12');
  await page.getByText(/basketTotal: \d places in 3 files/).waitFor();
  await page.getByTitle('Line 3', { exact: true }).first().waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('references');
  await page.keyboard.press('Escape');
});

test('a name is changed in all files, those that are not open, too, and taken back', async () => {
  await page.locator('.cm-content').click();
  await goTo(2, 20);
  await page.keyboard.press('F2');
  await page.getByRole('textbox', { name: 'New name' }).fill('sumOf');
  expect(await site.violations()).toEqual([]);
  await site.picture('rename');
  await page.keyboard.press('Enter');
  await page.getByText('basketTotal is now sumOf').waitFor();
  expect(site.read('shop/bill.ts')).toContain("import { sumOf } from './basket.ts';");
  await page.locator('.cm-content').getByText('sumOf').first().waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => site.read('shop/bill.ts')).toContain("import { basketTotal } from './basket.ts';");
  await page.locator('.cm-content').getByText('basketTotal').first().waitFor();
});

test('symbols of the file and of the workspace are in quick open', async () => {
  await page.keyboard.press('Control+Shift+o');
  await page.getByRole('option', { name: /shipping/ }).waitFor();
  expect(await site.violations()).toEqual([]);
  await page.getByRole('combobox').fill('#bill');
  await page.getByRole('option', { name: /bill.*shop\/bill\.ts/ }).waitFor();
  await site.picture('symbols');
  await page.keyboard.press('Enter');
  await page.getByRole('tab', { name: /bill\.ts/ }).waitFor();
});

test('a file is formatted, and a quick fix imports what is missing', async () => {
  await page.keyboard.press('Alt+Shift+f');
  await page.getByText('() => basketTotal([3]);').waitFor();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('\nexport const more = shipping;\n');
  await page.locator('.cm-lintRange-error', { hasText: /^shipping$/ }).waitFor();
  await page.keyboard.press('Shift+F8');
  await page.getByText('Ln 5, Col 21').waitFor();
  await page.keyboard.press('Control+.');
  await page
    .getByRole('option', { name: /import/i })
    .first()
    .waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('quick-fix');
  await page.keyboard.press('Enter');
  await page.locator('.cm-line').first().getByText('shipping').waitFor();
  await page.locator('.cm-lintRange-error').first().waitFor({ state: 'detached' });
});

test('the editor lives on when the server is killed, and so does the server', async () => {
  await page.keyboard.press('Control+End');
  const running = serverProcesses();
  expect(running).toHaveLength(1);
  for (const id of running) process.kill(id, 'SIGKILL');
  await page.keyboard.type('const wrong: string = 5;\n');
  await server('TypeScript and JavaScript').waitFor();
  await page.locator('.cm-lintRange-error').first().waitFor();
  await server('TypeScript and JavaScript').click();
  await page.getByRole('dialog', { name: 'TypeScript and JavaScript' }).getByText('ended by SIGKILL').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('server');
  const again = serverProcesses();
  await page.getByRole('button', { name: 'Restart' }).click();
  await expect.poll(serverProcesses).toEqual([expect.not.toBeOneOf([...running, ...again])]);
  await server('TypeScript and JavaScript').waitFor();
});

test('other languages have theirs; what is missing is offered', async () => {
  await open('style.css');
  await server('CSS').waitFor();
  await page.locator('.cm-lintRange-warning').first().waitFor();
  await open('tool.py');
  await server('Python').waitFor();
  await page.locator('.cm-lintRange-error').first().waitFor();
  await open('App.svelte');
  await server('No Svelte server').click();
  await page.getByText('npm install --prefix').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('missing');
  await page.getByRole('button', { name: 'Install in a terminal' }).click();
  await page.getByRole('tab', { name: /Install Svelte/ }).waitFor();
});
