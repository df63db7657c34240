import axe from 'axe-core';
import type { Page } from 'playwright-core';

/** @returns what axe finds on the page as it stands, each rule with the elements that break it */
export async function violations(page: Page, options: axe.RunOptions = {}): Promise<string[]> {
  // By the page's own world, because the content policy lets no script be added.
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(axe.source);
  // Of what is well it need not say where it stands, which is most of its work.
  const how: axe.RunOptions = { ...options, resultTypes: ['violations'], selectors: false };
  const found = await page.evaluate((how) => (globalThis as unknown as { axe: typeof axe }).axe.run(how), how);
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' and ')}`);
}
