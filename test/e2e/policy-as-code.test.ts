import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mailedSecret, Person } from '../../scripts/api.ts';
import { launchBrowser } from '../support/browser.ts';
import { signInBrowser } from '../support/browser-session.ts';
import { freePort, ROOT } from '../support/place.ts';
import { type SharedProduct, sharedProduct, signUp } from '../support/product.ts';

/** The command `npx gatehouse`, as people and pipelines run it, on the whole product. */

const PASSWORD = 'a long enough password';
const READING = ['policy:read', 'role:read', 'group:read', 'user:read', 'access:review'];
/** The last one is for the role of the story: nobody makes a role that may more than they. */
const APPLYING = [...READING, 'role:update', 'role:assign', 'group:update', 'policy:update', 'template:admin', 'template:create'];

let product: SharedProduct;
let owner: Person;
let folder: string;
let token: string;

interface Ran {
  code: number;
  out: string;
  err: string;
}

/** Runs the installed command. @param options.url where it is told that Gatehouse is */
function gatehouse(args: string[], options: { token?: string; url?: string; input?: string } = {}): Promise<Ran> {
  const bin = join(ROOT, 'node_modules/.bin');
  const env = {
    PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
    GATEHOUSE_URL: options.url ?? product.origin,
    GATEHOUSE_TOKEN: options.token ?? token,
  };
  return new Promise((done) => {
    const child = execFile(join(bin, 'gatehouse'), args, { env, cwd: folder }, (_error, out, err) =>
      done({ code: child.exitCode ?? -1, out, err }),
    );
    child.stdin?.end(options.input ?? '');
  });
}

const fileOf = (name: string) => join(folder, name);
const edit = async (name: string, change: (text: string) => string) => {
  await writeFile(fileOf(name), change(await readFile(fileOf(name), 'utf8')));
};
const exported = async () => (await gatehouse(['export'])).out;

async function invite(slug: string, name: string): Promise<string> {
  const email = `${name.toLowerCase()}@${slug}.test`;
  await owner.call('POST', '/invitations', { email, roles: [] });
  const api = new Person(product.origin);
  await api.call('POST', '/invitations/accept', { token: await mailedSecret(product.origin, email), name, password: PASSWORD });
  return email;
}
const makeToken = async (scopes: string[]) =>
  (await owner.call<{ secret: string }>('POST', '/me/tokens', { name: `for ${scopes.length} scopes`, scopes })).secret;

/** An organisation of its own for a story: two people, one template. */
async function begin(slug: string): Promise<void> {
  owner = await signUp(product.origin, slug, PASSWORD);
  await invite(slug, 'Ann');
  await invite(slug, 'Ben');
  await owner.call('POST', '/templates', { name: 'shell', spec: {} });
  token = await makeToken(APPLYING);
}

