import { setTimeout as sleep } from 'node:timers/promises';
import type { Locator, Page } from 'playwright-core';
import { launchBrowser } from '../../support/browser.ts';
import { type Options, shuffled, timed } from '../measure.ts';
import type { Add } from '../turns.ts';
import type { Setting } from './home.ts';
import { takeWatched, watchFrames } from './page.ts';
import { type Place, placesOf } from './places.ts';
import { worksOfKeys } from './trace.ts';

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

/** Typing and scrolling in a long file, and opening a large one, with what the main thread does for each frame; beside what the browser costs by itself. */
export async function measureTyping(setting: Setting): Promise<void> {
  const { home, rows, options } = setting;
  const files = { [LONG]: code(LINES), [LARGE]: `${'x'.repeat(99)}\n`.repeat(100_000) };
  for (const [name, text] of Object.entries(files)) home.write(name, text);
  const browser = await launchBrowser();
  try {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    const places = await placesOf(context, setting, files);
    try {
      for (const place of shuffled(places.all)) {
        const page = await context.newPage();
        page.setDefaultTimeout(30_000);
        await measure(page, place, rows.of(place.name), options);
        await page.close();
      }
    } finally {
      await places.end();
    }
  } finally {
    await browser.close();
  }
}

async function measure(page: Page, place: Place, add: Add, options: Options): Promise<void> {
  const field = await place.open(page, LONG);
  await watchFrames(page);
  await type(page, field, add, options);
  if (!place.scrolls) return;
  await scroll(page, `scrolling ${LINES} lines`, add, options);
  if (place.name === 'gatehouse')
    for (let round = options.quick ? 1 : options.rounds; round > 0; round--) await openLarge(page, place, add);
  else {
    await place.open(page, LARGE);
    await watchFrames(page);
  }
  await scroll(page, 'scrolling 10 MB', add, options);
}

/** In the middle of the file, each key once the one before is painted. */
async function type(page: Page, field: Locator, add: Add, { quick }: Options): Promise<void> {
  const browser = page.context().browser();
  if (browser === null) throw new Error('A page without a browser');
  await field.focus();
  await page.keyboard.press('Control+Home');
  for (let down = 0; down < 50; down++) await page.keyboard.press('PageDown');
  await page.keyboard.press('End');
  await sleep(1000);
  await takeWatched(page);
  await press(page, quick ? 20 : 300);
  const { keys } = await takeWatched(page);
  add(`key to paint in ${LINES} lines`, 'ms', ...keys.slice(0, -1));
  // On a line of its own: the first has grown longer than the screen is wide. Apart, because an account of all tasks slows them.
  await page.keyboard.press('Enter');
  const works = await worksOfKeys(browser, () => press(page, quick ? 20 : 100));
  add(`work for a key in ${LINES} lines`, 'ms', ...works.slice(0, -1));
}

async function press(page: Page, count: number): Promise<void> {
  for (let left = count; left > 0; left--) {
    await page.keyboard.press(left % 12 === 0 ? 'Space' : String.fromCharCode(97 + (left % 26)));
    await sleep(30 + Math.random() * 60);
  }
  // A list of proposals is part of what a key may cost, and closed before the next measurement.
  await page.keyboard.press('Escape');
  await sleep(100);
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
async function openLarge(page: Page, place: Place, add: Add): Promise<void> {
  const tab = page.getByRole('tab', { name: LARGE });
  if ((await tab.count()) > 0) {
    await tab.click({ button: 'middle' });
    await tab.waitFor({ state: 'detached' });
  }
  const [took] = await timed(() => place.open(page, LARGE));
  add('opening 10 MB', 'ms', took);
}
