import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { type SharedProduct, sharedProduct, signUp, until } from '../support/product.ts';
import { Terminal } from '../support/terminal.ts';

/** Who may use what, from an empty organisation to somebody who loses it while they watch. */

const PASSWORD = 'a long enough password';
const HOURS = 3_600_000;

let product: SharedProduct;
let browser: Browser;
let owner: Person;
let ownersPage: Page;
let newcomersPage: Page;
let devs: string;
let oncall: string;
let newcomer: { id: string; api: Person };

interface Named {
  id: string;
  name: string;
}
const idNamed = async (path: string, name: string) =>
  (await owner.call<{ items: Named[] }>('GET', path)).items.find((each) => each.name === name)?.id ?? '';

const pageOf = async (email: string): Promise<Page> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await signInBrowser(context, product.origin, { tenant: 'fresh', email, password: PASSWORD });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  return page;
};

async function join(name: string): Promise<{ id: string; api: Person }> {
  const email = `${name.toLowerCase()}@fresh.test`;
  await owner.call('POST', '/invitations', { email, roles: [] });
  const api = new Person(product.origin);
  await api.call('POST', '/invitations/accept', { token: await mailedSecret(product.origin, email), name, password: PASSWORD });
  const { user } = await api.call<{ user: { id: string } }>('GET', '/me');
  return { id: user.id, api };
}

const grant = async (templateId: string, items: object[]) => {
  const { headers } = await owner.ask('GET', `/templates/${templateId}/acl`);
  await owner.call('PUT', `/templates/${templateId}/acl`, { items }, { 'If-Match': headers.get('etag') ?? '' });
};
const seenBy = async (person: Person) =>
  (await person.call<{ items: Array<{ name: string; role: string }> }>('GET', '/templates')).items.map(
    ({ name, role }) => `${name}: ${role}`,
  );

beforeAll(async () => {
  [product, browser] = await Promise.all([sharedProduct('fresh'), launchBrowser(['--disable-3d-apis'])]);
  owner = await signUp(product.origin, 'fresh', PASSWORD);
  await product.addRunner(owner, 'fresh');
});

afterAll(async () => {
  await browser?.close();
  await product?.end();
});

test('groups, one of them inside another, are made by hand', async () => {
  ownersPage = await pageOf('owner@fresh.test');
  for (const name of ['Devs', 'Platform Engineers', 'On call']) {
    await ownersPage.goto(`${product.origin}/groups?new`);
    await ownersPage.getByLabel('Name', { exact: true }).fill(name);
    await ownersPage.getByRole('button', { name: 'Create group' }).click();
    await ownersPage.getByRole('heading', { name }).first().waitFor();
  }
  devs = await idNamed('/groups', 'Devs');
  oncall = await idNamed('/groups', 'On call');
  await owner.call('PATCH', `/groups/${devs}/members`, { add: [{ type: 'group', id: oncall }] });
});

test('each template is for whom its list names, and a list is empty at first', async () => {
  const [shell, platform] = await Promise.all(
    ['shell', 'platform'].map((name) => owner.call<Named>('POST', '/templates', { name, spec: {} })),
  );
  const engineers = await idNamed('/groups', 'Platform Engineers');
  newcomer = await join('Nina');
  expect(await seenBy(newcomer.api)).toEqual([]);
  const expiresAt = new Date(Date.now() + 8 * HOURS).toISOString();
  await grant(shell?.id ?? '', [{ subject: { type: 'group', id: devs }, role: 'use' }]);
  await grant(platform?.id ?? '', [
    { subject: { type: 'group', id: engineers }, role: 'admin' },
    { subject: { type: 'group', id: oncall }, role: 'use', expiresAt },
  ]);
});

test('a new person joins the group and can code at once, and nothing else', async () => {
  await owner.call('PATCH', `/groups/${oncall}/members`, { add: [{ type: 'user', id: newcomer.id }] });
  expect((await seenBy(newcomer.api)).sort()).toEqual(['platform: use', 'shell: use']);
  const templateId = await idNamed('/templates', 'shell');
  const { id } = await newcomer.api.call<Named>('POST', '/workspaces', { templateId, name: 'box' });
  await until(async () => (await newcomer.api.call<{ phase: string }>('GET', `/workspaces/${id}`)).phase === 'running');
  newcomersPage = await pageOf('nina@fresh.test');
  await newcomersPage.goto(`${product.origin}/w/${id}`);
  const terminal = await Terminal.of(newcomersPage);
  await terminal.run('echo coding at $((40 + 2))', /coding at 42/);
});

test('the permissions page says why somebody may: through which groups, and until when', async () => {
  const platform = await idNamed('/templates', 'platform');
  const told = await owner.call<{ role: string | null; paths: unknown[] }>('GET', `/templates/${platform}/access?userId=${newcomer.id}`);
  expect(told.role).toBe('use');
  expect(JSON.stringify(told)).toContain('On call');
});

test('whoever is removed from the group sees the terminal end, and why; the workspace is theirs to stop', async () => {
  await ownersPage.goto(`${product.origin}/groups/${oncall}`);
  const row = ownersPage.getByRole('row', { name: /Nina/ });
  await row.getByRole('button', { name: /Remove/ }).click();
  const dialog = ownersPage.getByRole('dialog');
  await dialog
    .getByText(/loses?/i)
    .first()
    .waitFor();
  await dialog.getByRole('button', { name: /Remove/ }).click();
  await newcomersPage.getByText('The members of group On call changed').waitFor();
  await newcomersPage.getByRole('button', { name: 'Stop' }).first().click();
  const { items } = await newcomer.api.call<{ items: Array<{ desired: string }> }>('GET', '/workspaces');
  await until(async () => {
    const now = await newcomer.api.call<{ items: Array<{ desired: string }> }>('GET', '/workspaces');
    return now.items.length === items.length && now.items.every(({ desired }) => desired === 'stopped');
  });
});

test('all of it stands in the log, in sentences', async () => {
  await ownersPage.goto(`${product.origin}/audit`);
  for (const words of ['changed the members of group On call', 'changed who may use template shell', 'created group Devs'])
    await ownersPage.getByText(words).first().waitFor();
});
