import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { violations } from '../support/axe.ts';
import { launchBrowser } from '../support/browser.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';

/** Every page, on a product that people have worked with: nothing axe finds, nothing the console says, nothing the content policy stops. */

const SLUG = 'meridian-rail';
const PASSWORD = 'a long enough password';

let product: Product;
let browser: Browser;
/** path, and the text that is there once the page has what it shows */
let pages: Array<[path: string, shows: string]>;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser()]);
  pages = await work(await signUp(product.origin, SLUG, PASSWORD));
});

afterAll(async () => {
  await browser?.close();
  await product?.end();
});

/** A desk by day and a phone by night. */
const LOOKS = [
  { colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const;

test(
  'axe finds nothing on any page, on a desk in the light and on a phone in the dark, and none is too wide',
  { timeout: 400_000 },
  async () => {
    expect(await visit()).toEqual([]);
  },
);

/** Signs in and opens page after page. @returns what axe found, what is too wide, what the console said and what the content policy stopped */
async function visit(): Promise<string[]> {
  const context = await browser.newContext({ baseURL: product.origin, reducedMotion: 'reduce' });
  // Thrown, so that it arrives as an error of the page: some violations are caught by those who cause them.
  await context.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
      throw new Error(`The content policy stopped ${blockedURI} by ${violatedDirective}`);
    }),
  );
  const page = await context.newPage();
  const findings: string[] = [];
  const note = (text: string) => findings.push(`${new URL(page.url()).pathname} at ${page.viewportSize()?.width} px: ${text}`);
  page.on('console', (message) => message.type() === 'error' && note(message.text()));
  page.on('pageerror', (error) => note(String(error)));
  const see = async (shows: string) => {
    await page.getByText(shows).filter({ visible: true }).first().waitFor();
    [...(await violations(page)), ...(await overflow(page))].forEach(note);
    await picture(page);
  };
  const open = async ([path, shows]: (typeof pages)[number], index: number) => {
    // What a page settles when it opens depends on where: by turns it opens in either look, and then takes the other.
    const [first, second] = index % 2 === 0 ? LOOKS : LOOKS.toReversed();
    await look(page, first);
    await go(page, path);
    await see(shows);
    await look(page, second);
    await see(shows);
  };

  for (const [index, each] of PUBLIC.entries()) await open(each, index);
  await signIn(page);
  for (const [index, each] of pages.entries()) await open(each, index);
  await context.close();
  return findings;
}

/** By a link, as people go, once the app is there. */
async function go(page: Page, path: string): Promise<void> {
  if (page.url() === 'about:blank') return void (await page.goto(path));
  await page.evaluate((href) => {
    const link = Object.assign(document.createElement('a'), { href });
    document.body.append(link);
    link.click();
    link.remove();
  }, path);
  await page.waitForURL((url) => url.pathname + url.search + url.hash === path);
}

async function look(page: Page, { viewport, colorScheme }: (typeof LOOKS)[number] = LOOKS[0]): Promise<void> {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
}

