import type { ChildProcess } from 'node:child_process';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { stopRunner } from '../../scripts/local-runner.ts';
import { launchBrowser } from '../support/browser.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';
import { Terminal } from '../support/terminal.ts';
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
  browser = await launchBrowser(['--disable-3d-apis']);
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

/** What a terminal shows, as one line however it was wrapped. */
const line = async (terminal: Terminal) => (await terminal.text()).replaceAll('\n', '');

test('workerd is killed under an open terminal: the page comes back by itself and shows every number once', async () => {
  const terminal = await Terminal.of(page);
  // Quoted apart, so that the echoed command is not taken for its output.
  await terminal.type(
    `clear; echo kept > kept.txt; printf 'be''gin,'; for i in $(seq ${LAST}); do printf '%s,' $i; sleep 0.05; done; echo e''nd\n`,
  );
  await terminal.shows(/begin,1,2,3,4,5,/);
  await killWorkerd(product);
  await terminal.shows(/end\n/);
  const shown = /begin,(.*),end/
    .exec(await line(terminal))?.[1]
    ?.split(',')
    .map(Number);
  expect(shown).toEqual(Array.from({ length: LAST }, (_, index) => index + 1));
  expect(await terminal.run('echo typed-$((40+2))')).toContain('typed-42');
});

test('the runner is killed: the page says that the terminal is gone, a new one works, the files are kept', async () => {
  runner = await killRunner(product, runner, RUNNER);
  await page
    .getByRole('status')
    .filter({ hasText: /terminal/i })
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'New terminal' }).click();
  const terminal = await Terminal.of(page);
  expect(await terminal.run('echo file-$(cat kept.txt)')).toContain('file-kept');
});
