import type { Browser, BrowserContext, Page } from 'playwright-core';
import { launchBrowser } from '../../support/browser.ts';
import { signInBrowser } from '../../support/browser-session.ts';
import { countLoaded, holdIdle, type Loaded, prompt } from '../../support/loaded.ts';
import { shuffled } from '../measure.ts';
import { ACCOUNT, type Product } from '../product.ts';
import type { Add } from '../turns.ts';
import { endTerminals } from '../terminals-of.ts';
import { startCodeServer } from './code-server.ts';
import type { Setting } from './home.ts';

/** Of no language: a pack for one is not what is measured. */
const FILE = 'opened.txt';

interface Ide {
  name: string;
  /** whether it puts off until the browser is idle what the first screen does not need, and so can be kept from it */
  putsOff: boolean;
  /** before a cold visit, outside of what is measured */
  prepare(context: BrowserContext): Promise<void>;
  address: string;
  /** selector of what takes the keys */
  editor: string;
  /** has a terminal come, where the page brings none by itself */
  terminal(page: Page): Promise<void>;
}

/** From the address to a file that can be edited and a prompt, with nothing kept and once more with all that a browser keeps. */
export async function measureLoading({ product, home, rows, options }: Setting): Promise<void> {
  home.write(FILE, 'A file to be opened\n');
  const peer = await startCodeServer(home.folder, options.peers);
  // Terminals are drawn as text, so that they can be read.
  const browser = await launchBrowser(['--disable-3d-apis']);
  try {
    const ides = [ours(product), ...(peer === null ? [] : [codeServer(peer.address)])];
    for (let round = options.quick ? 1 : options.rounds; round > 0; round--)
      for (const ide of shuffled(ides)) await visits(browser, ide, rows.of(ide.name));
    // The same each time, so once is enough.
    for (const ide of ides) await weigh(browser, ide, rows.of(ide.name));
  } finally {
    await browser.close();
    await peer?.stop();
  }
}

async function visits(browser: Browser, ide: Ide, add: Add): Promise<void> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  try {
    await ide.prepare(context);
    await visit(context, ide, 'cold', add);
    await visit(context, ide, 'warm', add);
  } finally {
    await context.close();
  }
}

/** Counts what comes until a file can be edited and a prompt stands, and apart from that what comes once nobody waits for it. */
async function weigh(browser: Browser, ide: Ide, add: Add): Promise<void> {
  const count = async (page: (page: Page) => Promise<unknown>): Promise<Loaded> => {
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
    try {
      await ide.prepare(context);
      const loaded = countLoaded(context);
      const opened = await context.newPage();
      opened.setDefaultTimeout(60_000);
      await page(opened);
      return await loaded();
    } finally {
      await context.close();
    }
  };
  const first = await count(async (page) => {
    if (ide.putsOff) await holdIdle(page);
    await come(page, ide);
  });
  add('cold: requests until then', 'requests', first.requests);
  add('cold: script, styles and fonts until then, gzip', 'kB', first.bytes / 1000);
  if (!ide.putsOff) return;
  const all = await count(async (page) => {
    await come(page, ide);
    await page.waitForLoadState('networkidle');
  });
  add('idle: requests after that', 'requests', all.requests - first.requests);
  add('idle: script, styles and fonts after that, gzip', 'kB', (all.bytes - first.bytes) / 1000);
}

async function visit(context: BrowserContext, ide: Ide, kind: 'cold' | 'warm', add: Add): Promise<void> {
  const page = await context.newPage();
  page.setDefaultTimeout(60_000);
  const start = performance.now();
  await come(page, ide, (what) => add(`${kind}: ${what}`, 'ms', performance.now() - start));
  await page.close();
}

/** Opens the page, until a file can be edited and a prompt stands. */
async function come(page: Page, ide: Ide, reached: (what: string) => void = () => undefined): Promise<void> {
  await page.goto(ide.address, { waitUntil: 'commit' });
  await Promise.all([
    editable(page, ide).then(() => reached('file editable')),
    ide
      .terminal(page)
      .then(() => prompt(page))
      .then(() => reached('first prompt')),
  ]);
}

/** A page that remembers what was open opens it by itself. */
async function editable(page: Page, ide: Ide): Promise<void> {
  const line = `[role=treeitem][aria-label^="${FILE}"]`;
  await there(page, `${ide.editor}, ${line}`);
  // A line that stands before its page hears clicks is clicked again.
  while ((await page.locator(ide.editor).count()) === 0) {
    await page.locator(line).click();
    await there(page, ide.editor, 2000).catch(() => undefined);
  }
}

/** Looks with each frame: a locator looks again after up to half a second. What takes the keys may have no size. */
const there = (page: Page, selector: string, timeout = 60_000) =>
  page.waitForFunction((css) => document.querySelector(css) !== null, selector, { polling: 'raf', timeout });

const ours = (product: Product): Ide => ({
  name: 'gatehouse',
  putsOff: true,
  prepare: async (context) => {
    await endTerminals(product);
    await signInBrowser(context, product.origin, ACCOUNT);
  },
  address: `${product.origin}/w/${product.workspaceId}`,
  editor: `.cm-content[aria-label="${FILE}"]`,
  // A page that finds none opens one.
  terminal: async () => undefined,
});

const codeServer = (address: string): Ide => ({
  name: 'code-server',
  putsOff: false,
  prepare: async () => undefined,
  address,
  editor: '.editor-instance :is(textarea, [role=textbox])',
  terminal: async (page) => {
    await page.locator('.monaco-workbench').waitFor();
    // Its keys work once its page does.
    while ((await page.locator('.xterm').count()) === 0) {
      await page.keyboard.press('Control+Backquote');
      await page
        .locator('.xterm')
        .first()
        .waitFor({ timeout: 1000 })
        .catch(() => undefined);
    }
  },
});
