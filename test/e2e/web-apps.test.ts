import { cp, mkdir, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { existsSync, chownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { appHost } from '@gatehouse/core/apps/host.ts';
import { Person } from '../../scripts/api.ts';
import { violations } from '../support/axe.ts';
import { launchBrowser } from '../support/browser.ts';
import { PIECE, pieceAt } from '../support/numbered-bytes.mjs';
import { ROOT } from '../support/place.ts';
import { type Product, signUp, startProduct, until } from '../support/product.ts';

/** Real tools in a real workspace, in a real browser, through the tunnel. Each test stands on what the one before left. */

const PASSWORD = 'a long enough password';
const SIZE = 200 * 1024 * 1024;
/** What `vite dev` needs, from this repository's own packages: tests ask no registry. */
const VITE = [
  'vite',
  'rolldown',
  '@rolldown',
  'lightningcss',
  'postcss',
  'picomatch',
  'tinyglobby',
  'fdir',
  'nanoid',
  'picocolors',
  'source-map-js',
  '@oxc-project',
  'detect-libc',
  'ws',
];

let product: Product;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let owner: Person;
let workspaceId: string;
let home: string;

const originOf = (label: string) => `http://${appHost({ label, workspaceId }, `localhost:${product.port}`)}`;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct(), launchBrowser(['--disable-3d-apis'])]);
  const person = await signUp(product.origin, 'apps', PASSWORD);
  await product.addRunner(person, 'one');
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  page = await context.newPage();
  page.setDefaultTimeout(30_000);
  await page.goto(`${product.origin}/signin`);
  await page.evaluate(() => localStorage.clear());
  // A change of the fragment alone loads no page.
  await page.goto('about:blank');
  await page.goto(`${product.origin}/signin#org=apps&email=owner@apps.test&password=${encodeURIComponent(PASSWORD)}`);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.waitForURL('**/workspaces');
  owner = await asPage(context);
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await product?.end();
});

/** The page's own session, for what is quicker asked than clicked. */
async function asPage(of: BrowserContext): Promise<Person> {
  const cookies = await of.cookies(product.origin);
  return new Person(product.origin, cookies.map(({ name, value }) => `${name}=${value}`).join('; '));
}

/** Gives what was put into the home to its user. */
function own(path: string, uid: number): void {
  if (process.getuid?.() !== 0) return;
  chownSync(path, uid, uid);
  if (lstatSync(path).isDirectory()) for (const name of readdirSync(path)) own(join(path, name), uid);
}

async function fillHome(): Promise<void> {
  await mkdir(join(home, 'node_modules'), { recursive: true });
  for (const name of VITE) {
    const from = join(ROOT, 'node_modules', name);
    if (existsSync(from)) await cp(from, join(home, 'node_modules', name), { recursive: true });
  }
  for (const name of ['numbered-bytes.mjs', 'workshop.mjs']) await cp(join(ROOT, 'test/support', name), join(home, name));
  await mkdir(join(home, 'site'));
  await writeFile(
    join(home, 'site/index.html'),
    '<!doctype html><title>Site</title><h1></h1><script type="module" src="/main.js"></script>',
  );
  await writeFile(join(home, 'site/main.js'), PAGE('first'));
  for (const name of ['node_modules', 'numbered-bytes.mjs', 'workshop.mjs', 'site']) own(join(home, name), statSync(home).uid);
}

const PAGE = (word: string) => `import { word } from './word.js';
document.querySelector('h1').textContent = word;
import.meta.hot?.accept('./word.js', (next) => (document.querySelector('h1').textContent = next.word));
// ${word}
`;

