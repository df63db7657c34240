import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Person } from '../../scripts/api.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { type Product, signUp, startProduct, startWorkspace } from '../support/product.ts';
import { Terminal } from '../support/terminal.ts';
import { killWorkerd } from './kill.ts';

const PASSWORD = 'a long enough password';
const RUNNER = 'anvil';
const LAST = 160;

let product: Product;
let owner: Person;
let browser: Browser;
let page: Page;
let workspaceId: string;

beforeAll(async () => {
  product = await startProduct();
  owner = await signUp(product.origin, 'chaos', PASSWORD);
  await product.addRunner(owner, RUNNER);
  workspaceId = await startWorkspace(owner, 'bench');
  browser = await launchBrowser(['--disable-3d-apis']);
  page = await signedInPage();
});

afterAll(async () => {
  await browser.close();
  await product.end();
});

async function signedInPage(): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  await signInBrowser(context, product.origin, { tenant: 'chaos', email: 'owner@chaos.test', password: PASSWORD });
  const opened = await context.newPage();
  await opened.goto(`${product.origin}/w/${workspaceId}`);
  return opened;
}

/** What a terminal shows, as one line however it was wrapped. */
const line = async (terminal: Terminal) => (await terminal.text()).replaceAll('\n', '');

/** Types a command that counts, and breaks something under it. @returns what it was seen to count */
async function countUnder(terminal: Terminal, harm: () => Promise<void>): Promise<number[] | undefined> {
  // Quoted apart, so that the echoed command is not taken for its output.
  await terminal.type(`clear; printf 'be''gin,'; for i in $(seq ${LAST}); do printf '%s,' $i; sleep 0.05; done; echo e''nd\n`);
  await terminal.shows(/begin,1,2,3,4,5,/);
  await harm();
  await terminal.shows(/end\n/);
  return /begin,(.*),end/
    .exec(await line(terminal))?.[1]
    ?.split(',')
    .map(Number);
}

const everyNumber = Array.from({ length: LAST }, (_, index) => index + 1);

test('workerd is killed under an open terminal: the page comes back by itself and shows every number once', async () => {
  const terminal = await Terminal.of(page);
  await terminal.run('echo kept > kept.txt');
  expect(await countUnder(terminal, () => killWorkerd(product))).toEqual(everyNumber);
  expect(await terminal.run('echo typed-$((40+2))')).toContain('typed-42');
});

test('a line that is just full when workerd is killed goes on on the next, in a terminal of the same size', async () => {
  const terminal = await Terminal.of(page);
  await terminal.run('stty size > size.txt');
  await terminal.type(
    `clear; wide=$(cut -d' ' -f2 size.txt); printf "%0$((wide - 1))d," 0; sleep 8; echo 1,2; stty size | diff - size.txt && echo s''ame\n`,
  );
  await terminal.shows(/^0+,$/m);
  await killWorkerd(product);
  await terminal.shows(/^0+,\n1,2\nsame\n/m);
});

test('the runner is killed under an open terminal: the program goes on, and the page shows every number once', async () => {
  const terminal = await Terminal.of(page);
  const counted = await countUnder(terminal, () => product.killRunner(RUNNER));
  expect(counted).toEqual(everyNumber);
  expect(await terminal.run('echo typed-$((40+2))')).toContain('typed-42');
});

test('the sandbox dies with the runner: the page says that the terminal is gone, a new one works, the files are kept', async () => {
  const record = join(product.stateDir, `runner-${RUNNER}`, 'workspaces', workspaceId, 'sandbox.json');
  const { first } = JSON.parse(await readFile(record, 'utf8')) as { first: { pid: number } };
  // Or the runner would see it first.
  product.runner(RUNNER).kill('SIGSTOP');
  process.kill(first.pid, 'SIGKILL');
  await product.killRunner(RUNNER);
  await page.getByRole('status').filter({ hasText: 'The workspace did not survive the restart of its runner' }).first().waitFor();
  await page.getByRole('button', { name: 'New terminal', exact: true }).click();
  const terminal = await Terminal.of(page);
  expect(await terminal.run('echo file-$(cat kept.txt)')).toContain('file-kept');
});
