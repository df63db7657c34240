import { chmodSync, chownSync, copyFileSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lspServers, MOST_SERVERS, SERVERS, serverFor, type ServerId } from '@gatehouse/core/protocol/language-servers.ts';
import { describe, expect, it } from 'vitest';
import { FILE_WINDOW } from '../src/channel/requests.ts';
import type { Sandbox } from '../src/sandbox/driver.ts';
import { homeOf } from '../src/sandbox/prepare.ts';
import { Heard } from './support/heard.ts';
import { makeLink, OWNER } from './support/link.ts';
import { mintId } from './support/mint.ts';
import { isolationMissing, mintPlan, runIn, startSandbox } from './support/sandbox.ts';

const kinds = isolationMissing() === null ? (['bubblewrap', 'process'] as const) : (['process'] as const);
type Kind = (typeof kinds)[number];

/** A server's stream, as the runner sees it. */
function open(sandbox: Sandbox, server: ServerId, root = '', takes = true) {
  const messages = new Heard<Record<string, unknown>>();
  const got = new Heard<number>();
  const state = { text: '', bytes: 0, ended: false };
  let answer: (head: object) => void = () => undefined;
  const head = new Promise<object>((resolve) => (answer = resolve));
  const stream = sandbox.helper.open(
    { method: 'lsp.open', server, root },
    {
      head: answer,
      data: (bytes) => {
        state.text += Buffer.from(bytes).toString();
        state.bytes += bytes.byteLength;
        if (takes) stream.ack(state.bytes);
        got.push(state.bytes);
      },
      message: (value) => messages.push(value as Record<string, unknown>),
      fin: () => {
        state.ended = true;
        got.push(state.bytes);
      },
      gone: () => undefined,
    },
  );
  const shows = (text: string | RegExp) =>
    got.wait(() => (typeof text === 'string' ? state.text.includes(text) : text.test(state.text))).then(() => state.text);
  const send = (text: string) => stream.data(Buffer.from(text));
  return { head, messages, got, state, stream, shows, send };
}

interface Place {
  sandbox: Sandbox;
  write(path: string, content: string, mode?: number): void;
  /** puts the echoing server somewhere, as a program */
  install(path: string): void;
}

