import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody works on several files at once: in groups of tabs, with previews beside them, by the keys they know. */

let site: IdeSite;
let page: IdeSite['page'];

/** a red dot of 2 × 1 pixels */
const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAIAAAB7QOjdAAAADUlEQVR4nGP4z8AARAAI/gH/xp559wAAAABJRU5ErkJggg==', 'base64');

const tabs = async (group = '') => {
  const titles = await page
    .getByRole('tablist', { name: `Open files${group}`, exact: true })
    .getByRole('tab')
    .allTextContents();
  return titles.map((title) => title.trim());
};
const row = (name: string) => page.getByRole('treeitem', { name, exact: true });
const groupOf = (number: number) => page.getByRole('region', { name: `Editor ${number}`, exact: true });
const file = (name: string) => page.getByRole('textbox', { name, exact: true });

beforeAll(async () => {
  site = await openIde('editor', {
    '.editorconfig':
      'root = true\n\n[*.ts]\nindent_style = tab\ntrim_trailing_whitespace = true\ninsert_final_newline = true\nmax_line_length = 80\n',
    'basket.ts': 'export const basket = [1, 2, 3];\n',
    'dot.png': PNG,
    'page.ts': "import { basket } from './basket.ts';\n\nconsole.log(basket);\n",
    'README.md': `# Shop\n\nSells **things** at [a place](https://example.test).\n\n- [x] basket\n- [ ] till\n\n\`\`\`ts\nconst price = 3;\n\`\`\`\n\n![Spy](https://spy.test/pixel.png)\n<script>document.title = 'taken';</script>\n`,
    'tool.bin': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 0, 0]),
  });
  ({ page } = site);
});
afterAll(() => site?.end());

test('a file that is only looked at gives its tab to the next, until it is opened to stay', async () => {
  await row('basket.ts').click();
  await row('page.ts').click();
  await file('page.ts').waitFor();
  expect(await tabs()).toEqual(['page.ts']);
  await row('page.ts').dblclick();
  await row('basket.ts').click();
  await file('basket.ts').waitFor();
  expect(await tabs()).toEqual(['page.ts', 'basket.ts']);
});

test('the editor is split; both sides show what is typed in one, and undo in the other takes it back', async () => {
  await file('basket.ts').click();
  await page.keyboard.press('Control+\\');
  const [first, second] = [groupOf(1), groupOf(2)].map((group) => group.getByRole('textbox', { name: 'basket.ts' }));
  await second?.click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('End');
  await page.keyboard.insertText(' // goods   ');
  await first?.getByText('// goods').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('editor-split');
  await page.keyboard.press('Control+Alt+1');
  await page.keyboard.press('Control+z');
  await second?.getByText('// goods').waitFor({ state: 'detached' });
  await page.keyboard.press('Control+y');
  await second?.getByText('// goods').waitFor();
});

test('saving tidies as the project asks for', async () => {
  await page.keyboard.press('Control+s');
  await page.getByRole('tab', { name: 'not saved' }).first().waitFor({ state: 'detached' });
  expect(site.read('basket.ts')).toBe('export const basket = [1, 2, 3]; // goods\n');
  await page.getByText('Tabs of').waitFor();
});

