import type { Page } from 'playwright-core';

interface Watched {
  keys: number[];
  frames: number[];
}

/** Marks in the browser’s account of its work: a key has come, and what it did is painted. */
export const KEY = 'bench key';
export const PAINTED = 'bench painted';

/**
 * Notes from now on how long each key takes from the browser’s own stamp until the frame after it is painted, and how long the main
 * thread works on each frame that scrolls. Runs by the page’s own world, so it is one expression.
 */
export const watchFrames = (page: Page): Promise<void> =>
  page.evaluate(
    ([key, done]) => {
      const watched: Watched = { keys: [], frames: [] };
      Object.assign(globalThis, { watched });
      /** A message that is posted in a frame comes after that is painted. */
      const painted = (then: () => void) =>
        requestAnimationFrame(() => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = then;
          port2.postMessage(null);
        });
      addEventListener(
        'keydown',
        ({ timeStamp }) => {
          performance.mark(key);
          painted(() => {
            watched.keys.push(performance.now() - timeStamp);
            performance.mark(done);
          });
        },
        { capture: true },
      );
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
    },
    [KEY, PAINTED] as const,
  );

/** What was noted, which is forgotten with that. */
export const takeWatched = (page: Page): Promise<Watched> =>
  page.evaluate(() => {
    const { watched } = globalThis as unknown as { watched: Watched };
    return { keys: watched.keys.splice(0), frames: watched.frames.splice(0) };
  });
