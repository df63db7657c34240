import type { ReadReport } from '@gatehouse/core/protocol/runner-control.ts';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeLab } from './support/lab.ts';
import { makeLink, OWNER } from './support/link.ts';
import { mintId, mintOrder } from './support/mint.ts';
import { runIn } from './support/sandbox.ts';

/** Viewers here keep to nothing but the grammar: what they may not do is asked for all the same. */

const KB = 1024;
const SIZE = { cols: 80, rows: 24 };
const SECRET = Buffer.from('what must not leave').toString('base64');
const key = () => mintId('connection');
const write = { method: 'files.write', etag: null };

describe('D1 before the policy has arrived', () => {
  it('nothing that it could bound is there', async () => {
    const { join: enter, policy } = await makeLink();
    policy.now = null;
    const page = await enter();
    for (const request of [
      { method: 'files.read', path: '.profile' },
      { ...write, path: 'a', size: 1 },
    ])
      expect(await page.call(request)).toMatchObject({ ok: false, code: 'refused' });
    const terminal = page.open({ method: 'pty.open', ...SIZE, key: key() });
    await terminal.head;
    terminal.write('x'.repeat(5 * KB));
    expect(await terminal.ends.wait(({ type }) => type === 'reset')).toMatchObject({ body: { code: 'refused' } });
  });
});

describe('D2 what the policy blocks does not exist', () => {
  it('whatever is asked: no file is read, none is written or begun, no port is told', async () => {
    const { join: enter, policy, sandbox } = await makeLink();
    policy.now = { upload: 0, download: 0 };
    writeFileSync(join(sandbox.root, 'secret'), SECRET);
    const page = await enter();
    const asked = [
      { method: 'files.read', path: 'secret' },
      { method: 'files.read', path: 'secret', from: 1 },
      { method: 'files.archive', paths: ['secret'] },
      { ...write, path: 'new', size: 0 },
      { ...write, path: 'new', size: 9, part: { id: 'of-a-test', from: 9 } },
      { ...write, path: 'secret', etag: '*', size: 0 },
      { method: 'git.show', repo: '', path: 'secret', at: 'worktree', commit: null },
      { method: 'ports.watch' },
    ].map((request) => page.open(request));
    for (const stream of asked) stream.write('rubbish that comes too early');
    for (const stream of asked) {
      expect(await stream.head).toMatchObject({ ok: false, code: 'refused' });
      expect(stream.text).toBe('');
    }
    expect((await runIn(sandbox, 'cat secret')).output).toContain(SECRET);
    expect((await runIn(sandbox, 'ls')).output).not.toContain('new');
  });

  it('a file that is larger is refused before a byte of it, and one that says it is smaller at the bound', async () => {
    const { join: enter, policy, sandbox } = await makeLink();
    policy.now = { upload: 1, download: 1 };
    writeFileSync(join(sandbox.root, 'large'), Buffer.alloc(KB * KB + 1));
    const page = await enter();
    const read = page.open({ method: 'files.read', path: 'large' });
    expect([await read.head, read.text]).toMatchObject([{ ok: false, code: 'refused' }, '']);
    const liar = page.open({ ...write, path: 'liar', size: 10 });
    for (let sent = 0; sent <= KB * KB; sent += 32 * KB) liar.write(new Uint8Array(32 * KB));
    expect(await liar.ends.wait(({ type }) => type === 'reset')).toMatchObject({ body: { code: 'refused' } });
    expect(await page.call({ method: 'files.stat', path: 'liar' })).toMatchObject({ ok: false, code: 'not-found' });
  });
});

describe('D3 pastes into terminals', () => {
  it('are bounded at the runner, over all frames and tabs of a person, and typing goes on', async () => {
    const { join: enter, policy } = await makeLink();
    policy.now = { clipboardIn: 0 };
    const [first, second] = [await enter(1), await enter(2)];
    const open = { method: 'pty.open', ...SIZE, key: key() };
    const terminal = first.open(open);
    const { terminal: info } = await terminal.head;
    terminal.write(': typed\r');
    await terminal.shows(': typed');
    const { terminalId } = info as { terminalId: string };
    const other = second.open({ method: 'pty.attach', terminalId, from: null, ...SIZE });
    await other.head;
    for (let piece = 0; piece < 8; piece += 1) (piece % 2 ? terminal : other).write('#'.repeat(KB));
    const end = await Promise.race([terminal, other].map(({ ends }) => ends.wait(({ type }) => type === 'reset')));
    expect(end).toMatchObject({ body: { code: 'refused', message: expect.stringContaining('policy') as unknown } });
  });

  it('of the size that is allowed reach the program whole', async () => {
    const { join: enter, policy, sandbox } = await makeLink();
    policy.now = { clipboardIn: 16 };
    const page = await enter();
    const terminal = page.open({ method: 'pty.open', ...SIZE, key: key() });
    await terminal.head;
    const line = `${'x'.repeat(99)}\n`;
    terminal.write('stty -echo; cat > pasted\r');
    await terminal.shows('pasted');
    terminal.write(line.repeat(160));
    terminal.write('\x04');
    terminal.write('echo "$(wc -c < pasted) bytes"\r');
    await terminal.shows('16000 bytes');
    expect((await runIn(sandbox, 'wc -c < pasted')).output.trim()).toBe('16000');
  });
});