test('a change on disk beside work of one’s own is compared, taken over and saved', async () => {
  await page.keyboard.press('Control+End');
  await page.keyboard.type('// mine\n');
  await groupOf(1).getByText('// mine').waitFor();
  site.write('basket.ts', '// today\nexport const basket = [1, 2, 3]; // goods\n');
  await groupOf(1).getByRole('button', { name: 'Compare' }).click();
  await page.getByText('2 changes').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('editor-compare');
  await page.getByRole('button', { name: 'Take this change over to the right' }).first().click();
  await page.getByText('1 change', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Save the right side' }).click();
  await page.getByRole('tab', { name: 'disk and here' }).waitFor({ state: 'detached' });
  expect(site.read('basket.ts')).toBe('// today\nexport const basket = [1, 2, 3]; // goods\n// mine\n');
});

test('a tab is moved to another group, and everything stands there again after a reload', async () => {
  await page.getByRole('tablist', { name: 'Open files 1' }).getByRole('tab', { name: 'page.ts' }).click();
  await page.keyboard.press('Alt+Shift+PageDown');
  expect([await tabs(' 1'), await tabs(' 2')]).toEqual([['basket.ts'], ['basket.ts', 'page.ts']]);
  await page.reload();
  await groupOf(2).getByRole('textbox', { name: 'page.ts' }).waitFor();
  expect([await tabs(' 1'), await tabs(' 2')]).toEqual([['basket.ts'], ['basket.ts', 'page.ts']]);
});

test('Markdown stands beside its text, and runs and fetches nothing', async () => {
  await page.keyboard.press('Control+Alt+1');
  await row('README.md').dblclick();
  await file('README.md').click();
  await page.keyboard.press('Control+Shift+v');
  const preview = page.getByRole('document', { name: 'Preview of README.md' });
  await preview.getByRole('heading', { name: 'Shop' }).waitFor();
  await preview.getByText('Image “Spy” at spy.test').waitFor();
  await page.keyboard.press('Control+Home');
  await page.keyboard.press('End');
  await page.keyboard.type(' of Ada');
  await preview.getByRole('heading', { name: 'Shop of Ada' }).waitFor();
  expect(await page.title()).not.toBe('taken');
  expect(await site.violations()).toEqual([]);
  await site.picture('editor-markdown');
});

test('an image is shown as one, and a binary file says what it is', async () => {
  await row('dot.png').click();
  await page.getByText('2 × 1 pixels').waitFor();
  await page.getByRole('button', { name: 'Larger' }).click();
  expect(await site.violations()).toEqual([]);
  await site.picture('editor-image');
  await row('tool.bin').click();
  await page.getByText('It is a Linux program (ELF).').waitFor();
});

test('whoever is used to Vim has its keys, and :wq saves and closes', async () => {
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Editing keys' }).selectOption('Vim');
  await page.keyboard.press('Escape');
  await row('page.ts').dblclick();
  await page.getByTitle('Keys of Vim').getByText('normal').waitFor();
  const editor = page.locator('.editor-pane.current').getByRole('textbox', { name: 'page.ts' });
  await editor.click();
  await page.keyboard.type('ggOfirst line');
  await page.getByTitle('Keys of Vim').getByText('insert').waitFor();
  await page.keyboard.press('Escape');
  await page.keyboard.type('jddu');
  await site.picture('editor-vim');
  await page.keyboard.type(':wq');
  await page.getByRole('textbox', { name: 'Command of Vim' }).waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('editor-vim-command');
  await page.keyboard.press('Enter');
  await editor.waitFor({ state: 'detached' });
  expect(site.read('page.ts')).toBe("first line\nimport { basket } from './basket.ts';\n\nconsole.log(basket);\n");
});

test('whoever goes back to plain keys and saves by leaving finds the work on disk', async () => {
  await page.keyboard.press('Control+,');
  await page.getByRole('combobox', { name: 'Editing keys' }).selectOption('As in VS Code');
  await page.getByRole('combobox', { name: 'Save by itself' }).selectOption('When you leave the editor');
  await page.keyboard.press('Escape');
  await groupOf(1)
    .getByRole('tab', { name: /^README\.md/ })
    .click();
  await file('README.md').click();
  await page.keyboard.press('Control+End');
  await page.keyboard.type('Open daily.\n');
  await row('dot.png').click();
  await page.getByRole('tab', { name: 'not saved' }).waitFor({ state: 'detached' });
  expect(site.read('README.md')).toMatch(/^# Shop of Ada\n[^]*<\/script>\nOpen daily\.\n$/);
});
