import { spawnSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../../support/browser.ts';
import { signInBrowser } from '../../support/browser-session.ts';
import { ROOT } from '../../support/place.ts';
import { type Options, shuffled, timed } from '../measure.ts';
import { ACCOUNT } from '../product.ts';
import type { Add } from '../turns.ts';
import type { Home, Setting } from './home.ts';
import { takeWatched, watchFrames } from './page.ts';

const FILES = 100_000;
const REST_MS = 8_000;
/** a word that Svelte alone has, and all packages must be read for */
const WORD = 'legacy_pre_effect';

/** Files by name among very many, and a text in this repository’s packages beside ripgrep in the same folder. */
export async function measureFinding({ product, home, rows, options }: Setting): Promise<void> {
  const count = options.quick ? FILES / 50 : FILES;
  for (let index = 0; index < count; index++) home.write(`many/${index % 500}/file-${index}.ts`, '');
  const packages = options.quick ? 'node_modules/svelte' : 'node_modules';
  cpSync(join(ROOT, packages), join(home.folder, 'packages'), { recursive: true, verbatimSymlinks: true });
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await signInBrowser(context, product.origin, ACCOUNT);
    const page = await context.newPage();
    page.setDefaultTimeout(120_000);
    await page.goto(`${product.origin}/w/${product.workspaceId}`);
    // In a terminal, Ctrl P is the shell’s.
    await page.getByRole('treeitem').first().focus();
    await quickOpen(page, count, rows.of('gatehouse'), options);
    // Whoever comes first would read the folders for the other.
    ripgrep(home, '', () => undefined);
    for (let round = options.quick ? 1 : options.rounds; round > 0; round--)
      for (const what of ['search in node_modules', 'search in node_modules, page at rest']) {
        const ours = () => searchText(page, what, what.endsWith('rest') && !options.quick, rows.of('gatehouse'));
        for (const turn of shuffled([ours, async () => ripgrep(home, what, rows.of('rg'))])) await turn();
      }
  } finally {
    await browser.close();
  }
}

/** The first look reads all names; each key after that finds among them. */
async function quickOpen(page: Page, count: number, add: Add, { quick }: Options): Promise<void> {
  const field = page.getByRole('combobox', { name: 'Go to a file' });
  const [took] = await timed(async () => {
    await page.keyboard.press('Control+p');
    await field.fill(`file-${count - 1}`);
    await page
      .getByRole('option', { name: `file-${count - 1}.ts` })
      .first()
      .waitFor();
  });
  add(`quick open in ${count} files: reading the names`, 'ms', took);
  await watchFrames(page);
  for (let round = quick ? 2 : 20; round > 0; round--) {
    await field.fill('');
    await takeWatched(page);
    await field.pressSequentially(`file-${round}`);
    await page.getByRole('option').first().waitFor();
    add(`quick open in ${count} files: key to list`, 'ms', ...(await takeWatched(page)).keys);
  }
  await page.keyboard.press('Escape');
}

/**
 * On a new page: one that has found something before shows that at once.
 * @param rests whether it may first do what a page does that has just come: it has folders watched and looks for repositories in them
 */
async function searchText(page: Page, what: string, rests: boolean, add: Add): Promise<void> {
  await page.reload();
  if (rests) await sleep(REST_MS);
  await page.getByRole('treeitem').first().focus();
  await page.keyboard.press('Control+Shift+f');
  const field = page.getByRole('textbox', { name: 'Search in all files' });
  const panel = page.getByRole('region', { name: 'Search in all files' });
  await panel.getByText('What git ignores is left out.').waitFor();
  await field.fill(WORD);
  const start = performance.now();
  await field.press('Enter');
  await panel.getByRole('list', { name: 'What was found' }).getByRole('listitem').first().waitFor();
  add(`${what}: first find`, 'ms', performance.now() - start);
  await panel.getByRole('button', { name: 'Stop', exact: true }).waitFor({ state: 'detached' });
  add(`${what}: all`, 'ms', performance.now() - start);
}

/** The same program, as somebody calls it in a terminal. */
function ripgrep({ folder }: Home, what: string, add: Add): void {
  const platform = `@vscode/ripgrep-${process.platform}-${process.arch}/package.json`;
  const program = join(dirname(createRequire(join(ROOT, 'runner/package.json')).resolve(platform)), 'bin/rg');
  const start = performance.now();
  const { status, error } = spawnSync(program, ['--line-number', '--fixed-strings', '--ignore-case', WORD], {
    cwd: folder,
    stdio: 'ignore',
  });
  if (status !== 0 && status !== 2) throw error ?? new Error(`ripgrep ended with ${status}`);
  add(`${what}: all`, 'ms', performance.now() - start);
}
