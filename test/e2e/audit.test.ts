import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { draftEvent, type DraftEvent } from '@gatehouse/core/audit/event.ts';
import { newId } from '@gatehouse/core/ids.ts';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';

/**
 * What a security analyst asks. The history of last week enters as all events do, from the outbox, with the times that it had;
 * what it left behind stands in the tables. What happens today goes through the API.
 */

const SLUG = 'meridian';
const PASSWORD = 'a long enough password';
const HOUR = 3_600_000;
const TEMPLATE = 'payments';

let product: Product;
let browser: Browser;
let owner: Person;
let tenantId: string;

interface Member {
  id: string;
  name: string;
  email: string;
}

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({}, 1_000), launchBrowser()]);
  owner = await signUp(product.origin, SLUG, PASSWORD);
  tenantId = (await owner.call<{ tenant: { id: string } }>('GET', '/me')).tenant.id;
});
afterAll(async () => {
  await browser?.close();
  await product?.end();
});

/** Local midnight of the Tuesday that was at least a day ago. */
function lastTuesday(): Date {
  const day = new Date();
  day.setHours(0, 0, 0, 0);
  day.setDate(day.getDate() - ((day.getDay() + 5) % 7 || 7));
  return day;
}
const tuesday = lastTuesday();
/** As fields of the browser take times. */
const local = (date: Date) => new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

async function join(name: string): Promise<Member & { api: Person }> {
  const email = `${name.split(' ')[0]?.toLowerCase()}@${SLUG}.test`;
  await owner.call('POST', '/invitations', { email, roles: [] });
  const api = new Person(product.origin);
  await api.call('POST', '/invitations/accept', { token: await mailedSecret(product.origin, email), name, password: PASSWORD });
  return { ...(await api.call<{ user: { id: string } }>('GET', '/me')).user, name, email, api };
}

let made = 0;
const unique = () => Uint8Array.from({ length: 16 }, (_, index) => ((made += 1) * 31 + index * 7) % 256);

/** An event of somebody, as it was made then. */
const then = (member: Member, at: number, facts: Partial<DraftEvent>): DraftEvent =>
  draftEvent.parse({
    id: newId('event', at, crypto.getRandomValues(unique())),
    time: new Date(at).toISOString(),
    actor: { type: 'user', id: member.id, name: member.name, email: member.email, via: 'session' },
    resource: { type: 'user', id: member.id, name: member.name },
    ...{ outcome: 'success', status: 200, reason: null, requestId: null, sessionId: null, workspaceId: null, grantId: null },
    origin: { ip: '192.0.2.7', userAgent: null, browser: 'Chrome 143', os: 'macOS', city: 'Leeds', country: 'GB', asn: null },
    ...{ diff: [], details: {} },
    ...facts,
  });

/** Puts events where commits leave them, old enough for the sweep to fetch them, and waits until the ledger has them. */
async function record(events: DraftEvent[]): Promise<void> {
  const database = await product.database('SHARD_0');
  const rows = Array.from({ length: Math.ceil(events.length / 50) }, (_, index) => events.slice(index * 50, index * 50 + 50));
  for (const [index, lot] of rows.entries())
    await database
      .prepare('INSERT INTO outbox (tenant_id, id, created_at, body) VALUES (?, ?, ?, ?)')
      .bind(tenantId, newId('outbox', Date.now(), crypto.getRandomValues(unique())), Date.now() - HOUR + index, JSON.stringify(lot))
      .run();
  const last = new URLSearchParams({ filter: `id eq "${events.at(-1)?.id}"` });
  await until(async () => (await owner.call<{ items: unknown[] }>('GET', `/audit/events?${last}`)).items.length > 0, 60);
}

async function open(): Promise<Page> {
  const context = await browser.newContext({ baseURL: product.origin, viewport: { width: 1440, height: 900 } });
  await signInBrowser(context, product.origin, { tenant: SLUG, email: `owner@${SLUG}.test`, password: PASSWORD });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  return page;
}

const rows = (page: Page) => page.locator('tr[data-row]');
const texts = async (page: Page) => (await rows(page).allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));

