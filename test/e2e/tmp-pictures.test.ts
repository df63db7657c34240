import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { signUp, startProduct, startWorkspace, until } from '../support/product.ts';
test('pictures', async () => {
  const product = await startProduct();
  const owner = await signUp(product.origin, 'pics', 'a long enough password');
  await product.addRunner(owner, 'anvil');
  const browser = await launchBrowser();
  mkdirSync('/tmp/snap-pics', { recursive: true });
  const shots = async (name: string, path: string, sizes = [1440, 390], before?: (page: import('playwright-core').Page) => Promise<void>) => {
    for (const width of sizes) for (const colorScheme of ['light', 'dark'] as const) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
      await context.request.post(product.origin + '/api/v1/login', { data: { tenant: 'pics', email: 'owner@pics.test', password: 'a long enough password' }, headers: { Origin: product.origin } });
      const page = await context.newPage();
      await page.goto(product.origin + path);
      await page.waitForTimeout(1500);
      if (before) await before(page);
      await page.screenshot({ path: `/tmp/snap-pics/${name}-${width}-${colorScheme}.png` });
      await context.close();
    }
  };
  const id = await startWorkspace(owner, 'fraud-rules');
  await shots('off', `/workspaces/${id}/snapshots`, [1440]);
  await owner.call('PUT', '/snapshot-settings', { store: 'service', everyHours: 4, ignore: ['.cache'] }, { 'If-Match': '"0"' });
  await product.addRunner(owner, 'bellows');
  const home = join(product.stateDir, 'runner-anvil', 'workspaces', id, 'home');
  writeFileSync(join(home, 'a.bin'), Buffer.alloc(3_000_000, 'abc'));
  await owner.call('POST', `/workspaces/${id}/stop`);
  await until(async () => (await owner.call<any>('GET', `/workspaces/${id}/snapshots`)).items[0]?.state === 'done');
  writeFileSync(join(home, 'b.bin'), Buffer.alloc(300_000, 'abd'));
  await owner.call('POST', `/workspaces/${id}/snapshots`);
  await until(async () => (await owner.call<any>('GET', `/workspaces/${id}/snapshots`)).items[0]?.cause === 'asked');
  await until(async () => (await owner.call<any>('GET', `/workspaces/${id}/snapshots`)).items[0]?.state === 'done');
  await shots('list', `/workspaces/${id}/snapshots`);
  await shots('move', `/workspaces/${id}/snapshots`, [1440], async (page) => { await page.getByRole('button', { name: 'Move…' }).first().click(); await page.waitForTimeout(500); });
  await shots('settings', '/organisation/snapshots', [1440, 390], async (page) => { await page.getByText('A bucket of your organisation').click(); await page.waitForTimeout(300); });
  await shots('organisation', '/organisation', [1440]);
  await browser.close();
  await product.end();
}, 240_000);
