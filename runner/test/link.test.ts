import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { MAX_PAYLOAD, decodeJson, encodeJson } from '@gatehouse/core/protocol/frame.ts';
import { fileEntries } from '@gatehouse/core/protocol/services.ts';
import { describe, expect, it } from 'vitest';
import { linkPath } from '../src/link/workspace-link.ts';
import { isProved, type Broker } from './support/broker.ts';
import { Browser, makeTab } from './support/browser.ts';
import { makeLink } from './support/link.ts';
import { mintId } from './support/mint.ts';
import type { Page } from './support/page.ts';
import { runIn } from './support/sandbox.ts';

const SIZE = { cols: 80, rows: 24 };
const PROMPT = /[$#] /;

describe('opening', () => {
  it('O3 answers the challenge with its identity key over the nonce and the path', async () => {
    const { current, keys, workspaceId, ready } = await makeLink();
    const { broker } = current();
    broker.control({ kind: 'challenge', nonce: 'n1' });
    const proof = await broker.controls.wait((control) => control.kind === 'proof');
    const signature = proof.kind === 'proof' ? proof.signature : '';
    expect(isProved(keys.identityKey, signature, 'n1', linkPath(workspaceId))).toBe(true);
    expect(isProved(keys.identityKey, signature, 'n2', linkPath(workspaceId))).toBe(false);
    broker.control({ kind: 'ready' });
    await ready;
  });

  it('O4 answers a good grant with what this workspace is, and tells the broker', async () => {
    const { join, current, workspaceId, sandbox } = await makeLink();
    const { browser } = await join(7);
    const hello = await browser.frames.wait((frame) => frame.type === 'hello');
    expect(decodeJson(hello.payload)).toEqual({ workspaceId, generation: 3, root: sandbox.root, sandbox: 'process', viewer: 7 });
    await current().broker.controls.wait((control) => control.kind === 'admitted' && control.viewer === 7);
  });

  it('O4 refuses a wrong grant, one that was used, and a proof of another handshake', async () => {
    const { current, way, runnerId, grant } = await makeLink();
    const { broker } = current();
    const tab = await makeTab();
    const knock = async (viewer: number, token: string, hash?: Uint8Array) => {
      const browser = await Browser.greet(broker, viewer, way);
      await browser.hello({ tab, grant: token }, hash);
      return browser;
    };
    const other = await makeTab();
    const wrong = [
      'rubbish',
      await grant(tab, { runnerId: mintId('runner') }),
      await grant(tab, { workspaceId: mintId('workspace') }),
      await grant(other),
    ];
    for (const [viewer, token] of wrong.entries()) await knock(viewer + 1, token);
    const first = await Browser.greet(broker, 5, way);
    await knock(6, await grant(tab, { runnerId }), first.hash);
    for (const viewer of [1, 2, 3, 4, 6]) await broker.controls.wait((control) => control.kind === 'refuse' && control.viewer === viewer);
    const used = await grant(tab);
    const admitted = await knock(7, used);
    await admitted.frames.wait((frame) => frame.type === 'hello');
    await knock(8, used);
    await broker.controls.wait((control) => control.kind === 'refuse' && control.viewer === 8);
    expect(broker.frames.all.filter((frame) => frame.sealed && frame.viewer !== 7)).toEqual([]);
  });

  it.each([
    [
      'something else comes before the handshake',
      async (broker: Broker) => broker.frame('open', 1, 1, { payload: encodeJson({ method: 'pty.list' }) }),
    ],
    ['the handshake is not one', async (broker: Broker) => broker.frame('handshake', 1, 0, { payload: new Uint8Array(48) })],
  ])('E2, O4 refuses a viewer when %s', async (_name, act) => {
    const { current } = await makeLink();
    const { broker } = current();
    await act(broker);
    await broker.controls.wait((control) => control.kind === 'refuse' && control.viewer === 1);
    expect(broker.frames.all).toEqual([]);
  });

  it('E9 refuses a viewer whose frame comes in clear, changed or twice', async () => {
    const { current, join } = await makeLink();
    const { broker } = current();
    for (const [viewer, spoil] of [
      [1, (message: Uint8Array<ArrayBuffer>) => [message, message]],
      [2, (message: Uint8Array<ArrayBuffer>) => [message.map((byte, at) => (at === 20 ? byte ^ 1 : byte))]],
      [3, (message: Uint8Array<ArrayBuffer>) => [message.map((byte, at) => (at === 1 ? 0 : byte))]],
    ] as const) {
      const { browser } = await join(viewer);
      for (const message of spoil(browser.sealed('open', 1, { payload: encodeJson({ method: 'pty.list' }) }))) broker.raw(message);
      await broker.controls.wait((control) => control.kind === 'refuse' && control.viewer === viewer);
    }
  });

  it('K2 echoes marks at once', async () => {
    const { current } = await makeLink();
    current().broker.control({ kind: 'mark', nonce: 4_000_000_000 });
    await current().broker.controls.wait((control) => control.kind === 'echo' && control.nonce === 4_000_000_000);
  });
});

describe('terminals', () => {
  it('echo, count output from the first byte, and tell the exit behind it', async () => {
    const { join } = await makeLink();
    const page = await join();
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    expect(await terminal.head).toMatchObject({ ok: true, offset: 0, terminal: { ...SIZE, exit: null } });
    terminal.write('printf "grüße-%s\\n" 界; exit 3\n');
    await terminal.ends.wait(({ type }) => type === 'fin');
    expect(terminal.text).toContain('grüße-界');
    expect(terminal.from).toBe(0);
    expect(terminal.gaps).toBe(0);
    expect(terminal.messages.all).toEqual([{ kind: 'exit', code: 3, signal: null }]);
  });

  it('stop a program by Ctrl-C', async () => {
    const { join } = await makeLink();
    const terminal = (await join()).open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await terminal.head;
    terminal.write("bash -c 'echo going-$((40+2)); exec sleep 1000'; echo went-$((40+2))\n");
    await terminal.shows('going-42');
    terminal.write('\u0003');
    await terminal.shows(/\^C[^]*[$#] /);
    terminal.write('echo after-$((40+2))\n');
    await terminal.shows('after-42');
    expect(terminal.text).not.toContain('went-42');
  });

  it('P5, T3 take the size of the latest driver and tell all of it', async () => {
    const { join } = await makeLink();
    const [one, two] = [await join(1), await join(2)];
    const first = one.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    const opened = await first.head;
    first.message({ kind: 'resize', cols: 200, rows: 50 });
    first.write('echo size:$(stty size):\n');
    await first.shows('size:50 200:');
    const { terminalId } = opened['terminal'] as { terminalId: string };
    const second = two.open({ method: 'pty.attach', terminalId, from: 0, cols: 90, rows: 30 });
    expect(await second.head).toMatchObject({ ok: true, offset: 0 });
    await first.messages.wait((message) => message['kind'] === 'resize' && message['cols'] === 90);
    second.write('echo now:$(stty size):\n');
    await second.shows('now:30 90:');
    first.write('echo back:$(stty size):\n');
    await second.shows('back:50 200:');
  });

  it('live on without viewers and across links, and go on at the offset that is asked for', async () => {
    const { join, current, sockets } = await makeLink();
    const page = await join(1);
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE, name: 'build' });
    const { terminalId } = (await terminal.head)['terminal'] as { terminalId: string };
    terminal.write('echo before-$((1+1)); read x; echo got:$x\n');
    await terminal.shows('before-2');
    const seen = terminal.next;
    const before = sockets.length;
    current().events.closed(1006, '');
    for (let turn = 0; sockets.length === before; turn++) await new Promise((resolve) => setImmediate(resolve));
    const again = await join(2);
    expect(await again.call({ method: 'pty.list' })).toMatchObject({ terminals: [{ terminalId, name: 'build', exit: null }] });
    const attached = again.open({ method: 'pty.attach', terminalId, from: seen, ...SIZE });
    expect(await attached.head).toMatchObject({ ok: true });
    attached.write('word\n');
    await attached.shows('got:word');
    expect(attached.from).toBe(seen);
    expect(attached.text).not.toContain('before-2');
  });

  it('W2, W3 flood nobody who acknowledges nothing, and lose nothing when read again', async () => {
    const { join } = await makeLink();
    const page = await join();
    page.acknowledges = false;
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await terminal.head;
    terminal.write('stty -echo; yes 0123456789abcdef | head -c 2500000; echo end-$((40+2))\n');
    await terminal.data.wait(() => terminal.next >= LIMITS.ackEvery);
    const held = await page.call({ method: 'pty.list' });
    // A busy machine prints so little at a time that much of it goes as echoes, which may fill the window.
    expect(terminal.next).toBeLessThanOrEqual(LIMITS.window);
    // W3: the program is held back: what it printed beyond the window is bounded, below all it would print.
    const [info] = held['terminals'] as { offset: number }[];
    expect(info?.offset).toBeLessThan(2 * LIMITS.window);
    page.acknowledges = true;
    terminal.acknowledge();
    await terminal.shows('end-42');
    expect(terminal.gaps).toBe(0);
    expect(terminal.text.match(/0123456789abcdef/g)?.length).toBeGreaterThan(140_000);
  });

  it('echo to a viewer whose other terminal floods', async () => {
    const { join } = await makeLink();
    const page = await join();
    const quiet = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await quiet.shows(PROMPT);
    page.acknowledges = false;
    const flood = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await flood.head;
    flood.write('yes\n');
    await flood.data.wait(() => flood.next > LIMITS.ackEvery);
    quiet.write('echo still-$((40+2))\n');
    await quiet.shows('still-42');
  });

  it('are renamed for all, and closed with their programs', async () => {
    const { join } = await makeLink();
    const page = await join();
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    const { terminalId } = (await terminal.head)['terminal'] as { terminalId: string };
    expect(await page.call({ method: 'pty.rename', terminalId, name: 'tests' })).toEqual({ ok: true });
    await terminal.messages.wait((message) => message['kind'] === 'renamed' && message['name'] === 'tests');
    expect(await page.call({ method: 'pty.close', terminalId })).toEqual({ ok: true });
    await terminal.messages.wait((message) => message['kind'] === 'exit');
    await terminal.ends.wait(({ type }) => type === 'fin');
    expect(await page.call({ method: 'pty.attach', terminalId, from: 0, ...SIZE })).toMatchObject({ ok: false, code: 'not-found' });
  });

  it('S3 refuse input with a gap', async () => {
    const { join } = await makeLink();
    const page = await join();
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await terminal.head;
    page.browser.frame('data', terminal.number, { offset: 5, payload: Buffer.from('x') });
    const end = await terminal.ends.wait(({ type }) => type === 'reset');
    expect(end.body).toMatchObject({ code: 'invalid' });
  });
});

describe('files', () => {
  const write = async (page: Page, path: string, etag: string | null, text: string) => {
    const stream = page.open({ method: 'files.write', path, etag, size: Buffer.byteLength(text) });
    for (let at = 0; at < text.length; at += MAX_PAYLOAD) stream.write(text.slice(at, at + MAX_PAYLOAD));
    stream.fin();
    return stream.head;
  };

  it('are written whole, keep their mode, and are refused when another has changed them', async () => {
    const { join, sandbox } = await makeLink();
    const page = await join();
    await runIn(sandbox, 'echo old > run.sh; chmod 750 run.sh; ln -s run.sh alias');
    const stat = await page.call({ method: 'files.stat', path: 'run.sh' });
    const saved = await write(page, 'alias', String(stat['etag']), 'new\n');
    expect(saved).toMatchObject({ ok: true, entry: { name: 'run.sh', kind: 'file', size: 4 } });
    expect((await runIn(sandbox, 'cat run.sh; stat -c %a run.sh; readlink alias; ls -A | grep saving')).output).toBe('new\n750\nrun.sh');
    expect(await write(page, 'run.sh', String(stat['etag']), 'lost\n')).toMatchObject({ ok: false, code: 'conflict' });
    expect(await write(page, 'run.sh', null, 'lost\n')).toMatchObject({ ok: false, code: 'conflict' });
    expect(await write(page, 'run.sh', '*', 'forced\n')).toMatchObject({ ok: true });
    expect(await write(page, 'fresh.txt', null, '')).toMatchObject({ ok: true, entry: { size: 0 } });
  });

  it('are left as they were when more or fewer bytes come than announced, or the viewer cancels', async () => {
    const { join, sandbox } = await makeLink();
    const page = await join();
    await runIn(sandbox, 'echo old > note');
    const more = page.open({ method: 'files.write', path: 'note', etag: '*', size: 2 });
    more.write('abc');
    expect(await more.head).toMatchObject({ ok: false, code: 'invalid' });
    const fewer = page.open({ method: 'files.write', path: 'note', etag: '*', size: 9 });
    fewer.write('abc');
    fewer.fin();
    expect(await fewer.head).toMatchObject({ ok: false, code: 'invalid' });
    const cancelled = page.open({ method: 'files.write', path: 'note', etag: '*', size: 9 });
    cancelled.write('abc');
    await cancelled.acks.wait((offset) => offset === 3);
    cancelled.reset();
    expect(await page.call({ method: 'files.stat', path: 'note' })).toMatchObject({ entry: { size: 4 } });
    await expect.poll(async () => (await runIn(sandbox, 'cat note; ls -A | grep -c saving')).output).toBe('old\n0');
  });

  it('are kept to the policy’s sizes both ways, also when it changes while they are at work', async () => {
    const { join, sandbox, policy } = await makeLink();
    const page = await join();
    await runIn(sandbox, 'head -c 1048576 /dev/zero > fits; head -c 1048577 /dev/zero > large');
    policy.now = { upload: 1, download: 1 };
    expect(await page.call({ method: 'files.read', path: 'large' })).toMatchObject({
      ok: false,
      code: 'refused',
      message: expect.stringContaining('limited to 1 MB') as unknown,
    });
    expect(await page.open({ method: 'files.read', path: 'fits' }).head).toMatchObject({ ok: true });
    expect(await page.call({ method: 'files.archive', paths: ['fits'] })).toMatchObject({ ok: false, code: 'refused' });
    const tooMuch = await page.open({ method: 'files.write', path: 'new', etag: null, size: 1048577 }).head;
    expect(tooMuch).toMatchObject({ ok: false, code: 'refused', message: expect.stringContaining('limited to 1 MB') as unknown });
    policy.now = { upload: 0, download: 0 };
    expect(await page.call({ method: 'files.read', path: 'fits' })).toMatchObject({
      ok: false,
      code: 'refused',
      message: expect.stringContaining('blocked') as unknown,
    });
    expect(await page.call({ method: 'files.archive', paths: ['fits'] })).toMatchObject({ ok: false, code: 'refused' });
    expect(await write(page, 'new', null, 'x')).toMatchObject({
      ok: false,
      code: 'refused',
      message: expect.stringContaining('blocked') as unknown,
    });
    policy.now = {};
    expect(await page.open({ method: 'files.read', path: 'large' }).head).toMatchObject({ ok: true });
    expect(await write(page, 'new', null, 'x')).toMatchObject({ ok: true });
  });

  it('searches no text where nothing may be downloaded', async () => {
    const { join, sandbox, policy } = await makeLink();
    const page = await join();
    await runIn(sandbox, 'echo plan > secret');
    const query = { method: 'search.text', query: 'plan', regex: false, matchCase: false, wholeWord: false, include: [], exclude: [] };
    const found = page.open(query);
    await found.shows('"secret"');
    policy.now = { download: 0 };
    const { head } = page.open(query);
    expect(await head).toMatchObject({ ok: false, code: 'refused' });
    const names = page.open({ method: 'search.files' });
    await names.shows('"secret"');
  });

  it('are read in the same window as all else, and echo overtakes them', async () => {
    const { join, sandbox } = await makeLink();
    const page = await join();
    await runIn(sandbox, 'head -c 5000000 /dev/zero | tr "\\0" a > big; printf "a\\0b" > binary; mkfifo pipe');
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await terminal.shows(PROMPT);
    page.acknowledges = false;
    const big = page.open({ method: 'files.read', path: 'big' });
    expect(await big.head).toMatchObject({ ok: true, binary: false, entry: { size: 5_000_000 } });
    await big.data.wait(() => big.next >= LIMITS.ackEvery);
    terminal.write('echo typed-$((40+2))\n');
    await terminal.shows('typed-42');
    expect(big.next).toBeLessThan(LIMITS.window);
    page.acknowledges = true;
    big.acknowledge();
    await big.ends.wait(({ type }) => type === 'fin');
    expect(big.next).toBe(5_000_000);
    expect(big.gaps).toBe(0);
    expect(await page.call({ method: 'files.read', path: 'binary' })).toMatchObject({ ok: true, binary: true });
    expect(await page.call({ method: 'files.read', path: 'pipe' })).toMatchObject({ ok: false, code: 'not-a-file' });
    expect(await page.call({ method: 'files.read', path: '.' })).toMatchObject({ ok: false, code: 'not-a-file' });
  });

  it('are listed whole, however many', async () => {
    const { join, sandbox } = await makeLink();
    const page = await join();
    await runIn(
      sandbox,
      'mkdir few many; touch few/b few/a; ln -s a few/link; cd many; seq -f "a-rather-long-name-%05g.txt" 5100 | xargs touch',
    );
    const list = async (path: string) => {
      const stream = page.open({ method: 'files.list', path });
      const head = await stream.head;
      await stream.ends.wait(({ type }) => type === 'fin');
      return { head, entries: fileEntries.parse(JSON.parse(stream.text)) };
    };
    const few = await list('few');
    expect(few.head).toEqual({ ok: true, truncated: false });
    expect(few.entries.map(({ name, kind }) => `${name} ${kind}`)).toEqual(['a file', 'b file', 'link symlink']);
    const many = await list('many');
    expect(many.head).toEqual({ ok: true, truncated: false });
    expect(many.entries).toHaveLength(5100);
  });

  it('are made, renamed and deleted, with clear refusals', async () => {
    const { join } = await makeLink();
    const page = await join();
    const call = (method: string, more: object) => page.call({ method, ...more });
    expect(await call('files.mkdir', { path: 'one' })).toEqual({ ok: true });
    expect(await call('files.mkdir', { path: 'one' })).toMatchObject({ ok: false, code: 'exists' });
    expect(await call('files.mkdir', { path: 'none/two' })).toMatchObject({ ok: false, code: 'not-found' });
    expect(await write(page, 'one/file', null, 'x')).toMatchObject({ ok: true });
    expect(await call('files.rename', { from: 'one/file', to: 'one/moved' })).toEqual({ ok: true });
    expect(await call('files.rename', { from: 'one/moved', to: 'one' })).toMatchObject({ ok: false, code: 'exists' });
    expect(await call('files.delete', { path: 'one', recursive: false })).toMatchObject({ ok: false, code: 'not-empty' });
    expect(await call('files.delete', { path: 'one', recursive: true })).toEqual({ ok: true });
    expect(await call('files.delete', { path: '', recursive: true })).toMatchObject({ ok: false, code: 'refused' });
    expect(await call('files.stat', { path: '../x' })).toMatchObject({ ok: false, code: 'invalid' });
  });

  it('are watched: changes come together, what is in .git and node_modules does not', async () => {
    const { join, sandbox } = await makeLink();
    const page = await join();
    await runIn(sandbox, 'mkdir -p src node_modules/dep .git');
    const watch = page.open({ method: 'files.watch', path: '' });
    expect(await watch.head).toEqual({ ok: true });
    const named = (path: string) => watch.messages.wait((message) => (message['paths'] as string[]).includes(path));
    await runIn(sandbox, 'echo x > node_modules/dep/file; echo x > .git/file; echo x > src/file');
    await named('src/file');
    await runIn(sandbox, 'mkdir src/deep');
    await named('src/deep');
    await runIn(sandbox, 'echo x > src/deep/file');
    await named('src/deep/file');
    expect(watch.messages.all.flatMap((message) => message['paths'])).not.toContain('node_modules/dep/file');
    expect(watch.messages.all.flatMap((message) => message['paths'])).not.toContain('.git/file');
    watch.reset();
  });
});

describe('what is wrong', () => {
  it('costs the stream: rubbish instead of a request, an unknown method, too much acknowledged', async () => {
    const { join } = await makeLink();
    const page = await join();
    const { browser } = page;
    browser.frame('open', 1, { payload: Buffer.from('{') });
    await browser.frames.wait((frame) => frame.type === 'reset' && frame.stream === 1);
    browser.frame('open', 3, { payload: encodeJson({ method: 'task.run', argv: ['/bin/sh'] }) });
    await browser.frames.wait((frame) => frame.type === 'reset' && frame.stream === 3);
    page.skipTo(5);
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await terminal.shows(PROMPT);
    terminal.acknowledge(10_000_000);
    await terminal.ends.wait(({ type }) => type === 'reset');
  });

  it('S1 costs the viewer: a stream number that is even, or used twice', async () => {
    const { join, current } = await makeLink();
    const [one, two] = [await join(1), await join(2)];
    const { broker } = current();
    one.browser.frame('open', 2, { payload: encodeJson({ method: 'pty.list' }) });
    await broker.controls.wait((control) => control.kind === 'refuse' && control.viewer === 1);
    two.browser.frame('open', 1, { payload: encodeJson({ method: 'pty.list' }) });
    two.browser.frame('open', 1, { payload: encodeJson({ method: 'pty.list' }) });
    await broker.controls.wait((control) => control.kind === 'refuse' && control.viewer === 2);
  });

  it('F4 costs the socket, and only the socket: a frame that is none', async () => {
    const { join, current, sockets } = await makeLink();
    const page = await join(1);
    const terminal = page.open({ method: 'pty.open', key: mintId('request'), ...SIZE });
    await terminal.shows(PROMPT);
    const broken = current();
    broken.broker.raw(new Uint8Array(3));
    while (sockets.length === 1) await new Promise((resolve) => setImmediate(resolve));
    expect(broken.closed).toBe(4400);
    expect(await (await join(2)).call({ method: 'pty.list' })).toMatchObject({ terminals: [{ exit: null }] });
  });

  it('S6 is dropped: frames of streams that are not open, and all of a viewer that left', async () => {
    const { join, current } = await makeLink();
    const page = await join(1);
    const { broker } = current();
    for (const type of ['data', 'ack', 'message', 'fin'] as const) page.browser.frame(type, 99);
    expect(await page.call({ method: 'pty.list' })).toMatchObject({ ok: true });
    broker.control({ kind: 'left', viewer: 1 });
    page.open({ method: 'pty.list' });
    await join(2);
    expect(page.browser.frames.all.filter((frame) => frame.type === 'head')).toHaveLength(1);
  });
});