/** By a link like the one that a local start prints. */
async function signIn(page: Page): Promise<void> {
  await page.goto(`/signin#${new URLSearchParams({ org: SLUG, email: `owner@${SLUG}.test`, password: PASSWORD })}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/workspaces');
}

const PUBLIC: typeof pages = [
  ['/', 'Development workspaces behind one gate'],
  ['/signin', 'To the workspaces of your organisation'],
  ['/signup', 'You become its owner'],
  ['/reset', 'We mail you a link'],
  ['/reset/new#nothing', 'This link is not complete'],
  ['/verify#nothing', 'This link is not complete'],
  ['/invite#nothing', 'This link is not complete'],
  ['/nowhere', 'There is no page here'],
];

/** `PICTURES=folder` keeps what each page looks like, for whoever judges by looking. */
async function picture(page: Page): Promise<void> {
  const folder = process.env['PICTURES'];
  if (folder === undefined) return;
  const { pathname, search } = new URL(page.url());
  const name = `${pathname}${search}`.replaceAll(/[^a-z0-9]+/gi, '-').replaceAll(/^-|-$/g, '') || 'home';
  const { width = 0 } = page.viewportSize() ?? {};
  await page.screenshot({ path: join(folder, `${name.slice(0, 120)}.${width}.png`), fullPage: true });
}

async function overflow(page: Page): Promise<string[]> {
  const pixels = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return pixels > 0 ? [`${pixels} pixels too wide`] : [];
}

/** What fills the pages: people, templates, workspaces that run and that fail, refusals. @returns the pages to visit */
/** Those of an identity provider that nobody has set up yet, and of its mapping. */
async function providerPages(owner: Person): Promise<typeof pages> {
  const { id } = await owner.call<{ id: string }>('POST', '/identity-providers', { name: 'Meridian Okta', preset: 'okta' });
  const at = `/identity-providers/${id}`;
  await owner.call('POST', `${at}/mappings`, { kind: 'prefix', pattern: 'sec-', target: { type: 'role', id: 'auditor' } });
  await owner.call('POST', '/identity-providers/domains', { domain: 'meridian.test', provider: id });
  return [
    ['/identity-providers', 'Meridian Okta'],
    ['/identity-providers/new', 'Which one is it?'],
    ['/identity-providers/domains', 'meridian.test'],
    [at, 'Not set up'],
    [`${at}/sign-in`, 'Okta'],
    [`${at}/provisioning`, 'Base URL'],
    [`${at}/groups`, 'The directory has sent no groups'],
  ];
}

async function work(owner: Person): Promise<typeof pages> {
  const { origin } = product;
  await product.addRunner(owner, 'build-lon-01');
  await owner.call('POST', '/runner-enrollments', { name: 'build-lon-02' });
  await owner.call('POST', '/invitations', { email: 'oskar@vantage.test', roles: [] });
  await owner.call('POST', '/invitations', { email: 'dana@meridian.test', roles: ['auditor'] });
  const dana = new Person(origin);
  const token = await mailedSecret(origin, 'dana@meridian.test');
  await dana.call('POST', '/invitations/accept', { token, name: 'Dana Developer', password: PASSWORD });
  const template = await makeTemplate(owner, 'node-service', 'printf "# Notes\\n" > NOTES.md');
  const broken = await makeTemplate(owner, 'python-ml', 'uv-is-not-there sync');
  const running = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template, name: 'settlement-api' });
  const failed = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: broken, name: 'fraud-rules' });
  const deleted = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template, name: 'old-ledger' });
  await owner.call('DELETE', `/workspaces/${deleted.id}`);
  // More than one page of the audit log.
  for (let times = 0; times < 100; times++)
    await expect(dana.call('POST', '/invitations', { email: 'x@meridian.test', roles: [] })).rejects.toThrow('403');
  // Somebody asks for what they see and can’t use.
  const { id: ledger } = await owner.call<{ id: string }>('POST', '/templates', { name: 'ledger' });
  const everyone = [{ subject: { type: 'everyone' }, role: 'view' }];
  await owner.call('PUT', `/templates/${ledger}/acl`, { items: everyone }, { 'If-Match': '"1"' });
  await dana.call('POST', '/access-requests', { templateId: ledger, hours: 8, reason: 'Check the postings of Monday' });
  await expect(
    new Person(origin).call('POST', '/login', { tenant: SLUG, email: 'dana@meridian.test', password: 'not the password' }),
  ).rejects.toThrow('401');
  const soc = await owner.call<{ id: string }>('POST', '/siem-destinations', {
    name: 'SOC',
    config: { type: 'webhook', url: 'http://127.0.0.1:9/events' },
  });
  for (const [{ id }, phase] of [[running, 'running'] as const, [failed, 'failed'] as const]) {
    await until(async () => (await owner.call<{ phase: string }>('GET', `/workspaces/${id}`)).phase === phase);
  }
  const { items: people } = await owner.call<{ items: Array<{ id: string; name: string }> }>('GET', '/users');
  const danaId = people.find(({ name }) => name === 'Dana Developer')?.id ?? '';
  const robot = await owner.call<{ id: string }>('POST', '/service-accounts', { name: 'siem-puller', roles: ['auditor'] });
  await owner.call('POST', `/service-accounts/${robot.id}/tokens`, { name: 'nightly', scopes: ['audit:read'], networks: ['192.0.2.0/24'] });
  return [
    ['/overview', 'among them'],
    ['/overview?range=7d', 'Most on'],
    ['/workspaces', 'settlement-api'],
    ['/workspaces/new', 'Create and start'],
    [`/workspaces/${failed.id}/log`, 'uv-is-not-there'],
    [`/workspaces/${failed.id}/network`, 'Programs in this workspace reach'],
    [`/workspaces/${failed.id}/snapshots`, 'Snapshots are off'],
    [`/workspaces/${failed.id}/delete`, 'Delete fraud-rules?'],
    [`/workspaces/${failed.id}/rename`, 'Rename fraud-rules'],
    ['/workspaces?trash=true', 'In the trash'],
    [`/workspaces/${deleted.id}/purge?trash=true`, 'Delete old-ledger for good?'],
    [`/workspaces/${deleted.id}/restore?trash=true`, 'Restore old-ledger'],
    ['/templates', 'python-ml'],
    ['/templates/new', 'Create template'],
    [`/templates/${template}`, 'What a workspace starts with'],
    [`/templates/${template}/versions`, 'Version 1'],
    [`/templates/${template}/parameters`, 'It asks for nothing'],
    [`/templates/${template}/workspaces`, 'settlement-api'],
    [`/templates/${template}/settings`, 'No secret is set'],
    [`/templates/${template}/permissions`, 'Dana Developer'],
    ['/access/review', 'python-ml'],
    ['/access-requests', 'Dana Developer'],
    ['/requests', 'You have asked for nothing yet'],
    [`/templates/${template}/policy`, 'Nothing is changed'],
    ['/policy', 'Nothing is changed'],
    ['/policy?file', 'Download gatehouse.yaml'],
    ['/runners', 'build-lon-01'],
    ['/runners/enrol', 'Make a code'],
    ['/runners/quotas', 'Running at once'],
    ['/users', 'dana@meridian.test'],
    ['/users?show=invited', 'oskar@vantage.test'],
    ['/users/invite', 'Invite somebody'],
    ...(await groupPages(owner)),
    [`/users/${danaId}`, 'Joined'],
    ['/service-accounts', 'siem-puller'],
    ['/service-accounts/new', 'Responsible person'],
    [`/service-accounts/${robot.id}`, 'nightly'],
    ...(await providerPages(owner)),
    [`/workspaces/${failed.id}/transfer`, 'Give fraud-rules to somebody else'],
    ['/tokens', 'nightly'],
    ['/account', 'Theme, in this browser'],
    ['/account/security', 'Where you are signed in'],
    ['/account/git', 'No git credential yet'],
    ['/organisation', 'Two factors for everybody'],
    ['/organisation/snapshots', 'Where new snapshots go'],
    ['/audit', 'signed in'],
    [`/audit?${new URLSearchParams({ filter: 'outcome eq "denied"' })}`, 'was not allowed to'],
    ['/audit?q=nothing-of-that-kind', 'No event fits these filters'],
    [`/audit?${new URLSearchParams({ filter: 'outcome eq "denied" and actor.mail pr' })}`, 'There is no attribute of this name'],
    ['/integrity?event=1', 'Its hash is the one that was recorded'],
    ...(await findingPages(owner)),
    ['/recordings', 'Nothing is recorded yet'],
    ['/recordings?q=printed-by-nobody', 'No terminal showed this'],
    ['/siem', 'SOC'],
    [`/siem/${soc.id}`, 'Send a part of the log again'],
    ['/siem/new', 'Signed webhook'],
    ['/deployment/security', 'Browser-only is on'],
    ['/local/mail', 'dana@meridian.test'],
    [`/w/${running.id}`, 'Connected'],
  ];
}

/** One that is open, and one that somebody looks into. */
async function findingPages(owner: Person): Promise<typeof pages> {
  const { user } = await owner.call<{ user: { id: string } }>('GET', '/me');
  for (const role of ['auditor', 'user-admin'])
    await owner.call('POST', '/role-assignments', { role, subject: { type: 'user', id: user.id } });
  const { items } = await owner.call<{ items: Array<{ id: string }> }>('GET', '/detections/findings');
  const [first, second] = items.map(({ id }) => id);
  await owner.call('POST', `/detections/findings/${first}/move`, { from: 'open', to: 'acknowledged', note: 'Agreed with Dana' });
  return [
    ['/findings', 'Somebody gave a role to themselves'],
    ['/findings?state=acknowledged', 'Agreed with Dana'],
    ['/findings?state=resolved', 'Nothing was resolved yet'],
    ['/findings/rules', 'Failed sign-ins of many accounts'],
    ['/findings?severity=low&subject=nobody', 'No finding fits'],
    [`/findings/${second}`, 'Ask them why'],
  ];
}

/** Groups in groups with a manager and roles that end. */
async function groupPages(owner: Person): Promise<typeof pages> {
  const { items: people } = await owner.call<{ items: Array<{ id: string }> }>('GET', '/users');
  const users = people.map(({ id }) => ({ type: 'user', id }));
  const make = (name: string) => owner.call<{ id: string }>('POST', '/groups', { name, description: 'For the tests' });
  const [platform, devs] = [await make('Platform engineers'), await make('Devs')];
  await owner.call('PATCH', `/groups/${devs.id}/members`, { add: users });
  await owner.call('PATCH', `/groups/${platform.id}/members`, { add: [{ type: 'group', id: devs.id }] });
  await owner.call('PUT', `/groups/${devs.id}/managers`, { items: users.map(({ id }) => id) }, { 'If-Match': '"1"' });
  const role = await owner.call<{ id: string }>('POST', '/roles', { name: 'Runner watch', permissions: ['runner:read', 'user:read'] });
  const expiresAt = new Date(Date.now() + 8 * 3_600_000).toISOString();
  await owner.call('POST', '/role-assignments', { role: role.id, subject: { type: 'group', id: platform.id }, expiresAt });
  return [
    ['/groups', 'Platform engineers'],
    ['/groups?new', 'Create group'],
    [`/groups/${platform.id}`, 'via Devs'],
    [`/groups/${devs.id}/access`, 'Through Platform engineers'],
    ['/roles', 'Runner watch'],
    ['/roles/new', 'Create role'],
    [`/roles/${role.id}`, 'Who has it'],
    ['/roles/template-admin', 'Nobody has it'],
  ];
}

/** @returns its id; Dana may use it for a while */
async function makeTemplate(owner: Person, name: string, startupScript: string): Promise<string> {
  const { id } = await owner.call<{ id: string }>('POST', '/templates', {
    name,
    description: 'For the tests',
    spec: { startupScript, driver: 'process' },
  });
  const { items: people } = await owner.call<{ items: Array<{ id: string; name: string }> }>('GET', '/users');
  const items = people
    .filter((person) => person.name === 'Dana Developer')
    .map((person) => ({
      subject: { type: 'user', id: person.id },
      role: 'use',
      expiresAt: new Date(Date.now() + 86_400_000).toISOString(),
    }));
  await owner.call('PUT', `/templates/${id}/acl`, { items }, { 'If-Match': '"1"' });
  return id;
}