test('a template names web apps, and its workspace keeps their programs running', async () => {
  const node = '/opt/gatehouse/node';
  const spec = {
    driver: 'bubblewrap',
    apps: [
      {
        name: 'Workshop',
        port: 5050,
        command: `until [ -e workshop.mjs ]; do sleep 0.1; done; ${node} workshop.mjs $PORT $HOME/node_modules`,
        icon: 'flask',
      },
      {
        name: 'Site',
        port: 5173,
        command: `until [ -e site/word.js ]; do sleep 0.1; done; cd site && ${node} ../node_modules/vite/bin/vite.js --port $PORT --strictPort`,
      },
      { name: 'Silent', port: 5999 },
    ],
  };
  const template = await owner.call<{ id: string }>('POST', '/templates', { name: 'web', spec });
  ({ id: workspaceId } = await owner.call<{ id: string }>('POST', '/workspaces', { templateId: template.id, name: 'shop' }));
  await until(async () => (await owner.call<{ phase: string }>('GET', `/workspaces/${workspaceId}`)).phase === 'running');
  home = join(product.stateDir, 'runner-one/workspaces', workspaceId, 'home');
  await fillHome();
  await writeFile(join(home, 'site/word.js'), `export const word = 'before';\n`);
  own(join(home, 'site/word.js'), statSync(home).uid);
});

test('one click on the workspace’s card opens the app on a host of its own', async () => {
  await page.goto(`${product.origin}/workspaces`);
  const [opened] = await Promise.all([context.waitForEvent('page'), page.getByRole('button', { name: 'Workshop', exact: true }).click()]);
  await opened.getByRole('heading', { name: 'Workshop', exact: true }).waitFor();
  expect(opened.url()).toBe(`${originOf('workshop')}/`);
  const cookies = await context.cookies(originOf('workshop'));
  expect(cookies).toMatchObject([{ name: '__Host-gatehouse-app', httpOnly: true, secure: true, sameSite: 'Lax', path: '/' }]);
  const events = await owner.call<{ items: Array<{ action: string; resource: { name: string } }> }>('GET', '/audit/events?limit=20');
  expect(events.items.find(({ action }) => action === 'app.open')?.resource.name).toBe('shop: Workshop');
  page = opened;
});

test('what passes and what does not: headers, cookies, redirects, bodiless answers, ranges', async () => {
  const echoed = await page.evaluate(async () => {
    const answer = await fetch('/echo?a=1', { headers: { 'X-Own': 'kept' } });
    return { body: await answer.json(), cache: answer.headers.get('cache-control'), csp: answer.headers.get('content-security-policy') };
  });
  expect(echoed.body.headers).toMatchObject({ host: 'localhost:5050', 'x-own': 'kept', 'x-gatehouse-origin': originOf('workshop') });
  expect(JSON.stringify(echoed.body.headers)).not.toContain('gatehouse-app');
  expect([echoed.cache, echoed.csp]).toEqual(['private, max-age=60', "frame-ancestors 'self'"]);
  const names = (await context.cookies(originOf('workshop'))).map(({ name, domain }) => `${name} ${domain}`);
  const host = new URL(originOf('workshop')).hostname;
  expect(names.sort()).toEqual([`__Host-gatehouse-app ${host}`, `plain ${host}`, `wide ${host}`]);
  expect(await page.evaluate(async () => (await fetch('/away')).url)).toBe(`${originOf('workshop')}/echo?back`);
  const odd = await page.evaluate(async () => {
    const [none, head, range] = await Promise.all([
      fetch('/none'),
      fetch('/download?size=1000', { method: 'HEAD' }),
      fetch('/download?size=1000', { headers: { Range: 'bytes=10-19' } }),
    ]);
    return [
      none.status,
      head.headers.get('content-length'),
      range.status,
      range.headers.get('content-range'),
      (await range.arrayBuffer()).byteLength,
    ];
  });
  expect(odd).toEqual([204, '1000', 206, 'bytes 10-19/1000', 10]);
});

test('server-sent events arrive as they are sent', async () => {
  const got = await page.evaluate(
    () =>
      new Promise<string[]>((resolve) => {
        const seen: string[] = [];
        const source = new EventSource('/events');
        source.onmessage = ({ data }) => {
          seen.push(String(data));
          if (seen.length === 3) resolve((source.close(), seen));
        };
      }),
  );
  expect(got).toEqual(['1', '2', '3']);
});

