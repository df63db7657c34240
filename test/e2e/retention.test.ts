import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type SharedProduct, sharedProduct, signUp } from '../support/product.ts';

const SLUG = 'northern-ledger';
const PASSWORD = 'a long enough password';

let product: SharedProduct;
let browser: Browser;

beforeAll(async () => {
  [product, browser] = await Promise.all([sharedProduct(SLUG), launchBrowser()]);
  await signUp(product.origin, SLUG, PASSWORD);
});

afterAll(async () => {
  await browser?.close();
  await product?.end();
});

async function signIn(page: Page): Promise<void> {
  await page.goto(`/signin#${new URLSearchParams({ org: SLUG, email: `owner@${SLUG}.test`, password: PASSWORD })}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/workspaces');
}

test('to keep the audit log for less time is asked for once more, with the day on which the first events go', async () => {
  const page = await browser.newPage({ baseURL: product.origin, viewport: { width: 390, height: 844 } });
  await signIn(page);
  await page.goto('/organisation');
  const days = page.getByLabel('Days');
  await days.fill('29');
  await days.press('Enter');
  await page.getByText('must be at least 30').waitFor();
  await days.fill('90');
  await days.press('Enter');
  const dialog = page.getByRole('dialog');
  const first = new Date(Date.now() + 91 * 24 * 60 * 60_000);
  await dialog.getByText(new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(first)).waitFor();
  await dialog.getByRole('button', { name: 'Keep it for less time' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.reload();
  await expect.poll(() => days.inputValue(), { timeout: 20_000 }).toBe('90');
});
