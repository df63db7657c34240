import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type IdeSite, openIde } from '../support/ide.ts';

/** Somebody puts their files in order, by keyboard and then by mouse, and carries some in and out. */

let site: IdeSite;
let page: IdeSite['page'];

const MB = 1024 * 1024;
/** A transfer that is cut, or a hundred thousand files, on a machine that has much to do besides. */
const LONG = 120_000;
const eventually = <T>(look: () => T) => expect.poll(look, { timeout: 30_000, interval: 20 });
const line = (name: string | RegExp) => page.getByRole('treeitem', { name });
const lines = () => page.getByRole('treeitem').evaluateAll((all) => all.map((each) => (each as HTMLElement).dataset['path'] ?? ''));
const press = (...keys: string[]) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
const shaOf = async (path: string) => {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(path)) hash.update(piece as Buffer);
  return hash.digest('hex');
};
const there = (path: string) => existsSync(join(site.home, path));
const arrives = (path: string, is = true) => eventually(() => there(path)).toBe(is);
/** Does something of the menu of a line. */
const choose = async (name: string, what: string) => {
  await line(name).click({ button: 'right' });
  await page
    .getByRole('menuitem')
    .filter({ has: page.getByText(what, { exact: true }) })
    .click();
};
/** Something that ended a moment ago may take the keyboard first. */
const focusOn = (name: string) =>
  eventually(async () => {
    await line(name).focus();
    return line(name).evaluate((each) => each === document.activeElement);
  }).toBe(true);
/** The state of the newest transfer. */
const transfers = () => page.getByRole('button', { name: /^Uploads and downloads/ });

beforeAll(async () => {
  site = await openIde('files', {
    'app/main.ts': 'export {};\n',
    'app/util.ts': 'export const util = 1;\n',
    'app/lib/deep.ts': '// deep\n',
    'docs/readme.md': '# Read me\n',
    'notes.md': 'notes\n',
    'large/file.bin': randomBytes(40 * MB),
  });
  ({ page } = site);
  await line('app').waitFor();
});
afterAll(() => site?.end());

test('by keyboard: files are made, renamed, moved, copied, thrown away and taken back', async () => {
  await focusOn('app');
  await press('ArrowRight');
  await line('main.ts').waitFor();
  await press('ArrowDown', 'ArrowDown', 'F2');
  const field = page.getByRole('textbox', { name: 'New name of main.ts' });
  await field.fill('Notes.md');
  await field.fill('index.ts');
  await press('Enter');
  await arrives('app/index.ts');
  await line('index.ts').waitFor();
  await focusOn('index.ts');
  await press('Shift+ArrowDown');
  expect(await page.getByRole('treeitem', { selected: true }).count()).toBe(2);
  await press('Control+x');
  await eventually(() => line('index.ts, cut').count()).toBe(1);
  await focusOn('docs');
  await press('ArrowRight');
  await line('readme.md').waitFor();
  await press('Control+v');
  await arrives('docs/index.ts');
  await arrives('docs/util.ts');
  await arrives('app/util.ts', false);
  await page.getByText('2 files and folders moved to “docs”').waitFor();
  await press('Control+z');
  await arrives('app/util.ts');

  await focusOn('app');
  await press('Control+c');
  await focusOn('notes.md');
  await press('Control+v');
  await arrives('app 2/lib/deep.ts');
  await line('app 2').waitFor();
  await focusOn('app 2');
  await press('Delete');
  await arrives('app 2', false);
  expect(readdirSync(join(site.home, '.local/share/Trash/files'))).toEqual(['app 2']);
  await page.getByText('“app 2” moved to the trash').waitFor();
  await site.picture('files-undo');
  await press('Control+z');
  await arrives('app 2/lib/deep.ts');

  await focusOn('notes.md');
  await press('Shift+F10');
  await page.getByRole('menu', { name: 'Actions for notes.md' }).waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('files-menu');
  await press('Escape');
  await eventually(() => line('notes.md').evaluate((each) => each === document.activeElement)).toBe(true);
  await press('Control+f');
  await page.getByRole('textbox', { name: 'Filter the files by name' }).fill('read');
  await eventually(lines).toEqual(['docs', 'docs/readme.md']);
  await press('Escape');
  await line('notes.md').waitFor();
});

test('by mouse: dragged onto a folder, which opens below it; the trash gives back, and lets go for good', async () => {
  const dataTransfer = await page.evaluateHandle(() => new DataTransfer());
  await line('notes.md').dispatchEvent('dragstart', { dataTransfer });
  await line('large').dispatchEvent('dragover', { dataTransfer });
  await eventually(() => line('large').getAttribute('class')).toContain('target');
  await line('file.bin').waitFor();
  await site.picture('files-drag');
  await line('large').dispatchEvent('drop', { dataTransfer });
  await arrives('large/notes.md');
  await eventually(() => line('notes.md').evaluateAll((all) => all.map((each) => (each as HTMLElement).dataset['path']))).toEqual([
    'large/notes.md',
  ]);
  await line('notes.md').click();
  await page.getByRole('tab', { name: /notes\.md/ }).waitFor();
  await choose('notes.md', 'Duplicate');
  await arrives('large/notes 2.md');
  await line('notes 2.md').waitFor();
  await line('notes.md').click({ modifiers: ['Control'] });
  await choose('notes 2.md', 'Move to the trash');
  await arrives('large/notes 2.md', false);

  await page.getByRole('button', { name: 'More about files' }).click();
  await page.getByRole('menuitem', { name: 'Trash' }).click();
  const trash = page.getByRole('dialog', { name: 'Trash' });
  await trash.getByText('notes 2.md').waitFor();
  expect(await site.violations()).toEqual([]);
  await site.picture('files-trash');
  const restore = trash.getByRole('button', { name: 'Restore' });
  const count = await restore.count();
  await trash.getByRole('listitem').filter({ hasText: 'notes 2.md' }).getByRole('button', { name: 'Restore' }).click();
  await arrives('large/notes 2.md');
  await eventually(() => restore.count()).toBe(count - 1);
  if (count > 1) {
    await trash.getByRole('button', { name: 'Empty the trash…' }).click();
    await trash.getByRole('button', { name: 'Delete all of it for good' }).click();
  }
  await trash.getByText('Nothing is in the trash.').waitFor();
  await page.keyboard.press('Escape');
});

