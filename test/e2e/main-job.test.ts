import { type ChildProcess, execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AuditEvent } from '@gatehouse/core/audit/event.ts';
import { Person } from '../../scripts/api.ts';
import { runRunner } from '../../scripts/local-runner.ts';
import { archivedEvents } from '../support/archive.ts';
import { launchBrowser } from '../support/browser.ts';
import { serveGit } from '../support/git-server.ts';
import { startHecDouble } from '../support/hec-double.mjs';
import { ROOT } from '../support/place.ts';
import { type Product, startProduct, until } from '../support/product.ts';
import { Terminal } from '../support/terminal.ts';

/** The whole path, as its users walk it, each step on what the one before left. */

const PASSWORD = 'a long enough password';
const HEC_TOKEN = '8a1f7a40-0000-4000-8000-gatehouse-e2e';

let product: Product;
let hec: Awaited<ReturnType<typeof startHecDouble>>;
let git: Awaited<ReturnType<typeof serveGit>>;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let runner: ChildProcess;

beforeAll(async () => {
  [product, hec, browser] = await Promise.all([
    startProduct(),
    startHecDouble({ tokens: [HEC_TOKEN] }),
    launchBrowser(['--disable-3d-apis']),
  ]);
  git = await serveGit(ROOT, product.stateDir);
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
});

afterAll(async () => {
  await browser?.close();
  runner?.kill();
  await Promise.all([product?.end(), hec?.close(), git?.stop()]);
});

/** The page's own session, for what is quicker asked than clicked. */
async function asPage(): Promise<Person> {
  const cookies = await context.cookies();
  return new Person(product.origin, cookies.map(({ name, value }) => `${name}=${value}`).join('; '));
}

