import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { type SharedProduct, sharedProduct, signUp, startWorkspace, until } from '../support/product.ts';

/** A policy that requires recording, a person who works, a runner that is killed, and an analyst who finds the command and watches it. */

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });
const SLUG = 'tideway';
const PASSWORD = 'a long enough password';

let product: SharedProduct;
let browser: Browser;
let owner: Person;
let workspaceId: string;

beforeAll(async () => {
  [product, browser] = await Promise.all([sharedProduct(SLUG), launchBrowser()]);
  owner = await signUp(product.origin, SLUG, PASSWORD);
  await product.addRunner(owner, 'recorder');
  await owner.call('PUT', '/tenant/policy', { values: { recording: 'required' } }, { 'If-Match': '"0"' });
  workspaceId = await startWorkspace(owner, 'settlement');
  await owner.call('POST', '/invitations', { email: 'ana@tideway.test', roles: ['auditor'] });
  const token = await mailedSecret(product.origin, 'ana@tideway.test');
  await new Person(product.origin).call('POST', '/invitations/accept', { token, name: 'Ana Analyst', password: PASSWORD });
});
afterAll(async () => {
  await browser?.close();
  await product?.end();
});

async function open(email: string): Promise<Page> {
  const context = await browser.newContext({ baseURL: product.origin });
  await signInBrowser(context, product.origin, { tenant: SLUG, email, password: PASSWORD });
  return context.newPage();
}

async function type(page: Page, command: string): Promise<void> {
  await page.locator('.xterm-helper-textarea').first().focus();
  await page.keyboard.type(`${command}\n`, { delay: 10 });
}

const found = async (q: string) =>
  (await owner.call<{ items: { recording: { id: string }; text: string }[] }>('GET', `/recordings/search?${new URLSearchParams({ q })}`))
    .items;

test('what a person does is found and watched, also what came after its runner was killed', async () => {
  const work = await open(`owner@${SLUG}.test`);
  await work.goto(`/w/${workspaceId}`);
  await work.getByText('Recording', { exact: true }).waitFor();
  await work.locator('.xterm-helper-textarea').first().waitFor({ state: 'attached' });
  await type(work, 'echo before-$((6*7)) transfer');
  await until(async () => (await found('before-42 transfer')).length > 0, 60);
  await product.killRunner('recorder');
  await type(work, 'echo after-$((6*7)) transfer');
  await until(async () => (await found('after-42 transfer')).length > 0, 90);
  const [first] = await found('before-42 transfer');
  const [second] = await found('after-42 transfer');
  expect(second?.recording.id).toBe(first?.recording.id);

  const look = await open('ana@tideway.test');
  await look.goto('/recordings');
  await look.getByRole('link', { name: 'Terminal 1' }).waitFor();
  await look.goto(`/recordings?${new URLSearchParams({ q: 'after-42 transfer' })}`);
  await look.getByRole('link', { name: 'after-42 transfer' }).click();
  await look.getByRole('button', { name: /^Watch/ }).click();
  await look.getByRole('button', { name: /echo after-/ }).waitFor();
  await look.locator('.ap-player, .ap-wrapper').first().waitFor();

  for (const [action, name] of [
    ['recording.start', 'recorder'],
    ['recording.search', 'Ana Analyst'],
    ['recording.watch', 'Ana Analyst'],
  ] as const) {
    const query = new URLSearchParams({ filter: `action eq "${action}" and actor.name eq "${name}"` });
    const { items } = await owner.call<{ items: unknown[] }>('GET', `/audit/events?${query}`);
    expect(items, `${action} of ${name}`).not.toEqual([]);
  }
});
