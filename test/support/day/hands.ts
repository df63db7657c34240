import type { Locator, Page } from 'playwright-core';

/** Somebody’s hands at the page: each key or chord, each text that is typed, and each click is a step. */
export interface Hands {
  readonly steps: number;
  /** keys one after the other, each a step */
  press(...keys: string[]): Promise<void>;
  /** a text, letter by letter: one step */
  type(text: string): Promise<void>;
  click(target: Locator, options?: Parameters<Locator['click']>[0]): Promise<void>;
}

/** Counts steps. What a hand must not do is refused: `keyboard` has no mouse, `mouse` types text but presses no keys. */
export function handsAt(page: Page, kind: 'keyboard' | 'mouse'): Hands {
  let steps = 0;
  return {
    get steps() {
      return steps;
    },
    press: async (...keys) => {
      if (kind === 'mouse') throw new Error(`Whoever works with the mouse would have to press ${keys.join(' ')}`);
      for (const key of keys) {
        steps += 1;
        await page.keyboard.press(key);
      }
    },
    type: async (text) => {
      steps += 1;
      await page.keyboard.type(text);
    },
    click: async (target, options) => {
      if (kind === 'keyboard') throw new Error(`Whoever has no mouse would have to click ${String(target)}`);
      steps += 1;
      await target.click(options);
    },
  };
}

/** How far from the left of a line a word of it begins, in pixels: where somebody points who means it. */
export const placeOf = (line: Locator, word: string): Promise<number> =>
  line.evaluate((element, wanted) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const at = (node.nodeValue ?? '').indexOf(wanted);
      if (at < 0) continue;
      const range = document.createRange();
      range.setStart(node, at);
      range.setEnd(node, at + wanted.length);
      return range.getBoundingClientRect().left - element.getBoundingClientRect().left + 4;
    }
    throw new Error(`${wanted} is not in ${element.textContent}`);
  }, word);

/** Counts what a pointer does on the page, so that a walk by keyboard can prove that there was none. */
export async function countPointer(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(() => {
    document.documentElement.dataset['pointer'] = '0';
    const count = () => {
      document.documentElement.dataset['pointer'] = String(Number(document.documentElement.dataset['pointer']) + 1);
    };
    for (const type of ['pointerdown', 'mousedown', 'wheel']) addEventListener(type, count, true);
  });
  return () => page.evaluate(() => Number(document.documentElement.dataset['pointer']));
}
