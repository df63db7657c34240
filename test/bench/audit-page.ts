import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, CDPSession, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { freePort } from '../support/place.ts';
import { OWNER, startTrail, type Trail } from '../support/trail/trail.ts';
import type { Options, Row } from './measure.ts';

type Add = (what: string, unit: Row['unit'], sample: number) => void;

/** A frame that took longer is seen to stutter. */
const SLOW_FRAME_MS = 50;
const LIVE_PER_SECOND = 50;
const LIVE_SECONDS = 10;

/**
 * The page of the audit log before a trail of so many events, in Chromium on this machine's own cores. TRAIL_STATE names the state
 * of a trail that was filled before: filling a million takes minutes.
 */
export async function measureAuditPage({ rounds, quick, events }: Options): Promise<Row[]> {
  const kept = process.env['TRAIL_STATE'];
  const stateDir = kept ?? (await mkdtemp(join(tmpdir(), 'gatehouse-trail-')));
  const rows = new Map<string, Row>();
  const add: Add = (what, unit, sample) => {
    const name = `${what}, ${events} events`;
    const row = rows.get(name) ?? { bench: 'audit-page', what: name, system: 'gatehouse', unit, samples: [] };
    row.samples.push(sample);
    rows.set(name, row);
  };
  const trail = await startTrail({ port: await freePort(), stateDir, events });
  const browser = await launchBrowser(['--enable-precise-memory-info']);
  try {
    for (let round = quick ? 1 : rounds; round > 0; round--) await visit(browser, trail, quick ? 5_000 : 50_000, add);
  } finally {
    await browser.close();
    await trail.stop();
    if (kept === undefined) await rm(stateDir, { recursive: true, force: true });
  }
  return [...rows.values()];
}

async function visit(browser: Browser, trail: Trail, passed: number, add: Add): Promise<void> {
  const context = await browser.newContext({ baseURL: trail.origin, viewport: { width: 1440, height: 900 } });
  await signInBrowser(context, trail.origin, OWNER);
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.addInitScript(watchFrames);
  const devtools = await attach(context, page);
  const start = performance.now();
  await page.goto('/audit');
  await firstRow(page);
  add('opening: first row', 'ms', performance.now() - start);
  await narrow(page, add);
  await page.goto('/audit');
  await firstRow(page);
  await scroll(page, devtools, passed, add);
  await live(page, trail, add);
  await context.close();
}

async function attach(context: BrowserContext, page: Page): Promise<CDPSession> {
  const devtools = await context.newCDPSession(page);
  await devtools.send('Performance.enable');
  return devtools;
}

const drawn = (page: Page) => page.locator('tr[data-row]');
const firstRow = (page: Page) => drawn(page).first().waitFor();

/** Each from the page as it stands, as somebody would ask. */
async function narrow(page: Page, add: Add): Promise<void> {
  const asked: Array<[what: string, act: () => Promise<unknown>]> = [
    ['refused', () => page.getByRole('link', { name: 'Refused', exact: true }).click()],
    ['by a person', () => choose(page, 'Ana Okafor 0')],
    ['by a person, contains', () => choose(page, 'template')],
    ['changes of access', () => page.getByRole('link', { name: 'Changes of access' }).click()],
  ];
  for (const [what, act] of asked) {
    const answered = page.waitForResponse((answer) => answer.url().includes('/audit/events'));
    const start = performance.now();
    await act();
    await answered;
    await firstRow(page);
    add(`${what}: first row`, 'ms', performance.now() - start);
  }
}

async function choose(page: Page, text: string): Promise<void> {
  await page.getByRole('combobox', { name: 'Search or filter' }).fill(text);
  await page.keyboard.press('Enter');
}

async function scroll(page: Page, devtools: CDPSession, passed: number, add: Add): Promise<void> {
  let requests = 0;
  page.on('request', (request) => void (request.url().includes('/audit/events') && requests++));
  await page.locator('.scroll').hover();
  await frames(page);
  for (let turn = 0; turn < 100; turn++) {
    await page.mouse.wheel(0, 900);
    await sleep(20);
  }
  addFrames('scrolling by wheel', await frames(page), add);
  let most = 0;
  while ((await shown(page)) < passed) {
    await page.locator('.scroll').evaluate((node) => node.scrollTo(0, node.scrollHeight));
    most = Math.max(most, await drawn(page).count());
    await sleep(20);
  }
  addFrames('scrolling to the end on and on', await frames(page), add);
  await devtools.send('HeapProfiler.collectGarbage');
  const { metrics } = await devtools.send('Performance.getMetrics');
  const figure = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
  add(`${passed} rows passed: rows drawn at most`, 'rows', most);
  add(`${passed} rows passed: requests`, 'requests', requests);
  add(`${passed} rows passed: heap`, 'MB', figure('JSHeapUsedSize') / 1e6);
  add(`${passed} rows passed: elements`, 'rows', await page.evaluate(() => document.querySelectorAll('*').length));
  const before = await firstNumber(page);
  const start = performance.now();
  await page.locator('.scroll').evaluate((node) => node.scrollTo(0, node.scrollHeight / 2));
  while ((await firstNumber(page)) <= before) await sleep(5);
  add('back to the middle: first row', 'ms', performance.now() - start);
}

/** Of the first row that is drawn; 0 while those that were put away are on their way. */
async function firstNumber(page: Page): Promise<number> {
  const [text] = await page.locator('tr[data-row] > td:last-child').allTextContents();
  return Number((text ?? '0').replaceAll(',', ''));
}

async function shown(page: Page): Promise<number> {
  const text = await page.locator('.scroll').evaluate((node) => /([\d,]+) shown/.exec(node.lastElementChild?.textContent ?? '')?.[1]);
  return Number((text ?? '0').replaceAll(',', ''));
}

async function live(page: Page, trail: Trail, add: Add): Promise<void> {
  await page.goto('/audit');
  await page.getByText(/^Live/).waitFor();
  await page.keyboard.press('f');
  await frames(page);
  for (let second = 0; second < LIVE_SECONDS; second++) {
    for (let tenth = 0; tenth < 10; tenth++) {
      await trail.happen(LIVE_PER_SECOND / 10);
      await sleep(100);
    }
  }
  addFrames(`followed at ${LIVE_PER_SECOND} events a second`, await frames(page), add);
  add('followed: rows drawn', 'rows', await drawn(page).count());
}

interface Frames {
  all: number;
  slow: number;
  worst: number;
}

function addFrames(what: string, { all, slow, worst }: Frames, add: Add): void {
  add(`${what}: frames over ${SLOW_FRAME_MS} ms`, 'of 1', slow / Math.max(1, all));
  add(`${what}: longest frame`, 'ms', worst);
}

/** Runs in the page: notes how long frames take. */
function watchFrames(): void {
  const gaps: number[] = [];
  let last = performance.now();
  const tick = (time: number) => {
    gaps.push(time - last);
    last = time;
    requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
  Object.assign(window, { takeGaps: () => gaps.splice(0) });
}

/** The frames since it was asked last. */
async function frames(page: Page): Promise<Frames> {
  const gaps = await page.evaluate(() => (window as unknown as { takeGaps(): number[] }).takeGaps());
  return { all: gaps.length, slow: gaps.filter((gap) => gap > SLOW_FRAME_MS).length, worst: Math.max(0, ...gaps) };
}
