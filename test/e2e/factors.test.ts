import { Secret, TOTP } from 'otpauth';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mailedSecret } from '../../scripts/api.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { type SharedProduct, sharedProduct, signUp, startWorkspace, until } from '../support/product.ts';
import { Terminal } from '../support/terminal.ts';

/** Passkeys by Chromium's own authenticator, an app's codes, and the way of somebody who must set up a factor first: on the pages, by keyboard and eye. */

const SLUG = 'meridian-rail';
const EMAIL = `owner@${SLUG}.test`;
const PASSWORD = 'a long enough password';
const NEW_PASSWORD = 'seven quiet lanterns';

let product: SharedProduct;
let browser: Browser;

beforeAll(async () => {
  [product, browser] = await Promise.all([sharedProduct(SLUG), launchBrowser(['--disable-3d-apis'])]);
  const owner = await signUp(product.origin, SLUG, PASSWORD);
  await owner.call('POST', '/invitations', { email: 'dana@meridian.test', roles: [] });
});

afterAll(async () => {
  await browser?.close();
  await product?.end();
});

/** A browser of its own whose platform authenticator says yes to everything. */
async function newBrowser(): Promise<{ context: BrowserContext; page: Page }> {
  const context = await browser.newContext({ baseURL: product.origin, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const devtools = await context.newCDPSession(page);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      ...{ protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true },
      ...{ isUserVerified: true, automaticPresenceSimulation: true },
    },
  });
  return { context, page };
}

async function typePassword(page: Page, password = PASSWORD): Promise<void> {
  // A change of the fragment alone loads no page.
  await page.goto('about:blank');
  await page.goto(`/signin#${new URLSearchParams({ org: SLUG, email: EMAIL, password })}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

async function keepCodes(page: Page, done: string): Promise<string[]> {
  const list = page.getByRole('list', { name: 'Recovery codes' });
  await list.waitFor();
  const codes = await list.getByRole('listitem').allInnerTexts();
  expect(codes).toHaveLength(10);
  await page.getByLabel('I have kept these codes').check();
  await page.getByRole('button', { name: done }).click();
  return codes;
}

test('a passkey is made on the account page, signs in without typing anything, and can be removed', async () => {
  const { context, page } = await newBrowser();
  await typePassword(page);
  await page.waitForURL('**/workspaces');
  await page.goto('/account/security');
  await page.getByText('No passkey yet').waitFor();
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByRole('button', { name: 'Make the passkey' }).click();
  const [code = ''] = await keepCodes(page, 'Done');
  await page.getByText('Chrome on Linux', { exact: true }).waitFor();
  await page.getByText('10 codes left').waitFor();

  await context.clearCookies();
  await page.goto('/signin');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL('**/workspaces');

  // Without the passkey: the password asks for more, and a recovery code lets in.
  await context.clearCookies();
  await typePassword(page);
  await page.getByText('One more step').waitFor();
  await page.getByRole('button', { name: 'Use a recovery code' }).click();
  await page.getByLabel('Recovery code').fill(code);
  await page.keyboard.press('Enter');
  await page.waitForURL('**/workspaces');

  await page.goto('/account/security');
  await page.getByText('9 codes left').waitFor();
  await page.getByRole('button', { name: 'Remove Chrome on Linux' }).click();
  await page.getByRole('button', { name: 'Remove the passkey' }).click();
  await page.getByText('No passkey yet').waitFor();
  await context.close();
});

test('an organisation that requires two factors leads people to set one up, and then to where they were going', async () => {
  const { context, page } = await newBrowser();
  await typePassword(page);
  await page.waitForURL('**/workspaces');
  await page.goto('/account/security');
  await page.getByRole('listitem').filter({ hasText: 'Authenticator app' }).getByRole('button', { name: 'Set up' }).click();
  await page.getByRole('img', { name: 'Picture to scan' }).waitFor();
  await page.getByText('I can’t scan it').click();
  const secret = (await page.locator('.copy-line code').innerText()).replaceAll(' ', '');
  const codeNow = (shift = 0) => new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp: Date.now() + shift * 30_000 });
  await page.getByLabel('Code that the app shows').fill(codeNow(-1));
  await page.keyboard.press('Enter');
  await keepCodes(page, 'Done');
  await page.goto('/organisation');
  await page.getByRole('button', { name: 'Require', exact: true }).click();
  await page.getByRole('button', { name: 'Require two factors' }).click();
  await page.getByText('Required', { exact: true }).waitFor();

  await context.clearCookies();
  await typePassword(page);
  await page.getByLabel('Code of your app').fill('000000');
  await page.keyboard.press('Enter');
  await page.getByText('The code is wrong or was used').waitFor();
  await page.getByLabel('Code of your app').fill(codeNow());
  await page.keyboard.press('Enter');
  await page.waitForURL('**/workspaces');

  // Somebody who has only a password: their first one.
  const other = await newBrowser();
  await other.page.goto(`/invite#${await mailedSecret(product.origin, 'dana@meridian.test')}`);
  await other.page.getByLabel('Your name').fill('Dana Developer');
  await other.page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await other.page.keyboard.press('Enter');
  await other.page.waitForURL('**/second-factor?next=%2Fworkspaces');
  await other.page.goto('/account');
  await other.page.waitForURL('**/second-factor?next=%2Faccount');
  await other.page.getByRole('button', { name: 'Make a passkey' }).click();
  await other.page.getByRole('button', { name: 'Make the passkey' }).click();
  await keepCodes(other.page, 'Go on');
  await other.page.waitForURL('**/account');
  await Promise.all([context.close(), other.context.close()]);
});

