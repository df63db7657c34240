import { setTimeout as sleep } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { launchBrowser } from '../../support/browser.ts';
import { signInBrowser } from '../../support/browser-session.ts';
import { type Options, timed } from '../measure.ts';
import { ACCOUNT } from '../product.ts';
import type { Add } from '../turns.ts';
import type { Setting } from './home.ts';
import { takeWatched, watchFrames } from './page.ts';

const LINES = 10_000;
const LONG = 'ten-thousand-lines.ts';
const LARGE = 'ten-megabytes.txt';

/** As somebody writes it: names, types, strings and comments on every few lines. */
const code = (lines: number) =>
  Array.from({ length: Math.ceil(lines / 5) }, (_, index) => [
    `/** Adds what stands in line ${index}. */`,
    `export function add${index}(one: number, other: { count: number; name: string }): string {`,
    `  const sum = one + other.count * ${index};`,
    `  return \`\${other.name}: \${sum.toFixed(2)}\`;`,
    '}',
  ])
    .flat()
    .join('\n');

/** Typing and scrolling in a long file, and opening a large one, with what the main thread does for each frame. */
export async function measureTyping({ product, home, rows, options }: Setting): Promise<void> {
  home.write(LONG, code(LINES));
  home.write(LARGE, `${'x'.repeat(99)}\n`.repeat(100_000));
  const add = rows.of('gatehouse');
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    await signInBrowser(context, product.origin, ACCOUNT);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await page.goto(`${product.origin}/w/${product.workspaceId}`);
    await open(page, LONG);
    await watchFrames(page);
    await type(page, add, options);
    await scroll(page, `scrolling ${LINES} lines`, add, options);
    for (let round = options.quick ? 1 : options.rounds; round > 0; round--) await openLarge(page, add);
    await scroll(page, 'scrolling 10 MB', add, options);
  } finally {
    await browser.close();
  }
}

async function open(page: Page, name: string): Promise<void> {
  await page.getByRole('treeitem', { name }).click();
  await page.getByRole('textbox', { name }).waitFor();
}

/** In the middle of the file, each key once the one before is painted. */
async function type(page: Page, add: Add, { quick }: Options): Promise<void> {
  await page.getByRole('textbox', { name: LONG }).click();
  await page.keyboard.press('Control+Home');
  for (let down = 0; down < 50; down++) await page.keyboard.press('PageDown');
  await page.keyboard.press('End');
  await sleep(1000);
  await takeWatched(page);
  for (let count = quick ? 20 : 300; count > 0; count--) {
    await page.keyboard.press(count % 12 === 0 ? 'Space' : String.fromCharCode(97 + (count % 26)));
    await sleep(30 + Math.random() * 60);
  }
  // A list of proposals is part of what a key may cost, and closed before the next measurement.
  await page.keyboard.press('Escape');
  const { keys } = await takeWatched(page);
  add(`key to paint in ${LINES} lines`, 'ms', ...keys.slice(0, -1));
}

async function scroll(page: Page, what: string, add: Add, { quick }: Options): Promise<void> {
  // Within the editor, however far its text is scrolled.
  await page.mouse.move(800, 300);
  await takeWatched(page);
  for (let count = quick ? 30 : 300; count > 0; count--) {
    await page.mouse.wheel(0, 400);
    await sleep(16);
  }
  const { frames } = await takeWatched(page);
  if (frames.length === 0) throw new Error(`${what}: nothing scrolled`);
  add(`${what}: work for each frame`, 'ms', ...frames);
}

/** Anew each time. */
async function openLarge(page: Page, add: Add): Promise<void> {
  const tab = page.getByRole('tab', { name: LARGE });
  if ((await tab.count()) > 0) {
    await tab.click({ button: 'middle' });
    await tab.waitFor({ state: 'detached' });
  }
  const [took] = await timed(() => open(page, LARGE));
  add('opening 10 MB', 'ms', took);
}