async function makePlace(kind: Kind): Promise<Place> {
  const plan = mintPlan();
  const sandbox = await startSandbox(kind, plan);
  const home = homeOf(plan);
  const { uid, gid } = statSync(home);
  const write = (path: string, content: string, mode = 0o644) => {
    const place = join(home, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
    chmodSync(place, mode);
    if (process.getuid?.() === 0) chownSync(place, uid, gid);
  };
  copyFileSync(fileURLToPath(new URL('./support/echo-server.mjs', import.meta.url)), join(home, 'echo-server.mjs'));
  const node = kind === 'bubblewrap' ? '/opt/gatehouse/node' : process.execPath;
  const install = (path: string) => write(path, `#!/bin/sh\nexec ${node} "$HOME/echo-server.mjs"\n`, 0o755);
  return { sandbox, write, install };
}

const call = async (sandbox: Sandbox, path: string) => lspServers.parse(await sandbox.helper.call({ method: 'lsp.servers', path })).server;
const message = (body: object) => {
  const text = JSON.stringify({ jsonrpc: '2.0', ...body });
  return `Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
};

describe('the table of language servers', () => {
  it('knows by its name what a file is written in', () => {
    expect(serverFor('shop/Basket.TSX')).toEqual({ server: 'typescript', language: 'typescriptreact' });
    expect(serverFor('main.go')).toEqual({ server: 'go', language: 'go' });
    expect(serverFor('lib.rs')).toEqual({ server: 'rust', language: 'rust' });
    expect(serverFor('a/toString')).toBeNull();
    expect(serverFor('a.constructor')).toBeNull();
    expect(serverFor('Makefile')).toBeNull();
  });

  it('has a command that installs whatever does not come along', () => {
    for (const { programs, install } of Object.values(SERVERS))
      expect(programs.some(({ kind }) => kind === 'shipped')).toBe(install === null);
    expect(SERVERS.go.programs).toMatchObject([{ name: 'gopls', args: [] }]);
    expect(SERVERS.rust.programs).toMatchObject([{ name: 'rust-analyzer', args: [] }]);
  });
});

describe.each(kinds)('language servers in a %s sandbox', (kind) => {
  it('are for the outermost project of the repository that a file is in', async () => {
    const { sandbox, write } = await makePlace(kind);
    for (const path of ['package.json', 'shop/package.json', 'shop/.git/HEAD', 'shop/web/package.json', 'notes/a.ts', 'b.ts'])
      write(path, '{}');
    const rootOf = async (path: string) => (await call(sandbox, path))?.root;
    expect(await rootOf('shop/web/src/a.ts')).toBe('shop');
    expect(await rootOf('notes/a.ts')).toBe('notes');
    expect(await rootOf('b.ts')).toBe('');
    expect(await call(sandbox, 'a.unknown')).toBeNull();
    expect(await sandbox.helper.call({ method: 'lsp.servers', path: '../a.ts' })).toMatchObject({ ok: false, code: 'invalid' });
  });

  it('are the project’s own, then the workspace’s, then those that come along', async () => {
    const { sandbox, write, install } = await makePlace(kind);
    const programOf = async (path: string) => (await call(sandbox, path))?.program;
    write('shop/package.json', '{}');
    expect(await programOf('shop/a.ts')).toBe('typescript, which comes with Gatehouse');
    install('.local/bin/typescript-language-server');
    expect(await programOf('shop/a.ts')).toBe('typescript-language-server');
    install('shop/node_modules/.bin/tsc');
    write('shop/node_modules/typescript/package.json', '{"version":"6.0.3"}');
    expect(await programOf('shop/a.ts')).toBe('typescript-language-server');
    write('shop/node_modules/typescript/package.json', '{"version":"7.0.2"}');
    expect(await programOf('shop/a.ts')).toBe('tsc');
    expect(await programOf('shop/a.svelte')).toBeNull();
    expect(await open(sandbox, 'svelte', 'shop').head).toMatchObject({ ok: false, code: 'not-found' });
  });

  it('L1 get every byte and give every byte, never further ahead than the window, and tell their log and their end', async () => {
    const { sandbox, write, install } = await makePlace(kind);
    install('go/bin/gopls');
    write('shop/go.mod', 'module shop');
    const { head, messages, got, state, stream, shows, send } = open(sandbox, 'go', 'shop', false);
    expect(await head).toEqual({ ok: true, program: 'gopls' });
    await messages.wait((said) => said['kind'] === 'log' && said['text'] === 'ready\n');
    send(`echo ${'ä'.repeat(100_000)}.\nwhere\n`);
    const take = setInterval(() => stream.ack(state.bytes), 1);
    expect(await shows(/\/shop .*\n/)).toMatch(/^ä{100000}\.\n.*\/shop .*go\/bin/);
    clearInterval(take);
    // What came since the last of it was taken is taken, too: else the window is that much smaller.
    stream.ack(state.bytes);
    const before = state.bytes;
    send('flood 2000000\n');
    await got.wait(() => state.bytes - before >= FILE_WINDOW - 64 * 1024);
    expect(state.bytes - before).toBeLessThanOrEqual(FILE_WINDOW);
    const on = setInterval(() => stream.ack(state.bytes), 1);
    await got.wait(() => state.bytes - before === 2_000_000);
    clearInterval(on);
    send('exit 3\n');
    expect(await messages.wait((said) => said['kind'] === 'exit')).toEqual({ kind: 'exit', code: 3, signal: null });
    await got.wait(() => state.ended);
  });

  it('end with their stream, and what they started with them; so many run at once', async () => {
    const { sandbox, install } = await makePlace(kind);
    install('go/bin/gopls');
    const servers = Array.from({ length: MOST_SERVERS }, () => open(sandbox, 'go'));
    for (const server of servers) expect(await server.head).toMatchObject({ ok: true });
    expect(await open(sandbox, 'go').head).toMatchObject({ ok: false, code: 'limit' });
    servers[0]?.send('child\n');
    const [, child = '', parent = ''] = /child (\d+) of (\d+)/.exec((await servers[0]?.shows(/child \d+ of \d+\n/)) ?? '') ?? [];
    expect((await runIn(sandbox, `kill -0 ${child} ${parent}`)).code).toBe(0);
    expect((await runIn(sandbox, `cat /proc/${parent}/oom_score_adj`)).output).toBe('300');
    for (const { stream } of servers) stream.reset();
    expect((await runIn(sandbox, `while kill -0 ${child} 2>/dev/null || kill -0 ${parent} 2>/dev/null; do sleep 0.05; done`)).code).toBe(0);
    await expect.poll(async () => ((await open(sandbox, 'go').head) as { ok: boolean }).ok).toBe(true);
  });

  it('are there in an empty home without a network: TypeScript, Python, HTML, CSS, JSON', async () => {
    const { sandbox, write } = await makePlace(kind);
    write('shop/basket.ts', '');
    const initialize = { processId: null, rootUri: null, capabilities: {} };
    for (const server of ['typescript', 'python', 'html', 'css', 'json'] as const) {
      const { head, send, shows, stream } = open(sandbox, server, 'shop');
      expect(await head).toMatchObject({ ok: true, program: expect.stringContaining('comes with Gatehouse') as unknown });
      send(message({ id: 1, method: 'initialize', params: initialize }));
      expect(await shows('"capabilities"')).toContain('hoverProvider');
      stream.reset();
    }
    expect((await runIn(sandbox, 'touch /opt/gatehouse/node_modules/pyright/x 2>&1 || echo read-only')).output).toMatch(
      kind === 'bubblewrap' ? /Read-only|Permission denied/ : /read-only|^$/,
    );
  });
});

describe('a language server over a connection', () => {
  const request = { method: 'lsp.open', server: 'json', root: '' };

  it('L2 is refused where nothing may be downloaded, and to whoever only watches', async () => {
    const { join: enter, policy } = await makeLink();
    const page = await enter();
    expect(await page.open(request).head).toMatchObject({ ok: true });
    const guest = await enter(2, { userId: mintId('user'), access: 'join' });
    expect(await guest.open(request).head).toMatchObject({ ok: false, code: 'refused' });
    expect(await guest.call({ method: 'lsp.servers', path: 'a.json' })).toMatchObject({ ok: true });
    policy.now = { download: 0 };
    expect(await page.open(request).head).toMatchObject({ ok: false, code: 'refused' });
  });

  it('L2 hears nothing more of a person who handed over driving', async () => {
    const { join: enter } = await makeLink();
    const page = await enter(1, { userId: OWNER });
    const server = page.open(request);
    expect(await server.head).toMatchObject({ ok: true });
    await enter(2, { userId: mintId('user'), access: 'join' });
    expect(await page.call({ method: 'drive.give', viewer: 2 })).toMatchObject({ ok: true });
    server.write(message({ id: 1, method: 'initialize', params: {} }));
    expect(await server.ends.wait(({ type }) => type === 'reset')).toMatchObject({ body: { code: 'refused' } });
    expect(server.text).toBe('');
  });
});