test('a forgotten password is set anew by the mailed link, and the second factor is still asked for', async () => {
  const { context, page } = await newBrowser();
  await page.goto('/reset');
  await page.getByLabel('Organisation').fill(SLUG);
  await page.getByLabel('E-mail').fill(EMAIL);
  await page.keyboard.press('Enter');
  await page.getByText('Look into your mailbox').waitFor();
  let secret = '';
  await until(async () => (secret = await mailedSecret(product.origin, EMAIL)).startsWith('ghw_'));
  await page.goto(`/reset/new#${secret}`);
  await page.getByLabel('New password').fill('Password1234');
  await page.keyboard.press('Enter');
  await page.getByText('among the passwords of known breaches').waitFor();
  await page.getByLabel('New password').fill(NEW_PASSWORD);
  await page.keyboard.press('Enter');
  await page.getByText('Your password is set').waitFor();
  expect(page.url()).not.toContain(secret);
  await typePassword(page, NEW_PASSWORD);
  await page.getByLabel('Code of your app').waitFor();
  await context.close();
});

test(
  'a workspace that asks for a passkey says so over the work, leads to where one is made, and opens by one press',
  { timeout: 120_000 },
  async () => {
    const owner = await signUp(product.origin, 'presence', PASSWORD);
    await product.addRunner(owner, 'presence');
    const id = await startWorkspace(owner, 'box');

    const { context, page } = await newBrowser();
    await signInBrowser(context, product.origin, { tenant: 'presence', email: 'owner@presence.test', password: PASSWORD });
    await page.goto(`/w/${id}`);
    await (await Terminal.of(page)).run('echo working at $((40 + 2))', /working at 42/);
    await owner.call('PUT', '/tenant/policy', { values: { stepUp: 4 } }, { 'If-Match': '"0"' });
    await page.getByText('Show your passkey to go on').waitFor();
    await page.getByText('every 4 hours').waitFor();
    expect(await page.getByRole('link', { name: 'Register a passkey' }).getAttribute('href')).toBe('/account/security');

    await page.goto('/account/security');
    await page.getByRole('button', { name: 'Add a passkey' }).click();
    await page.getByRole('button', { name: 'Make the passkey' }).click();
    await keepCodes(page, 'Done');
    await page.goto(`/w/${id}`);
    await page.getByRole('button', { name: 'Use your passkey' }).click();
    await (await Terminal.of(page)).run('echo back at $((40 + 2))', /back at 42/);
    await page.reload();
    await (await Terminal.of(page)).run('echo unasked at $((40 + 2))', /unasked at 42/);
    await context.close();
  },
);
