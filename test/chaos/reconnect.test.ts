import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { stopRunner } from '../../scripts/local-runner.ts';
import { launchBrowser } from '../support/browser.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';
import { killRunner, killWorkerd } from './kill.ts';

const PASSWORD = 'a long enough password';
const RUNNER = 'anvil';
const LAST = 160;

let product: Product;
let owner: Person;
let runner: ChildProcess;
let browser: Browser;
let page: Page;
let workspaceId: string;

beforeAll(async () => {
  product = await startProduct();
  owner = await signUp(product.origin, 'chaos', PASSWORD);
  runner = await product.addRunner(owner, RUNNER);
  const template = { name: 'plain', spec: { driver: 'bubblewrap' } };
  const { id } = await owner.call<{ id: string }>('POST', '/templates', template);
  const workspace = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: id, name: 'bench' });
  workspaceId = workspace.id;
  await until(async () => (await owner.call<{ phase: string }>('GET', `/workspaces/${workspaceId}`)).phase === 'running');
  browser = await launchBrowser();
  page = await signedInPage();
});

afterAll(async () => {
  await browser.close();
  await stopRunner(runner);
  await product.end();
});

async function signedInPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const [name = '', value = ''] = owner.cookie.split('=');
  await context.addCookies([{ name, value, domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' }]);
  const opened = await context.newPage();
  await opened.goto(`${product.origin}/w/${workspaceId}`);
  return opened;
}

const terminal = () => page.getByRole('tabpanel').locator('.xterm').last();

/** What the terminal shows, rows joined as they were wrapped. */
async function screen(): Promise<string> {
  const rows = await terminal().locator('.xterm-rows > div').allTextContents();
  return rows.map((row) => row.replaceAll('\u00a0', ' ').trimEnd()).join('');
}

async function type(line: string): Promise<void> {
  await terminal().click();
  await page.keyboard.type(`${line}\n`);
}

test('workerd is killed under an open terminal: the page comes back by itself and shows every number once', async () => {
  await until(async () => (await terminal().count()) > 0 && (await screen()).includes('$'));
  await type(`clear; echo kept > kept.txt; printf 'b''egin,'; for i in $(seq ${LAST}); do printf '%s,' $i; sleep 0.05; done; echo e''nd`);
  await until(async () => (await screen()).includes('begin,1,2,3,4,5,'));
  await killWorkerd(product);
  await until(async () => (await screen()).includes('end'), 60);
  const shown = /begin,(.*),end/
    .exec(await screen())?.[1]
    ?.split(',')
    .map(Number);
  expect(shown).toEqual(Array.from({ length: LAST }, (_, index) => index + 1));
  await type('echo typed-$((40+2))');
  await until(async () => (await screen()).includes('typed-42'));
});

test('the runner is killed: the page says that the terminal is gone, a new one works, the files are kept', async () => {
  runner = await killRunner(product, runner, RUNNER);
  await page
    .getByRole('status')
    .filter({ hasText: /terminal/i })
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'New terminal' }).click();
  await until(async () => (await screen()).includes('$'));
  await type('echo file-$(cat kept.txt)');
  await until(async () => (await screen()).includes('file-kept'));
  const home = join(product.stateDir, `runner-${RUNNER}`, 'workspaces', workspaceId, 'home');
  expect(readFileSync(join(home, 'kept.txt'), 'utf8')).toBe('kept\n');
});
