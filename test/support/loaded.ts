import { gzipSync } from 'node:zlib';
import type { BrowserContext, Page } from 'playwright-core';

/** What a page loads, as a server that compresses would send it. */
export interface Loaded {
  requests: number;
  /** of them scripts, styles and fonts */
  files: number;
  /** bytes of script, style and fonts: gzip, fonts as they are */
  bytes: number;
}

const COUNTED = new Set(['script', 'stylesheet', 'font']);

/** Counts from now on, over all pages, frames and workers of the context. @returns what has come so far, once it is all read */
export function countLoaded(context: BrowserContext): () => Promise<Loaded> {
  const sizes: Array<Promise<number>> = [];
  let requests = 0;
  context.on('response', (response) => {
    const type = response.request().resourceType();
    requests += 1;
    if (!COUNTED.has(type)) return;
    // A body that is gone with its page was not needed to get here.
    const size = response.body().then(
      (body) => (type === 'font' ? body.byteLength : gzipSync(body).byteLength),
      () => 0,
    );
    sizes.push(size);
  });
  return async () => {
    const [counted, come] = [requests, await Promise.all([...sizes])];
    return { requests: counted, files: come.length, bytes: come.reduce((sum, size) => sum + size, 0) };
  };
}

/** Once a prompt stands in a terminal of xterm.js that draws elements. */
export async function prompt(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.xterm-rows > div')].some((row) => /[$#]\s*$/.test((row.textContent ?? '').replaceAll('\u00a0', ' '))),
  );
}

/** What a page puts off until its browser is idle does not come: what it loads until then is what it needs. Call it before the page goes anywhere. */
export const holdIdle = (page: Page): Promise<unknown> =>
  page.addInitScript(() => Object.assign(globalThis, { requestIdleCallback: () => 0 }));
