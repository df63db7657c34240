import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { ageSession } from '../support/aged-session.ts';
import { violations } from '../support/axe.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { startOidcProvider } from '../support/oidc/provider.mjs';
import { type SharedProduct, sharedProduct, signUp } from '../support/product.ts';
import { Terminal } from '../support/terminal.ts';

/** Single sign-on and provisioning against a real provider: from the first step of its set-up to whoever loses what they had while they watch. */

const SLUG = 'harbour-lights';
const PASSWORD = 'a long enough password';
const CLIENT = 'gatehouse';
const SUBJECT = 'nadia-at-the-provider';
const EMAIL = 'nadia@harbour.test';
const STRONG = 'urn:gatehouse:two-factors';
/** how often a page looks what there is, and a little more */
const LOOKS_AGAIN = 16_000;

let product: SharedProduct;
let browser: Browser;
let provider: Awaited<ReturnType<typeof startOidcProvider>>;
let owner: Person;
let providerId: string;

const control = async (method: string, path: string, body: object) => {
  const answer = await fetch(`${provider.url}/control/${CLIENT}${path}`, { method, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
};
const person = { sub: SUBJECT, name: 'Nadia New', email: EMAIL, email_verified: true, roles: ['ops'] };

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
  await product.addRunner(owner, 'harbour');
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
async function look(page: Page, name: string, height = 1900): Promise<void> {
  expect(await violations(page), name).toEqual([]);
  const folder = process.env['PICTURES'];
  if (folder === undefined) return;
  for (const [where, width, colorScheme] of [
    ['desk', 1440, 'light'],
    ['desk-dark', 1440, 'dark'],
    ['phone', 390, 'dark'],
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
  await page.getByText('Sessions and confirmations').click();
  await page.getByLabel('Strength of a confirmation (acr)').fill(STRONG);
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

/** What a directory does, by a token of its own. @returns the id of what it made */
async function asDirectory() {
  const { secret } = await owner.call<{ secret: string }>('POST', `/identity-providers/${providerId}/scim-tokens`, {});
  return async (method: string, path: string, body: object): Promise<string> => {
    const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/scim+json' };
    const answer = await fetch(`${product.origin}/scim/v2${path}`, { method, headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${await answer.text()}`);
    return answer.status === 204 ? '' : ((await answer.json()) as { id: string }).id;
  };
}
let directory: Awaited<ReturnType<typeof asDirectory>>;
let nadia: string;
let deck: string;
/** where she works, and another page of the same browser */
let page: Page;
let tab: Page;
let token: string;

const patch = (path: string, ...Operations: object[]) => directory('PATCH', path, { Operations });
const meOf = (at: Page) => at.evaluate(async () => (await fetch('/api/v1/me')).json() as Promise<{ session: { id: string } }>);
const statusOf = async (path: string, headers: Record<string, string>) =>
  (await fetch(`${product.origin}/api/v1${path}`, { headers })).status;

test('somebody signs in through it; what the directory gives them is there while they look', async () => {
  const { id: template } = await owner.call<{ id: string }>('POST', '/templates', {
    name: 'shell',
    description: 'A plain shell',
    spec: {},
  });
  const target = { type: 'template', id: template };
  await owner.call('POST', `/identity-providers/${providerId}/mappings`, { kind: 'name', pattern: 'Deck', target });
  directory = await asDirectory();
  nadia = await directory('POST', '/Users', { userName: EMAIL, externalId: SUBJECT, displayName: 'Nadia New', emails: [{ value: EMAIL }] });

  page = await newPage();
  await page.clock.install();
  await page.goto('/signin');
  await page.getByLabel('Organisation').fill(SLUG);
  await page.getByRole('button', { name: 'Continue with Harbour ID' }).waitFor();
  await look(page, 'sign-in');
  await page.getByRole('button', { name: 'Continue with Harbour ID' }).click();
  await page.waitForURL('**/workspaces');
  expect(await meOf(page)).toMatchObject({
    ...{ user: { id: nadia, name: 'Nadia New', roles: ['auditor'] }, session: { method: 'sso', hasKey: true } },
  });
  await page.getByText('No template is open to you yet').waitFor();
  await look(page, 'watch-nothing', 900);

  deck = await directory('POST', '/Groups', { displayName: 'Deck', members: [{ value: nadia }] });
  await page.clock.runFor(LOOKS_AGAIN);
  await page.getByRole('link', { name: 'Create a workspace from shell' }).waitFor();
  await look(page, 'watch-given', 900);
  await page.getByRole('link', { name: 'Create a workspace from shell' }).click();
  await page.getByRole('button', { name: 'Create and start' }).click();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.waitForURL(/\/w\/wsp_/);
  await (await Terminal.of(page)).run('echo aboard at $((40 + 2))', /aboard at 42/);
  await look(page, 'watch-works', 900);
});

test('out of the group, the terminal ends and says why; back in it, the same page goes on', async () => {
  await patch(`/Groups/${deck}`, { op: 'remove', path: `members[value eq "${nadia}"]` });
  await page.getByText('The members of group Deck changed').waitFor();
  expect(await page.locator('.terminal-host:visible').count()).toBe(0);
  await look(page, 'watch-taken', 900);
  await patch(`/Groups/${deck}`, { op: 'add', path: 'members', value: [{ value: nadia }] });
  await page.clock.runFor(LOOKS_AGAIN);
  await page.getByText('You may open it again').waitFor();
  await look(page, 'watch-given-back', 900);
  await page.getByRole('button', { name: 'Open it' }).click();
  // Who drives is told a moment after the screen is back.
  await page.locator('.xterm-helper-textarea:not([readonly])').waitFor({ state: 'attached' });
  await (await Terminal.of(page)).run('echo back at $((40 + 3))', /back at 43/);
});

test('what needs a proof of this moment leads to the provider and back, which must ask strongly enough', async () => {
  tab = await page.context().newPage();
  tab.setDefaultTimeout(30_000);
  await tab.goto('/account');
  ageSession(inject('stateDir'), (await meOf(tab)).session.id, 20);
  const asked = await tab.evaluate(async () => {
    const body = JSON.stringify({ name: 'ci', scopes: ['workspace:read-own'] });
    const answer = await fetch('/api/v1/me/tokens', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    return (await answer.json()) as { code: string };
  });
  expect(asked.code).toBe('step-up-required');

  const confirm = async () => {
    await tab.goto('/account');
    await tab.getByRole('button', { name: 'New token' }).click();
    await tab.getByText('Confirm that it is you').waitFor();
  };
  await confirm();
  await look(tab, 'step-up-asked', 900);
  await tab.getByRole('button', { name: 'Confirm at your provider' }).click();
  await tab.getByText('did not ask you as strongly as your organisation wants it').waitFor();
  await look(tab, 'step-up-weak', 900);
  await tab.getByRole('link', { name: 'Back to Gatehouse' }).click();
  await tab.waitForURL('**/workspaces');
  await control('PUT', '', { person, acr: STRONG });
  await confirm();
  await tab.getByRole('button', { name: 'Confirm at your provider' }).click();
  await tab.waitForURL('**/account');
  await tab.getByRole('button', { name: 'New token' }).click();
  await tab.getByLabel('Name', { exact: true }).fill('ci');
  await tab.getByLabel('Workspaces').first().check();
  await tab.getByRole('button', { name: 'Make the token' }).click();
  token = await tab.locator('code', { hasText: 'gh_' }).first().innerText();
  expect(await statusOf('/token', { Authorization: `Bearer ${token}` })).toBe(200);
});

test('disabled in the directory, they are out everywhere at once, and every page says so', async () => {
  await tab.goto('/workspaces');
  await tab.getByRole('heading', { name: 'Workspaces' }).waitFor();
  await patch(`/Users/${nadia}`, { op: 'replace', path: 'active', value: false });
  expect(await statusOf('/token', { Authorization: `Bearer ${token}` })).toBe(401);
  await page.getByText('You are signed out').waitFor();
  expect(await page.locator('.terminal-host:visible').count()).toBe(0);
  await look(page, 'watch-suspended', 900);
  await tab.clock.runFor(LOOKS_AGAIN);
  await tab.getByText('Your session has ended').waitFor();
  await look(tab, 'watch-signed-out', 900);
  expect(await page.evaluate(async () => (await fetch('/api/v1/me')).status)).toBe(401);

  await page.getByRole('link', { name: 'Sign in' }).click();
  await page.getByRole('button', { name: 'Continue with Harbour ID' }).click();
  await page.getByText('Your account may not sign in here any more').waitFor();
  await look(page, 'watch-refused', 900);
});

test('let in again by a tile of the provider’s portal, they are out the moment the provider says so', async () => {
  await patch(`/Users/${nadia}`, { op: 'replace', path: 'active', value: true });
  // Such a tile begins at once.
  await tab.goto(`/sso/start?organisation=${SLUG}&provider=${providerId}`);
  await tab.waitForURL('**/workspaces');
  await tab.getByRole('heading', { name: 'Workspaces' }).waitFor();
  await control('POST', '/logout', { sub: SUBJECT });
  expect(await tab.evaluate(async () => (await fetch('/api/v1/me')).status)).toBe(401);
  await tab.clock.runFor(LOOKS_AGAIN);
  await tab.getByText('Your session has ended').waitFor();

  // What the provider refuses is said.
  await tab.goto('/sso/callback?error=access_denied&state=ghl_nothing');
  await tab.getByText('That did not work').waitFor();
  expect(new URL(tab.url()).search).toBe('');
  await look(tab, 'callback-refused');
  await tab.context().close();
});