beforeAll(async () => {
  [product, folder] = await Promise.all([sharedProduct('code'), mkdtemp(join(tmpdir(), 'gatehouse-rules-'))]);
});
afterAll(async () => {
  await product?.end();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const RULES = (slug: string) => `version: 1
policy:
  sessionLimit: 480
roles:
  - name: Builder
    description: Makes templates
    permissions:
      - template:create
groups:
  - name: Devs
    description: Everybody who codes
    managers:
      - ann@${slug}.test
    members:
      - group On call
      - user ann@${slug}.test
  - name: On call
    members:
      - user ben@${slug}.test
assignments:
  - role: Builder
    who: group Devs
  - role: auditor
    who: user ben@${slug}.test
    expiresAt: 2999-01-01T00:00:00.000Z
  - role: owner
    who: user owner@${slug}.test
templates:
  - name: shell
    access:
      - who: everyone
        role: view
      - who: group Devs
        role: use
    policy:
      upload: 0
`;

describe('from an export to a file that is applied', () => {
  beforeAll(() => begin('code'));

  test('what was exported plans nothing', async () => {
    const { code, err } = await gatehouse(['export', '--out', 'rules.yaml']);
    expect([code, err]).toEqual([0, 'Wrote rules.yaml: 0 groups, 0 roles, 1 assignment, 1 template.\n']);
    const plan = await gatehouse(['plan', 'rules.yaml']);
    expect([plan.code, plan.out]).toEqual([0, 'Nothing to do: code is as rules.yaml says.\n']);
  });

  test('an edited file shows each change, and says by its exit code that there are some', async () => {
    await writeFile(fileOf('rules.yaml'), RULES('code'));
    const { code, out } = await gatehouse(['plan', 'rules.yaml']);
    expect(code).toBe(2);
    expect(out).toBe(`rules.yaml → code

  + Make the role Builder: template:create
  + Make the group Devs
  + Make the group On call
  + Add group On call to the group Devs
  + Add user ann@code.test to the group Devs
  + Add user ben@code.test to the group On call
  + Let ann@code.test manage the group Devs
  + Give group Devs the role Builder
  + Give user ben@code.test the role auditor until 2999-01-01 00:00 UTC
  + Let everyone see the template shell
  + Let group Devs use the template shell
  ~ Set session limit of the organisation to 8 h
  ~ Set upload of the template shell to blocked

13 changes (+11 ~2).
`);
    const machine = JSON.parse((await gatehouse(['plan', 'rules.yaml', '--json'])).out) as { tenant: string; changes: unknown[] };
    expect(machine.tenant).toBe('code');
    expect(machine.changes[0]).toMatchObject({ kind: 'role.create', role: { name: 'Builder' } });
    expect(machine.changes).toHaveLength(13);
  });

  test('is not applied where nobody can be asked and nobody said yes', async () => {
    const before = await exported();
    const { code, err } = await gatehouse(['apply', 'rules.yaml']);
    expect([code, err]).toEqual([1, 'Nobody can be asked here, so nothing was changed. Look at the plan, then say --yes.\n']);
    expect(await exported()).toBe(before);
  });

  test('applied, it tells each step with how many there are', async () => {
    const { code, out, err } = await gatehouse(['apply', 'rules.yaml', '--yes']);
    expect(err).toBe('');
    expect(out).toContain(' 1 of 13  Make the role Builder: template:create\n');
    expect(out).toContain('13 of 13  Set upload of the template shell to blocked\n');
    expect(out.trimEnd().split('\n').at(-1)).toBe('Done: 13 changes. code is as the file says.');
    expect(code).toBe(0);
  });

  test('the organisation then is what the file says, to the letter', async () => {
    expect(await exported()).toBe(RULES('code'));
    expect((await gatehouse(['plan', 'rules.yaml'])).code).toBe(0);
  });

  test('a second time it changes nothing, and leaves no event of a change', async () => {
    const changes = async () => {
      const { items } = await owner.call<{ items: Array<{ action: string }> }>('GET', '/audit/events?limit=100');
      return items.map(({ action }) => action).filter((action) => action !== 'config.export');
    };
    const before = await changes();
    const { code, out } = await gatehouse(['apply', 'rules.yaml', '--yes']);
    expect([code, out]).toEqual([0, 'Nothing to do: code is as rules.yaml says.\n']);
    expect(await changes()).toEqual(before);
  });

  test('every change is an event by the token’s owner, with the token', async () => {
    const { items } = await owner.call<{ items: Array<{ action: string; actor: { via: string }; details: Record<string, unknown> }> }>(
      'GET',
      '/audit/events?limit=100',
    );
    const byToken = items.filter(({ actor }) => actor.via === 'token').map(({ action }) => action);
    for (const action of ['role.create', 'group.create', 'group.members.update', 'group.managers.update', 'role.assign'])
      expect(byToken).toContain(action);
    for (const action of ['template.acl.update', 'policy.update', 'config.export']) expect(byToken).toContain(action);
    expect(items.find(({ action }) => action === 'template.acl.update')?.details).toMatchObject({ tokenName: 'for 11 scopes' });
  });

  test('taking away is applied, too: groups that move, roles that go, ends that change', async () => {
    const wanted = `version: 1
policy: {}
groups:
  - name: On call
    members:
      - group Operations
      - user ben@code.test
  - name: Operations
    description: Anew
assignments:
  - role: auditor
    who: user ben@code.test
  - role: owner
    who: user owner@code.test
templates:
  - name: shell
    access:
      - who: group On call
        role: admin
    policy: {}
`;
    await writeFile(fileOf('less.yaml'), wanted.replace('policy: {}\n', 'policy: {}\nroles: []\n'));
    const { code, out } = await gatehouse(['apply', 'less.yaml', '--yes']);
    expect(out).toContain('- Delete the group Devs, with all that it was given');
    expect(code).toBe(0);
    expect(await exported()).toBe(wanted.replace('policy: {}\n', 'policy: {}\nroles: []\n'));
  });

  test('the page offers the same file, and says how it is applied', async () => {
    const browser = await launchBrowser();
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, acceptDownloads: true });
    await signInBrowser(context, product.origin, { tenant: 'code', email: 'owner@code.test', password: PASSWORD });
    const page = await context.newPage();
    await page.goto(`${product.origin}/policy`);
    await page.getByRole('link', { name: 'As a file' }).click();
    await page.getByText(`npx gatehouse plan gatehouse.yaml --url ${product.origin}`).waitFor();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download gatehouse.yaml' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('gatehouse.yaml');
    expect(await readFile(await download.path(), 'utf8')).toBe(await exported());
    await page.getByText('The export stands in the audit log.').waitFor();
    await browser.close();
  });

  test('the standard input and JSON do as well', async () => {
    const { out } = await gatehouse(['export', '--json']);
    expect((await gatehouse(['plan', '-'], { input: out })).code).toBe(0);
    const edited = out.replace('"Anew"', '"Another text"');
    const applied = JSON.parse((await gatehouse(['apply', '-', '--yes', '--json'], { input: edited })).out) as object;
    expect(applied).toMatchObject({ tenant: 'code', done: [{ kind: 'group.update', name: 'Operations' }], failed: null, left: [] });
  });
});

