import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { violations } from '../support/axe.ts';
import { launchBrowser } from '../support/browser.ts';
import { type SharedProduct, sharedProduct, signUp } from '../support/product.ts';

const SLUG = 'harbour-instruments';
const PASSWORD = 'a long enough password';
const PICTURES = process.env['PICTURES'];

let product: SharedProduct;
let browser: Browser;
let page: Page;
let owner: Person;

beforeAll(async () => {
  [product, browser] = await Promise.all([sharedProduct(SLUG), launchBrowser()]);
  owner = await signUp(product.origin, SLUG, PASSWORD);
  page = await browser.newPage({ baseURL: product.origin, viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  await page.goto(`/signin#${new URLSearchParams({ org: SLUG, email: `owner@${SLUG}.test`, password: PASSWORD })}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/workspaces');
});

afterAll(async () => {
  await browser?.close();
  await product?.end();
});

/** No fault of accessibility, light, dark and narrow; and a picture of each where somebody wants to look. */
async function looksGood(name: string): Promise<void> {
  const looks = [
    { width: 1440, scheme: 'light' },
    { width: 1440, scheme: 'dark' },
    { width: 390, scheme: 'light' },
  ] as const;
  for (const { width, scheme } of looks) {
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme: scheme });
    if (PICTURES !== undefined) {
      await mkdir(PICTURES, { recursive: true });
      await page.screenshot({ path: join(PICTURES, `${name}-${width}-${scheme}.png`) });
    }
    expect(await violations(page)).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth)).toBe(true);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

test('a directory is connected, and what it does is seen while it does it', async () => {
  await page.goto('/identity-providers/new');
  await page.getByRole('dialog').getByLabel('Name').fill('Okta of the harbour');
  await page
    .getByRole('dialog')
    .getByRole('button', { name: /Add|Create|Set up/ })
    .click();
  await page.waitForURL(/identity-providers\/idp_/);
  await page.getByRole('link', { name: 'Provisioning' }).click();
  await page.getByText('The directory has not called yet').waitFor();
  await looksGood('provisioning-empty');

  await page.getByRole('button', { name: 'Make a token' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  const secret = await dialog.locator('code', { hasText: 'ghp_' }).first().innerText();
  await dialog.getByRole('button', { name: 'I have copied it' }).click();
  const ask = (method: string, path: string, body?: unknown) =>
    fetch(`${product.origin}/scim/v2${path}`, {
      method,
      headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/scim+json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const answer = await ask('POST', '/Users', { userName: 'dana@harbour.test', displayName: 'Dana Whitfield', active: true });
  const { id } = (await answer.json()) as { id: string };
  await ask('POST', '/Groups', { displayName: 'Pilots', members: [{ value: id }] });
  await ask('PATCH', `/Users/${id}`, { Operations: [{ op: 'Replace', path: 'active', value: 'False' }] });
  await ask('PATCH', `/Users/${id}`, { Operations: [{ op: 'add', path: 'shoeSize', value: 43 }] });
  // Nothing is clicked: it appears.
  const suspended = page.getByRole('button', { name: /Change Dana Whitfield/ });
  await suspended.waitFor();
  await page.getByText('There is no attribute shoeSize').waitFor();
  await page.getByText('Works', { exact: true }).waitFor();
  await suspended.click();
  await page.getByRole('cell', { name: 'active', exact: true }).waitFor();
  await looksGood('provisioning-calls');

  await page.getByLabel('Outcome').selectOption('Failed');
  await suspended.waitFor({ state: 'detached' });
  await page.getByLabel('Search calls').fill('nothing like it');
  await page.getByText('No call is like that').waitFor();
  await page.getByRole('button', { name: 'Show all calls' }).click();
  await suspended.waitFor();

  await page.getByRole('button', { name: 'Revoke' }).click();
  await dialog.getByRole('button', { name: 'Revoke token' }).click();
  await page.getByText('Revoked', { exact: true }).waitFor();
  expect((await ask('GET', '/Users')).status).toBe(401);
});

test('a mapping makes groups, is handed one that was made by hand, and ends with its provider, which says before what that costs', async () => {
  const { id } = await owner.call<{ id: string }>('POST', '/identity-providers', { name: 'Yard', preset: 'other' });
  const { secret } = await owner.call<{ secret: string }>('POST', `/identity-providers/${id}/scim-tokens`, {});
  const push = async (path: string, body: unknown) => {
    const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/scim+json' };
    const answer = await fetch(`${product.origin}/scim/v2${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return (await answer.json()) as { id: string };
  };
  const pat = await push('/Users', { userName: 'pat@yard.test', displayName: 'Pat Rivet', active: true });
  for (const displayName of ['gh-Riveters', 'gh-Welders']) await push('/Groups', { displayName, members: [{ value: pat.id }] });
  await owner.call('POST', '/groups', { name: 'Welders' });

  await page.goto(`/identity-providers/${id}/groups`);
  await page.getByRole('button', { name: 'Map groups' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Groups whose').selectOption('prefix');
  await dialog.getByLabel('Pattern').fill('gh-');
  await dialog.getByLabel('Get').selectOption('made-group');
  await dialog.getByLabel('Called').fill('$2');
  await dialog.getByRole('button', { name: 'Map groups' }).click();
  await dialog.getByText('names $2, which the pattern does not have').waitFor();
  await dialog.getByLabel('Called').fill('$1');
  await dialog.getByText('makes nothing: Welders was made by hand').waitFor();
  await dialog.getByText('1 person comes into a group by it').waitFor();
  await looksGood('mapping-makes-groups');
  await dialog.getByRole('button', { name: 'Map groups' }).click();
  await dialog.waitFor({ state: 'detached' });

  await page.getByText('no group Welders is made').waitFor();
  await looksGood('mapping-not-made');
  await page.getByRole('button', { name: 'Hand over Welders' }).click();
  await dialog.getByRole('button', { name: 'Hand over' }).click();
  await page.getByText('no group Welders is made').waitFor({ state: 'detached' });
  await page.getByText('group Welders', { exact: false }).first().waitFor();

  await page.getByRole('button', { name: 'More for this provider' }).click();
  await page.getByRole('menuitem', { name: 'Remove provider' }).click();
  const lost = dialog.getByRole('list', { name: 'What it gave' });
  await lost.getByText('Group gh-Riveters, 1 person: membership of Riveters').waitFor();
  await dialog.getByText('The 1 person whom it keeps stays as they are').waitFor();
  await looksGood('provider-removal');
  await dialog.getByLabel(/Type Yard to confirm/).fill('Yard');
  await dialog.getByRole('button', { name: 'Remove provider' }).click();
  await page.waitForURL('**/identity-providers');
  const { items } = await owner.call<{ items: Array<{ name: string; source: string }> }>('GET', '/groups?limit=100');
  expect(items.filter(({ name }) => /Riveters|Welders/.test(name)).map(({ name, source }) => [name, source])).toEqual([
    ['Riveters', 'local'],
    ['Welders', 'local'],
  ]);
});