test(
  'an upload that is cut goes on where it was, whatever is there is asked about, and a download does the same',
  async () => {
    const own = join(site.home, '..', 'own.bin');
    writeFileSync(own, randomBytes(40 * MB));
    // Nobody is there to be asked by the browser where to.
    await page.evaluate(() => delete (globalThis as { showSaveFilePicker?: unknown }).showSaveFilePicker);
    const upload = page.getByLabel('Files to upload');
    const moved = () =>
      page
        .locator('progress:not(.checking)')
        .first()
        .evaluate((bar) => (bar as HTMLProgressElement).value);
    const cutUnderWay = async () => {
      await transfers().click();
      await eventually(moved).toBeGreaterThan(3);
      await site.runners.killRunner('one', async () => {
        await page.getByText(/Waits for the connection, then goes on at [\d.]+ MB/).waitFor();
        await site.picture('files-waiting');
      });
    };

    await upload.setInputFiles(own);
    await cutUnderWay();
    await page.getByText('Uploaded').waitFor({ timeout: LONG });
    expect(await site.violations()).toEqual([]);
    expect(await shaOf(join(site.home, 'own.bin'))).toBe(await shaOf(own));
    await page.keyboard.press('Escape');
    await line('own.bin').waitFor();

    await upload.setInputFiles({ name: 'own.bin', mimeType: 'text/plain', buffer: Buffer.from('mine') });
    await page.getByRole('dialog', { name: '“own.bin” is already there' }).getByRole('button', { name: 'Keep both' }).click();
    await arrives('own 2.bin');
    expect(site.read('own 2.bin')).toBe('mine');

    const download = page.waitForEvent('download', { timeout: LONG });
    await choose('file.bin', 'Download');
    await cutUnderWay();
    expect(await shaOf(await (await download).path())).toBe(await shaOf(join(site.home, 'large/file.bin')));
    await page.keyboard.press('Escape');

    const archive = page.waitForEvent('download');
    await choose('docs', 'Download as an archive');
    const tar = readFileSync(await (await archive).path());
    expect([tar.includes('docs/readme.md'), tar.includes('# Read me'), (await archive).suggestedFilename()]).toEqual([
      true,
      true,
      'docs.tar',
    ]);
  },
  LONG,
);

test('whole folders are dropped in, with what is in them', async () => {
  await page.evaluate(() => {
    const file = (name: string, text: string) => ({
      isFile: true,
      isDirectory: false,
      name,
      file: (done: (file: File) => void) => done(new File([text], name)),
    });
    const folder = (name: string, inside: object[]) => {
      const createReader = () => {
        let left = inside;
        return { readEntries: (done: (some: object[]) => void) => (done(left), (left = [])) };
      };
      return { isFile: false, isDirectory: true, name, createReader };
    };
    const entry = folder('site', [file('index.html', '<p>'), folder('css', [file('a.css', 'a{}')]), folder('empty', [])]);
    const transfer = { types: ['Files'], items: [{ kind: 'file', webkitGetAsEntry: () => entry }], files: [], dropEffect: '' };
    const tree = document.querySelector('[data-path="docs"]');
    for (const type of ['dragover', 'drop']) {
      const event = new Event(type, { bubbles: true, cancelable: true });
      Object.defineProperty(event, 'dataTransfer', { value: transfer });
      tree?.dispatchEvent(event);
    }
  });
  await arrives('docs/site/css/a.css');
  await arrives('docs/site/empty');
  expect(site.read('docs/site/index.html')).toBe('<p>');
});

test(
  'a hundred thousand files are a list like any other: few lines, few requests',
  async () => {
    await site.run('.', 'sh', '-c', 'mkdir -p huge/many && seq -f "huge/many/file-%06g.txt" 100000 | xargs touch');
    await line('huge').waitFor();
    await focusOn('huge');
    await press('ArrowRight');
    await line('many').waitFor();
    await focusOn('many');
    await press('ArrowRight');
    await line('file-000001.txt').waitFor();
    await eventually(() => line('file-000001.txt').getAttribute('aria-setsize')).toBe('100000');
    await focusOn('many');
    await press('End');
    await press('ArrowUp');
    const drawn = await page.getByRole('treeitem').count();
    expect(drawn).toBeLessThan(120);
    site.write('huge/many/file-000000.txt', 'new');
    // Its folder is far above, and no line while it is out of sight.
    await press('Home');
    await line('many').waitFor();
    await line('file-000000.txt').waitFor();
    expect(await line('file-000000.txt').getAttribute('aria-setsize')).toBe('100001');
    await site.picture('files-huge');
    expect(await site.violations()).toEqual([]);
  },
  LONG,
);