test('a WebSocket passes text, bytes, its subprotocol and its close code', async () => {
  const seen = await page.evaluate(
    () =>
      new Promise<unknown[]>((resolve) => {
        const socket = new WebSocket(`ws://${location.host}/socket`, ['other', 'echo']);
        const got: unknown[] = [];
        socket.binaryType = 'arraybuffer';
        socket.onopen = () => {
          got.push(socket.protocol);
          socket.send('hello');
          socket.send(new Uint8Array(300_000).fill(7));
          socket.send('close');
        };
        socket.onmessage = ({ data }) =>
          got.push(typeof data === 'string' ? data : [(data as ArrayBuffer).byteLength, new Uint8Array(data as ArrayBuffer)[299_999]]);
        socket.onclose = ({ code, reason }) => resolve([...got, code, reason]);
      }),
  );
  expect(seen).toEqual(['echo', 'hello', [300_000, 7], 4321, 'as asked']);
});

test('vite serves with hot reload: an edit in the workspace changes the page without loading it again', async () => {
  const site = await context.newPage();
  await site.goto(`${product.origin}/w/${workspaceId}/apps/site`);
  await site.getByRole('heading', { name: 'before' }).waitFor();
  expect(site.url()).toBe(`${originOf('site')}/`);
  await site.evaluate(() => ((globalThis as { mark?: string }).mark = 'the same page'));
  await writeFile(join(home, 'site/word.js'), `export const word = 'after';\n`);
  await site.getByRole('heading', { name: 'after' }).waitFor();
  expect(await site.evaluate(() => (globalThis as { mark?: string }).mark)).toBe('the same page');
  await site.close();
});

/** resident memory of a process in MiB */
const rssOf = async (pid: number): Promise<number> => {
  const { readFile } = await import('node:fs/promises');
  return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
};

async function workerdPids(): Promise<number[]> {
  const { readFile } = await import('node:fs/promises');
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found: number[] = [];
  for (const pid of pids) {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    if (text.includes('(workerd)') && Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]) === process.pid) found.push(Number(pid));
  }
  return found;
}

