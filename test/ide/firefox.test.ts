import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type BidiPage, KEYS, launchFirefox } from '../support/bidi.ts';
import { type IdeSite, openIde } from '../support/ide.ts';

const FIREFOX = '/usr/bin/firefox-esr';

/** The IDE in another browser than the one that it is made with; where Debian's is installed. */
describe.runIf(existsSync(FIREFOX))('in Firefox', () => {
  let site: IdeSite;
  let page: BidiPage;
  const until = (expression: string) =>
    expect.poll(() => page.evaluate<boolean>(expression), { timeout: 45_000, interval: 200 }).toBe(true);

  /** Kept where PICTURES names a folder. */
  const picture = async (name: string) => {
    const folder = process.env['PICTURES'];
    if (folder !== undefined) writeFileSync(join(folder, `firefox-${name}.png`), await page.screenshot());
  };

  beforeAll(async () => {
    site = await openIde('firefox', { 'app.ts': 'export const answer = 42;\n' });
    await site.page.close();
    page = await launchFirefox(FIREFOX);
  }, 120_000);
  afterAll(async () => {
    await page?.end();
    await site?.end();
  });

  test('somebody signs in, runs a command, and edits and saves a file', async () => {
    const origin = inject('origin');
    await page.goto(`${origin}/signin#org=firefox&email=owner@firefox.test&password=a%20long%20enough%20password`);
    await until(`document.querySelector('button[type=submit]') !== null`);
    await page.click('button[type=submit]');
    await until(`location.pathname === '/workspaces'`);
    await page.goto(`${origin}/w/${site.workspaceId}`);
    await until(`document.querySelector('footer')?.textContent.includes('Connected') ?? false`);
    await until(`document.querySelector('.xterm textarea') !== null`);
    await page.click('.xterm');
    await page.type(`echo typed-$((40+2)) > made.txt${KEYS.Enter}`);
    await expect.poll(() => site.run('.', 'cat', 'made.txt').catch(() => ''), { timeout: 20_000 }).toBe('typed-42\n');
    // Out of the terminal, whose programs get Ctrl P themselves.
    await page.click('[role=group][aria-label="Beside the editor"] button');
    await page.press(KEYS.Control, 'p');
    await until(`document.querySelector('[role=combobox]') !== null`);
    await page.type('app.ts');
    await until(`document.querySelectorAll('[role=option]').length === 1`);
    await page.press(KEYS.Enter);
    await until(`document.querySelector('.cm-content')?.textContent.includes('answer') ?? false`);
    await page.click('.cm-content');
    await page.type('// from Firefox ');
    await page.press(KEYS.Control, 's');
    await expect.poll(() => site.read('app.ts'), { timeout: 20_000 }).toContain('// from Firefox');
    expect(await page.evaluate(`document.documentElement.scrollHeight - innerHeight`)).toBe(0);
    await picture('ide');
  }, 120_000);

  test('pages of the administration stand', async () => {
    for (const [name, shown] of [
      ['overview', '.sums a'],
      ['audit', '.grid-table tbody tr'],
    ] as const) {
      await page.goto(`${inject('origin')}/${name}`);
      await until(`document.querySelector('${shown}') !== null`);
      const beyond = 'document.documentElement.scrollWidth - innerWidth + document.documentElement.scrollHeight - innerHeight';
      expect(await page.evaluate(beyond)).toBe(0);
      await picture(name);
    }
  }, 60_000);
});
