import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { startHecDouble } from '../support/hec-double.mjs';
import { type Product, signUp, startProduct, until } from '../support/product.ts';

/** What an administrator sees first: a new organisation, a SIEM that refuses everything, a part that fails. */

vi.setConfig({ testTimeout: 120_000 });
const SLUG = 'meridian';
const PASSWORD = 'a long enough password';

let product: Product;
let browser: Browser;
let hec: Awaited<ReturnType<typeof startHecDouble>>;
let owner: Person;
let page: Page;

beforeAll(async () => {
  [product, browser, hec] = await Promise.all([startProduct({}, 1_000), launchBrowser(), startHecDouble()]);
  owner = await signUp(product.origin, SLUG, PASSWORD);
  page = await open(`owner@${SLUG}.test`);
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([product?.end(), hec?.close()]);
});

async function open(email: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: product.origin });
  await signInBrowser(context, product.origin, { tenant: SLUG, email, password: PASSWORD });
  return context.newPage();
}
const part = (title: string) => page.getByRole('region', { name: title });

test('a new organisation is told what to set up, and what is done goes away', async () => {
  await page.goto('/workspaces');
  await page.getByRole('link', { name: 'Overview' }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.waitForURL('**/overview');
  const steps = part('To set up').getByRole('link');
  await steps.first().waitFor();
  expect(await steps.allTextContents()).toEqual([
    'Make somebody else an owner',
    'Require two factors',
    'Enrol and confirm a runner',
    'Make a template',
    'Send the audit log somewhere else, too',
  ]);
  await part('Log export').getByText('The log goes nowhere else yet').waitFor();
  await part('Refused and failed').getByText('Nothing was refused, and nothing failed.').waitFor();
  await owner.call('POST', '/templates', { name: 'node-service' });
  await page.reload();
  await steps.first().waitFor();
  expect(await steps.allTextContents()).not.toContain('Make a template');
});

test('a destination that refuses what it gets shows within the alarm’s time, is mailed, and can be tried at once', async () => {
  const config = { type: 'splunk-hec', url: hec.url };
  const { id } = await owner.call<{ id: string }>('POST', '/siem-destinations', { name: 'Splunk', config, secret: 'not-known-there' });
  await until(async () => (await owner.call<{ state: string }>('GET', `/siem-destinations/${id}`)).state === 'held');
  await page.goto('/overview');
  await part('Log export').getByText('Held', { exact: true }).waitFor();
  await part('Log export').getByText('Invalid token').waitFor();
  const mails = async () => (await owner.call<{ items: Array<{ subject: string }> }>('GET', '/local/mails')).items;
  await until(async () => (await mails()).some(({ subject }) => subject === 'Gatehouse: Splunk gets no events'));
  await fetch(`${hec.url}/control?token=not-known-there`, { method: 'POST', body: '{}' });
  await page.goto('/siem');
  await page.getByRole('button', { name: 'Try now' }).click();
  await until(async () => (await owner.call<{ lastSuccessAt: string | null }>('GET', `/siem-destinations/${id}`)).lastSuccessAt !== null);
  await page.goto('/overview');
  await part('Log export').getByText('Active', { exact: true }).waitFor();
});

test('refusals lead to their events, a part that fails says so alone, and nobody looks while nobody sees it', async () => {
  for (let times = 0; times < 3; times++) await new Person(product.origin).ask('POST', '/login', wrong());
  await page.clock.install();
  let asked = 0;
  await page.route('**/api/v1/overview', (route) => ((asked += 1), route.continue()));
  await page.route('**/api/v1/detections/findings*', (route) => route.abort());
  await page.goto('/overview');
  await part('Open findings').getByText('The rest of this page is not affected.').waitFor();
  const failed = part('Refused and failed').getByRole('link', { name: '3 failed sign-ins' });
  await failed.waitFor();
  await page.unroute('**/api/v1/detections/findings*');
  await part('Open findings').getByRole('button', { name: 'Try again' }).click();
  await part('Open findings').getByRole('button').waitFor({ state: 'detached' });

  expect(asked).toBe(1);
  await page.clock.runFor(31_000);
  await expect.poll(() => asked).toBe(2);
  await show(page, 'hidden');
  await page.clock.runFor(120_000);
  expect(asked).toBe(2);
  await show(page, 'visible');
  await expect.poll(() => asked).toBe(3);

  await failed.click();
  await page.waitForURL('**/audit?*');
  await page.getByText('Last 24 hours').first().waitFor();
});

test('a developer has no such page', async () => {
  const email = `dana@${SLUG}.test`;
  await owner.call('POST', '/invitations', { email, roles: [] });
  const dana = new Person(product.origin);
  await dana.call('POST', '/invitations/accept', {
    ...{ token: await mailedSecret(product.origin, email), name: 'Dana Developer', password: PASSWORD },
  });
  const hers = await open(email);
  await hers.goto('/overview');
  await hers.getByText('There is nothing here for you yet').waitFor();
  expect(await hers.getByRole('navigation', { name: 'Gatehouse' }).getByRole('link', { name: 'Overview' }).count()).toBe(0);
});

const wrong = () => ({ tenant: SLUG, email: `owner@${SLUG}.test`, password: 'not the password' });

/** As if another tab came before this one, and went. */
const show = (of: Page, state: 'hidden' | 'visible') =>
  of.evaluate((value) => {
    Object.defineProperty(document, 'visibilityState', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, state);