describe('D4 what a program copies for its viewers', () => {
  it('does not leave the runner beyond the bound, as output or as a terminal’s past', async () => {
    const { join: enter, policy } = await makeLink();
    policy.now = { clipboardOut: 0 };
    const page = await enter();
    const terminal = page.open({ method: 'pty.open', ...SIZE, key: key() });
    const { terminal: info } = await terminal.head;
    terminal.write(`printf '\\033]52;c;%s\\007%s\\n' "$(printf 'what must not leave' | base64)" en""d\r`);
    await terminal.shows('end');
    expect(terminal.text).not.toContain(SECRET);
    const { terminalId } = info as { terminalId: string };
    const again = page.open({ method: 'pty.attach', terminalId, from: 0, ...SIZE });
    await again.shows('end');
    expect(again.text).not.toContain(SECRET);
    policy.now = {};
    terminal.write(`printf '\\033]52;c;%s\\007%s\\n' "$(printf 'what must not leave' | base64)" en""d2\r`);
    await terminal.shows('end2');
    expect(terminal.text).toContain(SECRET);
  });
});

describe('D5 what a connection reads', () => {
  it('is counted by what it came from, told while it grows and at its end, to its last byte', async () => {
    const { join: enter, sandbox, reads, current } = await makeLink();
    const told: ReadReport[] = [];
    reads.online((reports) => told.push(...reports));
    writeFileSync(join(sandbox.root, 'file'), Buffer.alloc(300 * KB));
    const connectionId = mintId('connection');
    const page = await enter(1, { jti: connectionId });
    const file = page.open({ method: 'files.read', path: 'file' });
    await file.ends.wait(({ type }) => type === 'fin');
    const archive = page.open({ method: 'files.archive', paths: ['file'] });
    await archive.ends.wait(({ type }) => type === 'fin');
    const terminal = page.open({ method: 'pty.open', ...SIZE, key: key() });
    await terminal.head;
    terminal.write(`head -c 100000 /dev/zero | tr '\\0' x; echo en""d\r`);
    await terminal.shows('end');
    expect(told).toEqual([]);
    reads.tell();
    expect(told).toMatchObject([{ connectionId, endedAt: null }]);
    reads.tell();
    expect(told).toHaveLength(1);
    current().broker.control({ kind: 'left', viewer: 1 });
    await expect.poll(() => told.at(-1)?.endedAt).toBeTypeOf('string');
    const last = told.at(-1);
    expect(last).toMatchObject({ connectionId });
    expect(last?.files).toBeGreaterThanOrEqual(600 * KB);
    expect(last?.files).toBeLessThan(604 * KB);
    expect(last?.terminals).toBeGreaterThanOrEqual(100_000);
    reads.online((reports) => told.push(...reports));
    expect(told.at(-1)).toEqual(last);
    reads.stored([connectionId]);
    const count = told.length;
    reads.online((reports) => told.push(...reports));
    expect(told).toHaveLength(count);
  });

  it('is of that person alone, and nothing is told of whoever read nothing', async () => {
    const { join: enter, reads, current } = await makeLink();
    const told: ReadReport[] = [];
    reads.online((reports) => told.push(...reports));
    const [quiet, loud] = [mintId('connection'), mintId('connection')];
    await enter(1, { jti: quiet });
    const page = await enter(2, { jti: loud, userId: OWNER });
    await page.call({ method: 'files.stat', path: '' });
    for (const viewer of [1, 2]) current().broker.control({ kind: 'left', viewer });
    await expect.poll(() => told.length).toBe(1);
    expect(told).toMatchObject([{ connectionId: loud, files: 0, terminals: 0 }]);
  });

  it('is told to the platform at once when it is over, again until that is stored, and to a platform of the release before never', async () => {
    const { platform, run } = await makeLab();
    const program = run();
    await platform.connections.wait(() => true);
    const order = mintOrder();
    platform.want(order);
    await platform.reported(order, 'running');
    const leave = () => platform.links.all.at(-1)?.broker.control({ kind: 'left', viewer: 1 });
    await (await platform.join(order.workspaceId)).call({ method: 'files.stat', path: '' });
    leave();
    const told = await platform.heard.wait((message) => message.kind === 'read');
    const over = platform.heard.all.length;
    // It was not stored: after a cut it is told again.
    platform.connections.all.at(-1)?.terminate();
    expect(await platform.heard.wait((message) => message.kind === 'read', over)).toEqual(told);
    if (told.kind !== 'read') throw new Error('Nothing was told');
    platform.send({ kind: 'read-stored', connectionIds: told.reports.map(({ connectionId }) => connectionId) });
    platform.hears = undefined;
    const before = platform.heard.all.length;
    platform.connections.all.at(-1)?.terminate();
    await platform.heard.wait((message) => message.kind === 'load', before);
    program.child.kill('SIGTERM');
    expect(await program.ended).toBe(0);
    expect(platform.heard.all.slice(before).filter(({ kind }) => kind === 'read')).toEqual([]);
  });
});
