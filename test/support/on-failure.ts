import type { Page } from 'playwright-core';
import { afterEach } from 'vitest';
import { openBrowsers } from './browser.ts';

/** A test in a browser that fails says what stood on its pages: what had the keyboard, what was told, which dialog was open. */
afterEach(async ({ task }) => {
  if (task.result?.state !== 'fail') return;
  const pages = openBrowsers().flatMap((browser) => browser.contexts().flatMap((context) => context.pages()));
  for (const page of pages) {
    const state = await stateOf(page).catch((thrown: unknown) => `This page can’t be asked: ${String(thrown)}`);
    process.stdout.write(`${state}\n`);
  }
});

const stateOf = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const textOf = (all: Iterable<Element>) =>
      [...all].map((each) => (each as HTMLElement).innerText.replaceAll(/\s+/g, ' ').slice(0, 200));
    const at = document.activeElement;
    const keyboard = at === null ? 'nothing' : `${(at.cloneNode() as Element).outerHTML.slice(0, 200)} (window: ${document.hasFocus()})`;
    const told = textOf(document.querySelectorAll('[data-sonner-toast]'));
    const dialogs = textOf(document.querySelectorAll('[role="dialog"], [role="menu"]'));
    const status = textOf(document.querySelectorAll('footer, [role="contentinfo"]'));
    const buttons = textOf(document.querySelectorAll('button, [role="status"]')).filter(Boolean).slice(0, 40);
    const lines = [...document.querySelectorAll('.cm-activeLine')].map((line) => line.textContent);
    return `${location.href}\n${JSON.stringify({ keyboard, told, dialogs, status, buttons, lines }, null, 1)}`;
  });
