import { afterAll, beforeAll, expect, test } from 'vitest';
import { NodePage } from '../support/node-page.ts';
import { openDatabases } from '../support/open-databases.ts';
import { type Product, signUp, startProduct, startWorkspace, until } from '../support/product.ts';
import { findWorkerd } from './processes.ts';

/** as the platform names the folder of their databases */
const OBJECTS = 'gatehouse-Workspace';
/** the platform puts an object to sleep about 10 s after its last event */
const PATIENCE_S = 60;

let product: Product;
let page: NodePage;

beforeAll(async () => {
  product = await startProduct();
  const owner = await signUp(product.origin, 'sleepy', 'a long enough password');
  await product.addRunner(owner, 'anvil');
  const workspaceId = await startWorkspace(owner, 'idle');
  page = await NodePage.load(owner, { origin: product.origin, workspaceId });
});

afterAll(async () => {
  page?.close();
  await product?.end();
});

/** Instances of workspaces' objects in memory: each holds its database open. */
const instances = () => openDatabases(findWorkerd() ?? 0, OBJECTS);

test('an idle workspace’s object sleeps with its sockets open, and wakes where it was', async () => {
  let output = '';
  const terminal = await page.terminal(null, (bytes) => (output += Buffer.from(bytes).toString()));
  terminal.type('echo awake-$((40+2))\n');
  await until(async () => output.includes('awake-42'));
  expect(instances()).toBe(1);
  for (const answer of [43, 44]) {
    await until(async () => instances() === 0, PATIENCE_S);
    terminal.type(`echo awake-$((${answer - 1}+1))\n`);
    await until(async () => output.includes(`awake-${answer}`));
    expect(instances()).toBe(1);
  }
  expect(page.closes).toEqual([]);
  expect(terminal.faults).toEqual([]);
});