test('an organisation signs up and its owner verifies the mail address', async () => {
  await page.goto(product.origin);
  await page
    .getByRole('link', { name: /create an organisation|sign up/i })
    .first()
    .click();
  await page.getByLabel('Organisation', { exact: true }).fill('Northwind Labs');
  await page.getByLabel('Your name').fill('Nora North');
  await page.getByLabel('E-mail').fill('nora@northwind.test');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Create organisation' }).click();
  await page.waitForURL('**/workspaces');
  await page.goto(`${product.origin}/local/mail`);
  await page
    .getByRole('link', { name: /\/verify#/ })
    .first()
    .click();
  await page.getByText('Your address is verified').waitFor();
});

test('the trail is streamed to Splunk from the start', async () => {
  const owner = await asPage();
  await owner.call('POST', '/siem-destinations', { name: 'Splunk', config: { type: 'splunk-hec', url: hec.url }, secret: HEC_TOKEN });
});

test('a runner is enrolled by hand: one command, the same fingerprint on both sides', async () => {
  await page.goto(`${product.origin}/runners/enrol`);
  await page.getByRole('button', { name: 'Make a code' }).click();
  const command =
    (await page
      .getByText(/--code ghe_/)
      .first()
      .textContent()) ?? '';
  const code = /--code (\S+)/.exec(command)?.[1] ?? '';
  const stateDir = join(product.stateDir, 'runner-by-hand');
  const bundle = join(ROOT, 'runner/dist/gatehouse-runner.js');
  const console_ = execFileSync(
    process.execPath,
    [bundle, 'enroll', '--url', product.origin, '--code', code, '--name', 'by-hand', '--state-dir', stateDir],
    { encoding: 'utf8' },
  );
  await page.getByText('by-hand used the code').waitFor();
  const digits = (text: string) =>
    text
      .toLowerCase()
      .match(/(?:[0-9a-f]{4}[\s:]*){16}/)?.[0]
      .replace(/[^0-9a-f]/g, '');
  const shown = await page.getByRole('dialog').textContent();
  expect(digits(console_)).toHaveLength(64);
  expect(digits((shown ?? '').replace('SHA256', ''))).toBe(digits(console_.replace('SHA256', '')));
  await page.getByRole('button', { name: 'They are the same' }).click();
  await page.getByText('is confirmed').waitFor();
  runner = runRunner({ root: ROOT, stateDir, onLine: (line) => product.runnerLog.push(line) });
  const owner = await asPage();
  await until(async () =>
    (await owner.call<{ items: Array<{ state: string }> }>('GET', '/runners')).items.some(({ state }) => state === 'online'),
  );
});

test('a template clones a real repository, and a workspace is made from it while its build log is watched', async () => {
  await page.goto(`${product.origin}/templates/new`);
  await page.getByLabel('Name', { exact: true }).fill('gatehouse');
  await page.getByLabel('Description').fill('This very project');
  await page.getByLabel('Repository').fill(git.url);
  await page
    .getByLabel('Start-up script')
    .fill(
      'cd project && git config user.name Nora && git config user.email nora@northwind.test && echo ready: $(git rev-list --count HEAD) commits',
    );
  await page.getByRole('button', { name: 'Create template' }).click();
  await page.waitForURL(/templates\/tpl_/);
  await page.goto(`${product.origin}/workspaces/new`);
  await page.getByLabel('Name', { exact: true }).fill('my-box');
  await page.getByRole('button', { name: 'Create and start' }).click();
  const commits = execFileSync('git', ['rev-list', '--count', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  await page.getByText(`ready: ${commits} commits`).waitFor();
  await page.getByRole('button', { name: 'Open' }).click();
  await page.waitForURL(/\/w\/wsp_/);
});

test('the terminal is a real one: history, colours, UTF-8, full-screen programs, 200 columns', async () => {
  const terminal = await Terminal.of(page);
  await terminal.run('cd project && git log --oneline | wc -l');
  await terminal.run('git status --short | wc -l', /^0$/m);
  await terminal.run('printf "\\e[32mgrün\\e[0m ✓ 日本語 naïve\\n"', /grün ✓ 日本語 naïve/);
  expect(await page.locator('.xterm-rows span[class*="xterm-fg-"]').count()).toBeGreaterThan(0);

  await terminal.type('vim -u NONE note.txt\n');
  await terminal.shows(/note\.txt/);
  await terminal.type('iwritten in vim\x1b:wq\n');
  await terminal.prompt();
  await terminal.run('cat note.txt', /written in vim/);
  await terminal.type('git log | less\n');
  await terminal.shows(/^commit [0-9a-f]{40}/m);
  await terminal.type('q');
  await terminal.prompt();
  await terminal.type('top\n');
  await terminal.shows(/PID\s+USER/);
  await terminal.type('q');
  await terminal.prompt();

  await page.setViewportSize({ width: 2000, height: 900 });
  // The new size is on its way to the program for a moment.
  await until(async () => /^\d+ 2\d{2}$/m.test(await terminal.run('stty size')));
  await page.setViewportSize({ width: 1440, height: 900 });
  await terminal.run('rm note.txt');
});

test('a file is edited in the editor, and git in the terminal sees the change', async () => {
  await page.getByRole('treeitem', { name: 'project' }).click();
  await page.getByRole('treeitem', { name: 'SECURITY.md' }).click();
  const editor = page.getByRole('textbox', { name: 'SECURITY.md' });
  await editor.waitFor();
  await editor.click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('Edited in the browser. ');
  await page.keyboard.press('Control+s');
  const terminal = await Terminal.of(page);
  await until(async () => (await terminal.run('git --no-pager diff --stat')).includes('SECURITY.md'));
  await terminal.run('git --no-pager diff', /\+Edited in the browser\. # Security/);
});

test('a second terminal runs beside the first; after a reload both are back with what they showed', async () => {
  await page.getByRole('button', { name: 'New terminal' }).click();
  const second = await Terminal.of(page);
  await second.run('echo the second one is $((40 + 2))', /the second one is 42/);
  await page.reload();
  const back = await Terminal.of(page);
  await back.shows(/the second one is 42|Edited in the browser/);
  expect(await page.getByRole('tablist', { name: 'Terminals' }).getByRole('tab').count()).toBe(2);
});

test('files persist over stop and start', async () => {
  const owner = await asPage();
  const { items } = await owner.call<{ items: Array<{ id: string }> }>('GET', '/workspaces');
  const phase = async () => (await owner.call<{ phase: string }>('GET', `/workspaces/${items[0]?.id}`)).phase;
  await owner.call('POST', `/workspaces/${items[0]?.id}/stop`);
  await until(async () => (await phase()) === 'stopped');
  await owner.call('POST', `/workspaces/${items[0]?.id}/start`);
  await until(async () => (await phase()) === 'running');
  await page.goto(`${product.origin}/w/${items[0]?.id}`);
  const terminal = await Terminal.of(page);
  await terminal.run('cd ~/project && git --no-pager diff', /\+Edited in the browser\. # Security/);
});

test('what was refused is refused clearly, and stands in the log', async () => {
  const stranger = new Person(product.origin);
  await expect(
    stranger.call('POST', '/login', { tenant: 'northwind-labs', email: 'nora@northwind.test', password: 'wrong password' }),
  ).rejects.toThrow('401');
  const owner = await asPage();
  const { items } = await owner.call<{ items: Array<{ id: string }> }>('GET', '/workspaces');
  const attach = { key: { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) } };
  await expect(owner.call('POST', `/workspaces/${items[0]?.id}/attach`, attach, { 'Sec-Fetch-Site': 'cross-site' })).rejects.toThrow(
    'browser-only',
  );
  await expect(owner.call('PATCH', '/tenant', { name: 'Evil' }, { Origin: 'https://evil.test' })).rejects.toThrow('foreign-origin');
});

test('the security team finds it all: the same events in the page, by the API, in R2 and in Splunk', async () => {
  const owner = await asPage();
  const events = await everyEvent(owner);
  const actions = new Set(events.map(({ action, outcome }) => `${action} ${outcome}`));
  for (const wanted of [
    'tenant.create success',
    'user.verify_email success',
    'siem.create success',
    'runner.enroll success',
    'runner.confirm success',
    'runner.connect success',
    'template.create success',
    'workspace.create success',
    'workspace.running success',
    'connection.open success',
    'connection.end success',
    'workspace.stop success',
    'user.sign_in failure',
    'connection.open denied',
    'request.denied denied',
  ])
    expect(actions).toContain(wanted);

  // Numbered without gaps, each id once.
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);

  const upTo = (count: number) => events.slice(0, count).map(({ id }) => id);
  await until(async () => (await archivedEvents(product)).length >= events.length);
  expect((await archivedEvents(product)).slice(0, events.length).map(({ id }) => id)).toEqual(upTo(events.length));

  const first = events.findIndex(({ action }) => action === 'siem.create');
  const indexed = async () => {
    const answer = await fetch(`${hec.url.replace(/\/services.*/, '')}/control?token=${HEC_TOKEN}`);
    return (await answer.json()) as { indexed: Array<{ event: AuditEvent }>; violations: unknown[] };
  };
  const wanted = upTo(events.length).slice(first);
  await until(async () => (await indexed()).indexed.length >= wanted.length);
  const { indexed: received, violations } = await indexed();
  expect(violations).toEqual([]);
  expect([...new Set(received.map(({ event }) => event.id))].slice(0, wanted.length)).toEqual(wanted);

  await page.goto(`${product.origin}/audit?action=workspace.create`);
  await page.getByText('created workspace').first().waitFor();
  await page.getByText('created workspace').first().click();
  const created = events.find(({ action }) => action === 'workspace.create');
  await page.getByText(created?.requestId ?? 'none').waitFor();
});

async function everyEvent(person: Person): Promise<AuditEvent[]> {
  const events: AuditEvent[] = [];
  for (let cursor = ''; ;) {
    const page_ = await person.call<{ items: AuditEvent[]; nextCursor: string }>(
      'GET',
      `/audit/events?limit=1000${cursor && `&cursor=${cursor}`}`,
    );
    if (page_.items.length === 0) return events;
    events.push(...page_.items);
    cursor = page_.nextCursor;
  }
}