/** Stands between the command and the product, and does something to its changes: the number of each is told. */
async function between(onChange: (n: number) => Promise<'pass' | 'cut' | 'later'>): Promise<{ url: string; server: Server }> {
  const port = await freePort();
  let changes = 0;
  const server = createServer((asked, answer) => {
    const chunks: Buffer[] = [];
    asked.on('data', (chunk: Buffer) => chunks.push(chunk));
    asked.on('end', async () => {
      const what = asked.method === 'GET' ? 'pass' : await onChange(++changes);
      if (what === 'cut') return void asked.socket.destroy();
      if (what === 'later') return void answer.writeHead(429, { 'Retry-After': '1' }).end();
      const { method, url: path, headers } = asked;
      const sent = request(`${product.origin}${path}`, { method, headers: { ...headers, host: new URL(product.origin).host } }, (got) => {
        answer.writeHead(got.statusCode ?? 500, got.headers);
        got.pipe(answer);
      });
      sent.end(Buffer.concat(chunks));
    });
  });
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${port}`, server };
}

describe('memberships that end', () => {
  beforeAll(() => begin('ending'));
  test('are given, changed, made lasting and taken, and the file says so each time', async () => {
    const file = (members: string) => `version: 1\ngroups:\n  - name: Devs\n    members:\n${members}`;
    const at = (end: string) => `      - who: user ann@ending.test\n        expiresAt: ${end}\n`;
    const steps: Array<[string, string]> = [
      [at('2999-01-01T00:00:00.000Z'), '  + Add user ann@ending.test to the group Devs until 2999-01-01 00:00 UTC\n'],
      [at('2998-01-01T00:00:00.000Z'), '  + Keep user ann@ending.test in the group Devs until 2998-01-01 00:00 UTC\n'],
      ['      - user ann@ending.test\n', '  + Keep user ann@ending.test in the group Devs for good\n'],
    ];
    for (const [members, words] of steps) {
      await writeFile(fileOf('ending.yaml'), file(members));
      const { code, out } = await gatehouse(['apply', 'ending.yaml', '--yes']);
      expect([code, out.includes(words)]).toEqual([0, true]);
      expect(await exported()).toContain(file(members).slice('version: 1\n'.length));
      expect((await gatehouse(['plan', 'ending.yaml'])).code).toBe(0);
    }
  });
});

describe('what goes wrong', () => {
  beforeAll(async () => {
    await begin('wrong');
    await writeFile(fileOf('wrong.yaml'), RULES('wrong'));
  });

  test('a line that is cut midway: it says what is done and what is not, and applying again goes on', async () => {
    const { url, server } = await between(async (n) => (n === 5 ? 'cut' : 'pass'));
    const { code, out } = await gatehouse(['apply', 'wrong.yaml', '--yes'], { url });
    server.close();
    expect(code).toBe(1);
    expect(out).toContain('This failed: Add user ben@wrong.test to the group On call\n');
    expect(out).toContain(`${url} does not answer`);
    expect(out).toContain('5 of 13 changes are done. Not done:\n  + Add user ben@wrong.test to the group On call\n');
    expect(out).toContain('Apply the file again: it looks first, and goes on where this ended.');
    const again = await gatehouse(['apply', 'wrong.yaml', '--yes']);
    expect(again.code).toBe(0);
    expect(again.out).toContain('1 of 8  Add user ben@wrong.test to the group On call');
    expect(await exported()).toBe(RULES('wrong'));
  });

  test('told to come later, it waits as long as it is told, and does it then', async () => {
    await edit('wrong.yaml', (text) => text.replace('upload: 0', 'upload: 5'));
    const { url, server } = await between(async (n) => (n === 1 ? 'later' : 'pass'));
    const { code, err } = await gatehouse(['apply', 'wrong.yaml', '--yes'], { url });
    server.close();
    expect([code, err]).toEqual([0, 'Gatehouse asks to wait 1 second …\n']);
    expect(await exported()).toContain('upload: 5');
  });

  test('a change that somebody makes meanwhile is a conflict, and is not overwritten', async () => {
    const { items } = await owner.call<{ items: Array<{ id: string }> }>('GET', '/templates');
    const list = `/templates/${items[0]?.id}/acl`;
    const { url, server } = await between(async (n) => {
      if (n === 1) {
        const { headers } = await owner.ask('GET', list);
        const entries = [{ subject: { type: 'everyone' }, role: 'use' }];
        await owner.call('PUT', list, { items: entries }, { 'If-Match': headers.get('etag') ?? '' });
      }
      return 'pass';
    });
    await edit('wrong.yaml', (text) => text.replace('Makes templates', 'Builds').replace('role: view', 'role: admin'));
    const { code, out } = await gatehouse(['apply', 'wrong.yaml', '--yes'], { url });
    server.close();
    expect(code).toBe(1);
    expect(out).toContain(
      'This failed: Let everyone administer the template shell\nSomebody changed who may use this template in the meantime.',
    );
    expect(out).toContain('1 of 2 changes is done.');
    expect(out).toContain('Nothing of theirs was overwritten.');
    const { items: now } = await owner.call<{ items: Array<{ role: string }> }>('GET', list);
    expect(now.map(({ role }) => role)).toEqual(['use']);
    expect((await gatehouse(['plan', 'wrong.yaml'])).out).toContain('Let group Devs use the template shell');
    expect((await gatehouse(['apply', 'wrong.yaml', '--yes'])).code).toBe(0);
  });

  test('a token that may only look plans, and changes nothing', async () => {
    const looking = await makeToken(READING);
    await edit('wrong.yaml', (text) => text.replace('sessionLimit: 480', 'sessionLimit: 60').replace('Builds', 'Makes them'));
    expect((await gatehouse(['plan', 'wrong.yaml'], { token: looking })).code).toBe(2);
    const { code, err } = await gatehouse(['apply', 'wrong.yaml', '--yes'], { token: looking });
    expect([code, err]).toEqual([1, 'The token may not do all of that, so nothing was changed. It lacks role:update; policy:update.\n']);
    expect((await gatehouse(['plan', 'wrong.yaml'])).out).toContain('2 changes (~2).');
  });

  test('a token that may not see a section says which permission is missing, and exports the rest', async () => {
    const blind = await makeToken(READING.filter((scope) => scope !== 'role:read'));
    const { code, err } = await gatehouse(['plan', 'wrong.yaml'], { token: blind });
    expect([code, err]).toEqual([
      1,
      'wrong.yaml can’t be applied:\n  line 4: roles can’t be compared: to see them needs role:read\n  line 20: assignments can’t be compared: to see them needs role:read\n',
    ]);
    const { out } = await gatehouse(['export'], { token: blind });
    expect(out).toMatch(/^# Without roles: to see them needs role:read\.\n/);
    expect((await gatehouse(['plan', '-'], { token: blind, input: out })).code).toBe(0);
  });

  test.each([
    ['a token that may nothing', { token: () => makeToken(['audit:read']) }, 'This needs the permission access:review (request req_'],
    ['a token that is none of ours', { token: async () => `${token.slice(0, -8)}00000000` }, '(request req_'],
    ['what is no token', { token: async () => 'hunter 2' }, 'What is there is no API token'],
    ['no token', { token: async () => '' }, 'GATEHOUSE_TOKEN is not set'],
    ['nobody there', { url: 'http://127.0.0.1:9' }, 'http://127.0.0.1:9 does not answer'],
    ['a URL in clear', { url: 'http://gatehouse.example' }, 'must be https'],
  ])('with %s it says so in a sentence', async (_name, { token: made, url }: { token?: () => Promise<string>; url?: string }, words) => {
    const { code, out, err } = await gatehouse(['export'], { ...(made ? { token: await made() } : {}), ...(url ? { url } : {}) });
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(words);
    expect(err).not.toContain('    at ');
    expect(err).not.toContain(token);
  });

  test.each([
    [
      'a host that is an address',
      'policy: { egressHosts: [10.0.0.1] }',
      'faulty.yaml can’t be applied:\n  line 2: policy.egressHosts.0 must be a host such as registry.npmjs.org',
    ],
    [
      'somebody who is not there',
      'groups: [{ name: A, members: [user nobody@x.test] }]',
      'groups.0.members.0 names nobody@x.test, who is not in',
    ],
    ['a circle', 'groups: [{ name: A, members: [group B] }, { name: B, members: [group A] }]', 'closes a circle: A → B → A'],
    ['no owner', 'assignments: []', 'line 2: assignments must give somebody the role owner for good'],
    ['no YAML', 'groups: [', 'faulty.yaml can’t be applied:\n  '],
  ])('with a file that has %s it says where', async (_name, rules, words) => {
    await writeFile(fileOf('faulty.yaml'), `version: 1\n${rules}\n`);
    const { code, err } = await gatehouse(['plan', 'faulty.yaml']);
    expect(code).toBe(1);
    expect(err).toContain(words);
  });

  test.each([
    [[], 'Say what to do.'],
    [['destroy'], 'There is no command destroy.'],
    [['plan'], 'plan takes one file.'],
    [['plan', 'a', 'b'], 'plan takes one file.'],
    [['plan', 'a', '--yes'], '--yes goes with apply only.'],
    [['apply', 'a', '--json'], 'With --json nobody is asked'],
    [['export', 'a'], 'export takes no file: say --out a.'],
    [['apply', 'rules.yaml', '--token', 'x'], '--token'],
    [['plan', 'missing.yaml'], 'missing.yaml can’t be read: ENOENT'],
  ])('called as %j it says what is wrong', async (args, words) => {
    const { code, err } = await gatehouse(args);
    expect(code).toBe(1);
    expect(err).toContain(words);
  });
});
