import type { BrowserContext, Page } from 'playwright-core';
import { gzipSync } from 'node:zlib';

/** What a page loads, as a server that compresses would send it. */
export interface Loaded {
  requests: number;
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
    return { requests: counted, bytes: come.reduce((sum, size) => sum + size, 0) };
  };
}

/** Once a prompt stands in a terminal of xterm.js that draws elements. */
export async function prompt(page: Page): Promise<void> {
  await page.waitForFunction(() =>
    [...document.querySelectorAll('.xterm-rows > div')].some((row) => /[$#]\s*$/.test((row.textContent ?? '').replaceAll('\u00a0', ' '))),
  );
}

interface Watched {
  keys: number[];
  frames: number[];
}

/**
 * Notes from now on how long each key takes from the browser’s own stamp until the frame after it is painted, and how long the main
 * thread works on each frame that scrolls. Runs by the page’s own world, so it is one expression.
 */
export const watchFrames = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const watched: Watched = { keys: [], frames: [] };
    Object.assign(globalThis, { watched });
    /** A message that is posted in a frame comes after that is painted. */
    const painted = (then: () => void) =>
      requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = then;
        port2.postMessage(null);
      });
    addEventListener('keydown', ({ timeStamp }) => painted(() => watched.keys.push(performance.now() - timeStamp)), { capture: true });
    let began: number | null = null;
    addEventListener(
      'scroll',
      () => {
        if (began !== null) return;
        began = performance.now();
        painted(() => {
          watched.frames.push(performance.now() - (began ?? 0));
          began = null;
        });
      },
      { capture: true },
    );
  });

/** What was noted, which is forgotten with that. */
export const takeWatched = (page: Page): Promise<Watched> =>
  page.evaluate(() => {
    const { watched } = globalThis as unknown as { watched: Watched };
    return { keys: watched.keys.splice(0), frames: watched.frames.splice(0) };
  });
