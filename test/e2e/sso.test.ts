import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { violations } from '../support/axe.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { startOidcProvider } from '../support/oidc/provider.mjs';
import { type SharedProduct, sharedProduct, signUp } from '../support/product.ts';

/** Single sign-on against a real provider, from the first step of its set-up to the provider that ends a session while one watches. */

const SLUG = 'harbour-lights';
const PASSWORD = 'a long enough password';
const CLIENT = 'gatehouse';
const SUBJECT = 'nadia-at-the-provider';

let product: SharedProduct;
let browser: Browser;
let provider: Awaited<ReturnType<typeof startOidcProvider>>;
let owner: Person;
let providerId: string;

const control = async (method: string, path: string, body: object) => {
  const answer = await fetch(`${provider.url}/control/${CLIENT}${path}`, { method, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
};
const person = { sub: SUBJECT, name: 'Nadia New', email: 'nadia@harbour.test', email_verified: true, roles: ['ops'] };

beforeAll(async () => {
  [product, browser, provider] = await Promise.all([
    sharedProduct(SLUG),
    launchBrowser(['--disable-3d-apis']),
    startOidcProvider({ deliver: true }),
  ]);
  owner = await signUp(product.origin, SLUG, PASSWORD);
  ({ id: providerId } = await owner.call<{ id: string }>('POST', '/identity-providers', { name: 'Harbour ID', preset: 'keycloak' }));
  const client = { client_secret: 'hush', redirect_uris: [`${product.origin}/sso/callback`], response_types: ['code'] };
  const logout = { backchannel_logout_uri: await logoutAddress(), grant_types: ['authorization_code'] };
  await control('PUT', '', { client: { ...client, ...logout }, person });
});

afterAll(async () => {
  await browser?.close();
  await product?.end();
  await provider?.close();
});

const logoutAddress = async () => {
  const { addresses } = await owner.call<{ addresses: { backChannelLogout: string } }>('GET', `/identity-providers/${providerId}/oidc`);
  return addresses.backChannelLogout;
};

async function newPage(): Promise<Page> {
  const context = await browser.newContext({ baseURL: product.origin, viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  return page;
}

/** Nothing that axe finds; with PICTURES, a picture on a desk in light and on a phone in dark. */
async function look(page: Page, name: string): Promise<void> {
  expect(await violations(page), name).toEqual([]);
  const folder = process.env['PICTURES'];
  if (folder === undefined) return;
  for (const [where, width, height, colorScheme] of [
    ['desk', 1440, 1900, 'light'],
    ['desk-dark', 1440, 1900, 'dark'],
    ['phone', 390, 1900, 'dark'],
  ] as const) {
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: join(folder, `${name}-${where}.png`) });
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.emulateMedia({ colorScheme: 'light' });
}

test('it is set up step by step, each with its test', async () => {
  const page = await newPage();
  await signInBrowser(page.context(), product.origin, { tenant: SLUG, email: `owner@${SLUG}.test`, password: PASSWORD });
  await page.goto(`/identity-providers/${providerId}/sign-in`);
  await page.getByText('In the realm, make a client').waitFor();
  await look(page, 'set-up-empty');
  await page.getByLabel('Issuer').fill('http://idp.example');
  await page.getByLabel('Client ID').fill(CLIENT);
  await page.getByLabel('Client secret', { exact: true }).last().fill('hush');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Issuer must begin with https://').waitFor();
  await page.getByLabel('Issuer').fill(provider.url);
  await page.getByLabel('Scopes').fill('openid profile email groups');
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByText('Not asked yet').waitFor();
  await page.getByRole('button', { name: 'Ask the provider' }).click();
  await page.getByRole('list', { name: 'Checks' }).getByText('It checks who a code was made for (S256).').waitFor();

  await page.getByLabel('Claim for roles').fill('roles');
  await page.getByRole('button', { name: 'Add a role' }).click();
  await page.getByLabel('Value 1 of the claim').fill('ops');
  await page.getByLabel('Role for value 1').selectOption('Auditor');
  await page.getByRole('button', { name: 'Save the mapping' }).click();
  await page.getByRole('button', { name: 'Test sign-in' }).click();
  await page.getByText('Would be refused').waitFor();
  await page.getByText('does not add people by signing in').waitFor();
  await page.getByLabel('Anybody who can sign in there').check();
  await page.getByRole('button', { name: 'Save the mapping' }).click();
  await page.getByText('Saved', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Test sign-in' }).click();
  await page.getByText('Would be added').waitFor();
  await page.getByText('auditor', { exact: true }).waitFor();
  await page.getByText('All claims of the token').click();
  await page.getByText(SUBJECT).waitFor();
  await page.getByRole('button', { name: 'Switch on' }).click();
  await page.getByRole('button', { name: 'Switch off' }).waitFor();
  await look(page, 'set-up-done');
  await page.context().close();
});

test('a mail domain is claimed, and who comes in without is named', async () => {
  const page = await newPage();
  await signInBrowser(page.context(), product.origin, { tenant: SLUG, email: `owner@${SLUG}.test`, password: PASSWORD });
  await page.goto('/identity-providers/domains');
  await page.getByLabel('Domain', { exact: true }).fill('harbour.test');
  await page.getByRole('button', { name: 'Claim domain' }).click();
  await page.getByText('_gatehouse.harbour.test').waitFor();
  await page.getByLabel('Provider of harbour.test').selectOption('Harbour ID');
  await page.getByText('At least one owner with a second factor is needed').waitFor();
  await look(page, 'domains');
  await page.context().close();
});

test('somebody signs in through it, and is out the moment the provider says so', async () => {
  const page = await newPage();
  await page.goto('/signin');
  await page.getByLabel('Organisation').fill(SLUG);
  await page.getByRole('button', { name: 'Continue with Harbour ID' }).waitFor();
  await look(page, 'sign-in');
  await page.getByRole('button', { name: 'Continue with Harbour ID' }).click();
  await page.waitForURL('**/workspaces');
  const me = await page.evaluate(async () => (await fetch('/api/v1/me')).json());
  expect(me).toMatchObject({ user: { name: 'Nadia New', roles: ['auditor'] }, session: { method: 'sso', hasKey: true } });

  await control('POST', '/logout', { sub: SUBJECT });
  await page.waitForURL('**/signin**');
  const { status } = await page.evaluate(async () => ({ status: (await fetch('/api/v1/me')).status }));
  expect(status).toBe(401);

  // A tile in the provider's portal begins at once; what the provider refuses is said.
  await page.goto(`/sso/start?organisation=${SLUG}&provider=${providerId}`);
  await page.waitForURL('**/workspaces');
  await page.goto('/sso/callback?error=access_denied&state=ghl_nothing');
  await page.getByText('That did not work').waitFor();
  expect(new URL(page.url()).search).toBe('');
  await look(page, 'callback-refused');
  await page.context().close();
});