test('200 MB down and up arrive whole, with the memory of service and runner bounded', { timeout: 120_000 }, async () => {
  const [workerd = 0] = await workerdPids();
  const runner = product.runner('one').pid ?? 0;
  const most = { workerd: 0, runner: 0 };
  const cookie = (await context.cookies(originOf('workshop'))).map(({ name, value }) => `${name}=${value}`).join('; ');
  const headers = { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin', Host: new URL(originOf('workshop')).host };
  const ask = await plainly(product.port, headers);
  // What a collector keeps before it collects is reached by the first transfer; a second of the same size must add next to nothing.
  await ask.download(`/download?size=${SIZE / 2}`);
  await ask.upload('/upload', SIZE / 2);
  const before = { workerd: await rssOf(workerd), runner: await rssOf(runner) };
  const look = setInterval(async () => {
    most.workerd = Math.max(most.workerd, await rssOf(workerd));
    most.runner = Math.max(most.runner, await rssOf(runner));
  }, 50);
  const expected = createHash('sha256');
  for (let at = 0; at < SIZE; at += PIECE) expected.update(pieceAt(at));
  const sha256 = expected.digest('hex');
  expect(await ask.download(`/download?size=${SIZE}`)).toEqual({ size: SIZE, sha256 });
  expect(await ask.upload('/upload', SIZE)).toEqual({ size: SIZE, sha256 });
  clearInterval(look);
  expect(most.workerd - before.workerd).toBeLessThan(128);
  expect(most.runner - before.runner).toBeLessThan(128);
});

/** Requests over plain HTTP, which take as fast as they are read. */
async function plainly(port: number, headers: Record<string, string>) {
  const http = await import('node:http');
  const { Readable } = await import('node:stream');
  type Taken = { size: number; sha256: string };
  return {
    download: (path: string) =>
      new Promise<Taken>((resolve, reject) => {
        http
          .get({ host: '127.0.0.1', port, path, headers }, (answer) => {
            const hash = createHash('sha256');
            let size = 0;
            answer.on('data', (piece: Buffer) => ((size += piece.length), hash.update(piece)));
            answer.on('end', () => resolve({ size, sha256: hash.digest('hex') }));
            answer.on('error', reject);
          })
          .on('error', reject);
      }),
    upload: (path: string, size: number) =>
      new Promise<Taken>((resolve, reject) => {
        const request = http.request(
          { host: '127.0.0.1', port, path, method: 'POST', headers: { ...headers, 'Content-Length': size } },
          (answer) => {
            let text = '';
            answer.on('data', (piece: Buffer) => (text += piece.toString()));
            answer.on('end', () =>
              answer.statusCode === 200 ? resolve(JSON.parse(text) as Taken) : reject(new Error(`${answer.statusCode} ${text}`)),
            );
          },
        );
        request.on('error', reject);
        Readable.from(
          (function* () {
            for (let at = 0; at < size; at += PIECE) yield pieceAt(at);
          })(),
        ).pipe(request);
      }),
  };
}

test('a program that is not there yet gets a page that tries again; requests from elsewhere are refused', async () => {
  const silent = await context.newPage();
  await silent.goto(`${product.origin}/w/${workspaceId}/apps/silent`);
  await silent.getByText('This page tries again by itself').waitFor();
  expect(await silent.title()).toBe('Silent is not running yet');
  expect(await violations(silent)).toEqual([]);
  await silent.goto(`${product.origin}/w/${workspaceId}/apps/nothing`);
  await silent.getByText('The workspace has no app of that name').waitFor();
  expect(await violations(silent)).toEqual([]);
  await silent.close();
  const host = new URL(originOf('workshop')).host;
  const cookie = (await context.cookies(originOf('workshop'))).map(({ name, value }) => `${name}=${value}`).join('; ');
  const http = await import('node:http');
  const ask = (headers: Record<string, string>, path = '/echo') =>
    new Promise<[number | undefined, string | undefined]>((resolve, reject) =>
      http
        .get({ host: '127.0.0.1', port: product.port, path, headers: { Host: host, ...headers } }, (answer) => {
          answer.resume();
          resolve([answer.statusCode, answer.headers.location]);
        })
        .on('error', reject),
    );
  const navigation = { 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document' };
  expect((await ask({ Cookie: cookie, 'Sec-Fetch-Site': 'cross-site' }))[0]).toBe(403);
  expect((await ask({ Cookie: cookie, 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'no-cors', 'Sec-Fetch-Dest': 'image' }))[0]).toBe(
    403,
  );
  expect((await ask({ Cookie: cookie }))[0]).toBe(403);
  expect((await ask({ Cookie: cookie, 'Sec-Fetch-Site': 'cross-site', ...navigation }))[0]).toBe(200);
  expect((await ask({ 'Sec-Fetch-Site': 'same-origin' }))[0]).toBe(401);
  expect(await ask({ 'Sec-Fetch-Site': 'none', ...navigation }, '/deep?x=1')).toEqual([
    303,
    `${product.origin}/w/${workspaceId}/apps/workshop#to=${encodeURIComponent('/deep?x=1')}`,
  ]);
  expect((await ask({ Cookie: cookie.replace(/~.*/, '~x'), 'Sec-Fetch-Site': 'same-origin' }))[0]).toBe(401);
});

test('after a cut of the runner the app is there again', async () => {
  await product.killRunner('one');
  await until(async () => page.evaluate(async () => (await fetch('/none').catch(() => null))?.status === 204), 30);
});

test('signing out ends the app within a second, open streams and WebSockets too', async () => {
  const ended = page.evaluate(
    () =>
      new Promise<unknown[]>((resolve) => {
        const got: unknown[] = [];
        const done = (what: unknown) => got.push(what) === 2 && resolve(got);
        const socket = new WebSocket(`ws://${location.host}/socket`);
        socket.onopen = () => ((document.title = 'open'), undefined);
        socket.onclose = ({ code }) => done(code);
        void fetch('/events').then(async (answer) => {
          const reader = answer.body?.getReader();
          for (;;) if ((await reader?.read().catch(() => ({ done: true })))?.done) return done('stream');
        });
      }),
  );
  await page.waitForFunction(() => document.title === 'open');
  const began = performance.now();
  await owner.call('POST', '/logout');
  expect((await ended).map(String).sort()).toEqual(['4403', 'stream']);
  expect(performance.now() - began).toBeLessThan(2_000);
  await page.goto(`${originOf('workshop')}/`);
  await page.waitForURL('**/signin**');
});
