import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser, type Account } from '../support/browser-session.ts';
import { loadPage } from './gatehouse.ts';
import { type Options, type Row } from './measure.ts';
import { ACCOUNT, type Product } from './product.ts';
import { endTerminals } from './terminals-of.ts';

const FILE = 'bench.md';

/** Pages in Chromium with a cold cache, on this machine's own cores. Terminals are drawn as text, so that they can be read. */
export async function measurePages(product: Product, { rounds, quick }: Options): Promise<Row[]> {
  const browser = await launchBrowser(['--disable-3d-apis']);
  const rows = new Map<string, Row>();
  const add = (what: string, unit: Row['unit'], sample: number) => {
    const row = rows.get(what) ?? { bench: 'page', what, system: 'gatehouse', unit, samples: [] };
    row.samples.push(sample);
    rows.set(what, row);
  };
  try {
    await makeFile(product);
    for (let round = quick ? 1 : Math.max(5, rounds); round > 0; round--) {
      await visit(browser, product, async (page, wire) => {
        const start = performance.now();
        await page.goto(`${product.origin}/signin`);
        await page.getByLabel('Password', { exact: true }).waitFor();
        add('sign-in: form', 'ms', performance.now() - start);
        await report(wire, 'sign-in', add);
      });
      await endTerminals(product);
      await visit(browser, product, async (page, wire) => openIde(page, wire, product, add), ACCOUNT);
    }
  } finally {
    await browser.close();
  }
  return [...rows.values()];
}

type Add = (what: string, unit: Row['unit'], sample: number) => void;

async function openIde(page: Page, wire: Wire, product: Product, add: Add): Promise<void> {
  const start = performance.now();
  const since = (what: string) => () => add(`IDE: ${what}`, 'ms', performance.now() - start);
  await page.goto(`${product.origin}/w/${product.workspaceId}`, { waitUntil: 'commit' });
  const file = page.getByRole('treeitem', { name: FILE });
  await Promise.all([file.waitFor().then(since('file tree')), firstPrompt(page).then(since('first prompt'))]);
  await report(wire, 'IDE', add);
  const click = performance.now();
  await file.click();
  await page.getByRole('textbox', { name: FILE }).waitFor();
  add('IDE: click on a file to its editor', 'ms', performance.now() - click);
}

/** Rows are looked at before each frame is drawn. */
async function firstPrompt(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.xterm-rows > div')].some((row) => /[$#]\s*$/.test((row.textContent ?? '').replaceAll('\u00a0', ' '))),
  );
}

interface Wire {
  requests: number;
  bytes: number;
  script: number;
}

/** Opens a page without any cache, counting what comes over the wire, headers and compression as they are. */
async function visit(
  browser: Browser,
  product: Product,
  walk: (page: Page, wire: Wire) => Promise<void>,
  account?: Account,
): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    if (account !== undefined) await signInBrowser(context, product.origin, account);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    await walk(page, await countWire(context, page));
  } finally {
    await context.close();
  }
}

async function countWire(context: BrowserContext, page: Page): Promise<Wire> {
  const wire: Wire = { requests: 0, bytes: 0, script: 0 };
  const types = new Map<string, string>();
  const session = await context.newCDPSession(page);
  session.on('Network.responseReceived', ({ requestId, type }) => types.set(requestId, type));
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    wire.requests++;
    wire.bytes += encodedDataLength;
    if (types.get(requestId) === 'Script') wire.script += encodedDataLength;
  });
  await session.send('Network.enable');
  return wire;
}

/** What has come once the wire is silent. */
async function report(wire: Wire, what: string, add: Add): Promise<void> {
  let before = -1;
  while (before !== wire.requests) {
    before = wire.requests;
    await sleep(500);
  }
  add(`${what}: requests`, 'requests', wire.requests);
  add(`${what}: on the wire`, 'kB', wire.bytes / 1000);
  add(`${what}: of it script`, 'kB', wire.script / 1000);
}

async function makeFile(product: Product): Promise<void> {
  const page = await loadPage(product);
  await page.files.write(FILE, Buffer.from('# A file to be opened\n'), '*');
  page.close();
}