test('who could open the payments template last Tuesday, who did, from where, and what was refused: six steps', async () => {
  const [dana, priya, oskar] = [await join('Dana Whitfield'), await join('Priya Raman'), await join('Oskar Brandt')];
  const { id } = await owner.call<{ id: string }>('POST', '/templates', { name: TEMPLATE, spec: { driver: 'process' } });
  const payments = { type: 'template', id, name: TEMPLATE } as const;
  const database = await product.database('SHARD_0');
  for (const member of [dana, priya])
    await database
      .prepare(
        'INSERT INTO template_acl (tenant_id, template_id, subject_type, subject_id, role, created_at, created_by) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .bind(tenantId, id, 'user', member.id, 'use', new Date(tuesday.getTime() - 48 * HOUR).toISOString(), dana.id)
      .run();
  const noon = tuesday.getTime() + 12 * HOUR;
  const made = { type: 'workspace', id: 'wsp_1', name: 'settlement-api' } as const;
  await record([
    then(dana, tuesday.getTime() - 48 * HOUR, {
      ...{ action: 'template.acl.update', resource: payments },
      diff: [dana, priya].map((member) => ({ path: `acl.user ${member.id}`, old: null, new: { role: 'use' }, secret: false })),
    }),
    then(priya, noon, { action: 'workspace.create', resource: made, details: { template: TEMPLATE } }),
    then(oskar, noon + HOUR, {
      ...{ action: 'workspace.create', resource: payments, outcome: 'denied', status: 403, reason: 'This needs the role use' },
      origin: {
        ip: '203.0.113.9',
        userAgent: null,
        browser: 'Edge 142',
        os: 'Windows',
        device: null,
        city: 'Berlin',
        country: 'DE',
        asn: null,
      },
    }),
    then(oskar, noon + 30 * HOUR, { action: 'template.read', resource: payments, outcome: 'denied', status: 403, reason: 'A day later' }),
  ]);
  // Since then one of them lost it.
  const acl = await owner.ask('GET', `/templates/${id}/acl`);
  const items = [{ subject: { type: 'user', id: dana.id }, role: 'use', expiresAt: null }];
  await owner.call('PUT', `/templates/${id}/acl`, { items }, { 'If-Match': acl.headers.get('etag') ?? '' });

  const page = await open();
  const steps: string[] = [];
  const step = async (words: string, take: () => Promise<unknown>) => {
    steps.push(words);
    await take();
  };

  await step('Access review', () => page.goto('/access/review'));
  await step('of the template', async () => {
    await page.getByRole('combobox', { name: /template/i }).fill(TEMPLATE);
    await page.getByRole('option', { name: TEMPLATE }).first().click();
  });
  await page.getByText('Dana Whitfield').first().waitFor();
  expect(await page.getByText('Priya Raman').count()).toBe(0);

  await step('Audit log', async () => {
    await page.goto('/audit');
    await rows(page).first().waitFor();
  });
  await step('all about the template and what was made from it', async () => {
    await page.keyboard.press('e');
    await page.getByRole('combobox', { name: 'Typed filter' }).fill(`resource.name eq "${TEMPLATE}" or details.template eq "${TEMPLATE}"`);
    await page.getByRole('button', { name: 'Apply' }).click();
    await page.getByText('settlement-api').waitFor();
  });
  // Who could: those of today, and whom the changes since then took it from.
  await rows(page).filter({ hasText: 'Olga Owner changed who may use' }).getByRole('button').click();
  await page.locator('.diff').getByText('Priya Raman').waitFor();
  expect(await page.locator('.diff .minus').innerText()).toContain('role use');

  await step('last Tuesday', async () => {
    await page.getByRole('button', { name: 'Time:' }).click();
    await page.getByRole('menuitem', { name: 'From and to' }).click();
    await page.getByLabel('From', { exact: true }).fill(local(tuesday));
    await page.getByLabel('To', { exact: true }).fill(local(new Date(tuesday.getTime() + 24 * HOUR)));
    await page.getByRole('button', { name: 'Show' }).click();
    await rows(page).filter({ hasText: 'Olga Owner' }).first().waitFor({ state: 'detached' });
    await rows(page).filter({ hasText: 'settlement-api' }).waitFor();
  });
  // Who did, and from where.
  expect(await texts(page)).toEqual([
    expect.stringMatching(/Oskar Brandt was not allowed to create a workspace from payments.* Refused Berlin, DE · Edge 142, Windows/),
    expect.stringMatching(/Priya Raman created workspace settlement-api Done Leeds, GB · Chrome 143, macOS/),
  ]);

  await step('refused', async () => {
    await page.keyboard.press('/');
    await page.getByRole('combobox', { name: 'Search or filter' }).fill('outcome is refused');
    await page.getByRole('option', { name: 'Outcome is refused denied' }).click();
    await rows(page).filter({ hasText: 'Priya Raman' }).waitFor({ state: 'detached' });
    await rows(page).first().waitFor();
  });
  expect(await texts(page)).toEqual([expect.stringContaining('Oskar Brandt was not allowed to')]);
  expect(steps.length).toBeLessThanOrEqual(8);
  await page.context().close();
});

test('while the log is restored from its archive the page says so calmly, and goes on by itself', async () => {
  const page = await open();
  const detail = 'The log is being restored from its archive, 1,200 events so far. What happens meanwhile is kept and follows';
  const problem = { type: 'about:blank', title: 'Not available right now', status: 503, detail, code: 'unavailable', requestId: 'req_1' };
  const away = '**/api/v1/audit/*';
  await page.route(away, (route) =>
    route.fulfill({
      status: 503,
      contentType: 'application/problem+json',
      headers: { 'Retry-After': '15' },
      body: JSON.stringify(problem),
    }),
  );
  await page.goto('/audit');
  await page.getByText('The log can’t be read right now').waitFor();
  await page.getByText(`${detail}. This page looks again by itself.`).waitFor();
  expect(await page.getByRole('alert').count()).toBe(0);
  expect(await rows(page).count()).toBe(0);
  await page.unroute(away);
  await rows(page).first().waitFor({ timeout: 30_000 });
  await page.getByText(/^Live/).waitFor({ timeout: 40_000 });
  expect(await page.getByText('The log can’t be read right now').count()).toBe(0);
  await page.context().close();
});

test('new events wait behind a count until the log is followed, and then come by themselves', async () => {
  const nina = await join('Nina Berg');
  await nina.api.ask('POST', '/groups', { name: 'Before' });
  const page = await open();
  await page.goto('/audit?outcome=denied');
  await page.getByText(/^Live/).waitFor();
  await rows(page).first().waitFor();
  const before = await rows(page).count();
  await nina.api.ask('POST', '/groups', { name: 'Mine' });
  await page.getByRole('button', { name: /^1 new/ }).waitFor();
  expect(await rows(page).count()).toBe(before);
  await page.keyboard.press('f');
  await rows(page).filter({ hasText: 'create group Mine' }).waitFor();
  await nina.api.ask('POST', '/groups', { name: 'Mine, too' });
  await rows(page).filter({ hasText: 'create group Mine, too' }).waitFor();
  expect((await texts(page))[0]).toContain('Mine, too');
  await page.context().close();
});

test('thousands of events are scrolled through with few rows drawn, and exported whole', { timeout: 180_000 }, async () => {
  const somebody = { id: 'usr_somebody', name: 'Somebody', email: `somebody@${SLUG}.test` };
  const start = Date.now() - 5_000;
  await record(
    Array.from({ length: 2_000 }, (_, index) => then(somebody, start + index, { action: 'audit.read', reason: `number ${index}` })),
  );
  const page = await open();
  await page.goto('/audit?q=somebody');
  await rows(page).first().waitFor();
  let drawn = 0;
  const scroller = page.locator('.scroll');
  await until(async () => {
    await scroller.evaluate((node) => node.scrollTo(0, node.scrollHeight));
    drawn = Math.max(drawn, await rows(page).count());
    return page.getByText('This is where the log begins').isVisible();
  }, 90);
  expect(drawn).toBeLessThan(600);
  await page.getByText('2,000 shown').waitFor();
  await scroller.evaluate((node) => node.scrollTo(0, 0));
  await rows(page).filter({ hasText: 'number 1999' }).waitFor();

  await page.keyboard.press('x');
  await page.getByLabel('CSV').check();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export', exact: true }).last().click();
  const file = await saved;
  const lines: string[] = [];
  for await (const chunk of await file.createReadStream()) lines.push(String(chunk));
  expect(lines.join('').trimEnd().split('\r\n')).toHaveLength(2_001);
  await page.getByText('2,000 events saved as').waitFor();
  await page.context().close();
});

test('the log is checked in the browser, found again later, and an event of it is proven', async () => {
  const page = await open();
  await page.goto('/integrity');
  await page.getByRole('button', { name: 'Check now' }).click();
  await page.getByText('This browser sees this log for the first time').waitFor();
  await owner.call('POST', '/groups', { name: 'Between two looks' });
  await page.reload();
  await page.getByRole('button', { name: 'Check now' }).click();
  await page.getByText('are those that this browser saw last').waitFor();
  await page.getByLabel('Number').fill('1');
  await page.getByRole('button', { name: 'Prove it' }).click();
  await page.getByText('It is number 1 of').waitFor();
  // Another log under the same name would not pass.
  await page.evaluate(() => {
    for (const key of Object.keys(localStorage).filter((name) => name.startsWith('gatehouse.audit-checkpoint'))) {
      const seen = JSON.parse(localStorage.getItem(key) ?? '{}') as { root: string };
      localStorage.setItem(key, JSON.stringify({ ...seen, root: btoa('x'.repeat(32)) }));
    }
  });
  await page.getByRole('button', { name: 'Check now' }).click();
  await page.getByText('The log is not as it was').waitFor();
  await page.context().close();
});
