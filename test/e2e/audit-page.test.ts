import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { freePort } from '../support/place.ts';
import { until } from '../support/product.ts';
import { OWNER, startTrail, type Trail } from '../support/trail/trail.ts';

/**
 * The page of the audit log before a trail that is longer than a page may hold: what it draws, asks for and keeps is bounded by
 * what is looked at. Bounds are counts; how long it takes is measured by `npm run bench -- audit-page`.
 */

const EVENTS = 6_000;
/** Of a screen of 900 pixels and what is drawn ahead. */
const MOST_ROWS = 150;
/** Also on a machine that has other things to do. */
const LONGEST = 240_000;

let trail: Trail;
let browser: Browser;
let stateDir: string;

beforeAll(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'gatehouse-trail-'));
  [trail, browser] = await Promise.all([
    startTrail({ port: await freePort(), stateDir, events: EVENTS, days: 20, cronMs: 1_000 }),
    launchBrowser(),
  ]);
}, LONGEST);
afterAll(async () => {
  await browser?.close();
  await trail?.stop();
  await rm(stateDir, { recursive: true, force: true });
});

async function open(path: string): Promise<{ page: Page; asked: string[] }> {
  const context = await browser.newContext({ baseURL: trail.origin, viewport: { width: 1440, height: 900 } });
  await signInBrowser(context, trail.origin, OWNER);
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const asked: string[] = [];
  page.on('request', (request) => void (request.url().includes('/audit/events') && asked.push(request.url())));
  await page.goto(path);
  await rows(page).first().waitFor();
  return { page, asked };
}
const rows = (page: Page) => page.locator('tr[data-row]');
const seqs = async (page: Page) =>
  (await page.locator('tr[data-row] > td:last-child').allTextContents()).map((text) => Number(text.replaceAll(',', '')));
const scrollTo = (page: Page, share: number) =>
  page.locator('.scroll').evaluate((node, part) => node.scrollTo(0, node.scrollHeight * part), share);

test(
  'thousands of rows pass: few are drawn, each page is asked for once, and what was put away comes back',
  { timeout: LONGEST },
  async () => {
    const { page, asked } = await open('/audit');
    let drawn = 0;
    await until(async () => {
      await scrollTo(page, 1);
      drawn = Math.max(drawn, await rows(page).count());
      return page.getByText('This is where the log begins').isVisible();
    }, 150);
    expect(drawn).toBeLessThanOrEqual(MOST_ROWS);
    // 100 at first, then 200 at once, and the answer that there are no more.
    expect(asked.length).toBeLessThanOrEqual(EVENTS / 200 + 4);
    expect(new Set(asked).size).toBe(asked.length);
    expect(await page.evaluate(() => document.querySelectorAll('table *').length)).toBeLessThan(MOST_ROWS * 20);
    await until(async () => {
      await scrollTo(page, 1);
      return (await seqs(page)).at(-1) === 1;
    });

    const before = asked.length;
    await scrollTo(page, 0.25);
    await until(async () => (await rows(page).count()) > 30);
    const middle = await seqs(page);
    expect(middle).toEqual(middle.map((_, index) => (middle[0] ?? 0) - index));
    expect(asked.length - before).toBeLessThanOrEqual(3);
    await scrollTo(page, 0);
    await until(async () => ((await seqs(page))[0] ?? 0) > EVENTS);
    await page.context().close();
  },
);

test('the keys that scroll a page scroll the log, from wherever one is on the page', { timeout: LONGEST }, async () => {
  const { page } = await open('/audit');
  const top = () => page.locator('.scroll').evaluate((node) => node.scrollTop);
  await page.keyboard.press('PageDown');
  await until(async () => (await top()) > 300);
  await page.keyboard.press('End');
  await until(async () => (await top()) > 2_000);
  await page.keyboard.press('Home');
  await until(async () => (await top()) === 0);
  await page.context().close();
});

test('a log that is followed draws and holds no more, however much happens', { timeout: LONGEST }, async () => {
  const { page, asked } = await open('/audit');
  await page.getByText(/^Live/).waitFor();
  await page.keyboard.press('f');
  const before = asked.length;
  for (let lot = 0; lot < 30; lot++) await trail.happen(50);
  const newest = async () => Math.max(...(await seqs(page)));
  await until(async () => (await newest()) >= EVENTS + 1_500);
  expect(await rows(page).count()).toBeLessThanOrEqual(MOST_ROWS);
  // Beyond a thousand it begins anew, once or twice.
  expect(asked.length - before).toBeLessThanOrEqual(3);

  // Who looks further down is not pushed about: what is new waits.
  // The list may have begun anew just now: then it grows first.
  await until(async () => {
    await scrollTo(page, 0.5);
    return (await newest()) < EVENTS + 1_500;
  });
  await until(async () => String(await seqs(page)) === String(await seqs(page)));
  const seen = await seqs(page);
  await trail.happen(20);
  // The last of those before may have come late, and wait with them.
  const waiting = page.getByRole('button', { name: /^(\d+|Many) new/ });
  await until(async () => {
    const [many] = (await waiting.innerText()).split(' ');
    return many === 'Many' || Number(many) >= 20;
  });
  expect(await seqs(page)).toEqual(seen);
  await page.keyboard.press('r');
  await until(async () => (await newest()) >= EVENTS + 1_520);
  await page.context().close();
});

test(
  'a person among thousands is found by name, and one click in an event leaves out what is not wanted',
  { timeout: LONGEST },
  async () => {
    const { page } = await open('/audit');
    await page.keyboard.press('/');
    await page.getByRole('combobox', { name: 'Search or filter' }).fill('Okafor 1024');
    await page.getByRole('option', { name: /User is .* Okafor 1024/ }).click();
    await page
      .locator('.chip')
      .getByText(/Okafor 1024/)
      .waitFor();
    await page.reload();
    await page
      .locator('.chip')
      .getByText(/Okafor 1024/)
      .waitFor();

    await page.goto('/audit');
    await rows(page).first().getByRole('button').click();
    const detail = page.locator('tr.detail');
    const action = (await detail.locator('dt', { hasText: 'Action' }).locator('xpath=following-sibling::dd[1]').innerText()).trim();
    await detail.getByRole('link', { name: `Without ${action}` }).click();
    await page.waitForURL((url) => url.searchParams.get('filter') === `action ne "${action}"`);
    await rows(page).first().waitFor();
    await page.context().close();
  },
);
