import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readlinkSync, readdirSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { encodeJson } from '@gatehouse/core/protocol/frame.ts';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { writeFrame } from '../src/channel/framing.ts';
import { HelperClient } from '../src/channel/helper-client.ts';
import type { Sandbox, SandboxPlan } from '../src/sandbox/driver.ts';
import { dialIn } from '../src/sandbox/socket.ts';
import { isAlive } from '../src/state/process-id.ts';
import { TerminalMemory } from '../src/terminals/memory.ts';
import type { Size } from '../src/terminals/size.ts';
import type { Terminal, Watcher } from '../src/terminals/terminal.ts';
import { Terminals } from '../src/terminals/terminals.ts';
import { noScreens } from './support/no-screens.ts';
import { Heard } from './support/heard.ts';
import { mintFolder } from './support/mint.ts';
import { adoptSandbox, kindsHere, mintPlan, runIn, startSandbox } from './support/sandbox.ts';

vi.setConfig({ testTimeout: 60_000 });

const kinds = kindsHere();
const SIZE = { cols: 80, rows: 24 };

/** Waits for what happens in other processes. */
async function until(holds: () => boolean): Promise<void> {
  await vi.waitUntil(holds, { timeout: 60_000, interval: 5 });
}

/** One who looks at a terminal and takes everything at once. */
function watch(terminal: Terminal): Watcher & { size: Size; text(): string; shows(text: string): Promise<unknown> } {
  const heard = new Heard<string>();
  const text = () => Buffer.from(terminal.ring.read(terminal.ring.start, Infinity)).toString();
  const watcher = {
    get cursor() {
      return terminal.ring.end;
    },
    size: SIZE,
    mayDrive: true,
    changed: () => heard.push(text()),
    typed: () => undefined,
    tell: () => undefined,
    over: () => heard.push(text()),
    text,
    shows: (wanted: string) => heard.wait((shown) => shown.includes(wanted)),
  };
  terminal.watch(watcher);
  return watcher;
}

/** A sandbox that is kept, with a terminal that runs `script`, and whose runner has gone. */
async function leftAlone(kind: (typeof kinds)[number], script: string, plan: SandboxPlan = mintPlan()) {
  const sandbox = await startSandbox(kind, plan);
  const terminals = new Terminals(sandbox.helper, new TerminalMemory(plan.folder), noScreens);
  const terminal = await terminals.open(SIZE, { cwd: '', name: 'build', key: 'ada.one' });
  const watcher = watch(terminal);
  sandbox.helper.keep();
  // It answers in order: by now it has heard that it is kept, and whoever leaves at once does not take that back.
  await sandbox.helper.call({ method: 'terminal.list' });
  terminal.input(watcher, 'ada', 0, Buffer.from(script));
  return { plan, sandbox, terminal, watcher };
}

async function takenOver(kind: (typeof kinds)[number], plan: SandboxPlan, before: Sandbox) {
  before.leave();
  const sandbox = await adoptSandbox(kind, plan.folder, before.trace);
  const terminals = await Terminals.adopt(sandbox.helper, new TerminalMemory(plan.folder), noScreens);
  return { sandbox, terminals };
}

describe.each(kinds)('a %s sandbox without its runner', (kind) => {
  it('keeps its terminals: name, size, output by offset, and what was typed', async () => {
    const { plan, sandbox, terminal, watcher } = await leftAlone(kind, 'echo one-$((40+2)); read x; echo got:$x:\n');
    await watcher.shows('one-42');
    watcher.size = { cols: 100, rows: 30 };
    terminal.wish(watcher);
    terminal.rename('tests', { color: 'green', icon: 'flask' });
    await runIn(sandbox, 'true');
    const [end, text] = [terminal.ring.end, watcher.text()];
    const { terminals } = await takenOver(kind, plan, sandbox);
    expect(terminals.list()).toEqual([
      {
        ...{ terminalId: terminal.id, name: 'tests', look: { color: 'green', icon: 'flask' }, task: null },
        ...{ cols: 100, rows: 30, offset: expect.any(Number) as unknown, exit: null },
      },
    ]);
    const again = terminals.find(terminal.id);
    expect(again.ring.start).toBe(0);
    expect(Buffer.from(again.ring.read(0, end)).toString()).toBe(text);
    const seen = watch(again);
    again.input(seen, 'ada', again.inputOffset('ada'), Buffer.from('word\n'));
    await seen.shows('got:word:');
    expect(seen.text().match(/one-42/g)).toHaveLength(1);
  });

  it('types once what is sent again, and nothing behind a gap', async () => {
    const { plan, sandbox, terminal, watcher } = await leftAlone(kind, 'echo ready-$((40+2)); read x; echo got:$x:\n');
    await watcher.shows('ready-42');
    terminal.input(watcher, 'bob', 0, Buffer.from('half'));
    await watcher.shows('half');
    const { terminals } = await takenOver(kind, plan, sandbox);
    const again = terminals.find(terminal.id);
    const seen = watch(again);
    expect(again.inputOffset('bob')).toBe(4);
    expect(again.inputOffset('nobody')).toBe(0);
    expect(() => again.input(seen, 'bob', 5, Buffer.from('x'))).toThrow('gap');
    again.input(seen, 'bob', 0, Buffer.from('half and whole\n'));
    await seen.shows('got:half and whole:');
  });

  it('runs on, and keeps the newest 2 MiB of what is printed', async () => {
    const { plan, sandbox, terminal, watcher } = await leftAlone(
      kind,
      'stty -echo -opost; echo go-$((40+2)); seq 600000; touch ~/done; exit 7\n',
    );
    await watcher.shows('go-42');
    sandbox.leave();
    await until(() => existsSync(join(plan.folder, 'home', 'done')));
    const { terminals } = await takenOver(kind, plan, sandbox);
    const again = terminals.find(terminal.id);
    await until(() => again.info.exit !== null);
    expect(again.info.exit).toEqual({ code: 7, signal: null });
    expect(again.ring.end - again.ring.start).toBe(2 * 1024 * 1024);
    const lines = Buffer.from(again.ring.read(again.ring.start, Infinity)).toString().split('\n').slice(1);
    const last = lines.indexOf('600000');
    expect(last).toBeGreaterThan(250_000);
    expect(lines.slice(0, last + 1)).toEqual(Array.from({ length: last + 1 }, (_, index) => String(600_000 - last + index)));
  });

  it('ends by itself, with all that runs in it, when no runner comes back', async () => {
    const mark = `66${process.pid}66`;
    const { sandbox, watcher } = await leftAlone(kind, `(setsid sleep ${mark} &); echo go-$((40+2))\n`, mintPlan({ graceMs: 50 }));
    await watcher.shows('go-42');
    await until(() => runs(mark));
    sandbox.leave();
    await until(() => !isAlive(sandbox.trace.first) && !runs(mark));
  });

  it('ends with a runner that did not get so far as to keep it', async () => {
    const sandbox = await startSandbox(kind);
    sandbox.leave();
    await until(() => !isAlive(sandbox.trace.first));
  });

  it('is stopped by its next runner, and leaves nothing', async () => {
    const mark = `55${process.pid}55`;
    const { plan, sandbox, watcher } = await leftAlone(kind, `(setsid sleep ${mark} &); echo go-$((40+2))\n`);
    await watcher.shows('go-42');
    const next = await takenOver(kind, plan, sandbox);
    await next.sandbox.stop();
    expect(await next.sandbox.ended).toContain('its helper has ended');
    expect(isAlive(sandbox.trace.first)).toBe(false);
    expect(runs(mark)).toBe(false);
  });

  it('is not mistaken for a process that has its number now', async () => {
    const { plan, sandbox } = await leftAlone(kind, '');
    sandbox.leave();
    const later = { ...sandbox.trace, first: { ...sandbox.trace.first, start: '1' } };
    expect(isAlive(later.first)).toBe(false);
    expect(isAlive({ ...sandbox.trace.first, boot: 'another' })).toBe(false);
    await adoptSandbox(kind, plan.folder, sandbox.trace);
  });

  it('serves one runner at a time: the newest', async () => {
    const { plan, sandbox } = await leftAlone(kind, '');
    sandbox.leave();
    const [older, newer] = [dialIn(plan.folder), dialIn(plan.folder)];
    onTestFinished(() => void newer.destroy());
    const closed = new Promise((resolve) => older.once('close', resolve));
    const client = new HelperClient(newer, () => undefined);
    older.resume();
    await closed;
    expect(await client.call({ method: 'terminal.list' })).toMatchObject({ ok: true, terminals: [{ name: 'build' }] });
  });

  it('works in a folder whose name is too long for the address of a socket', async () => {
    const folder = join(mintFolder(), 'x'.repeat(120), 'y'.repeat(120));
    mkdirSync(folder, { recursive: true });
    const { plan, sandbox } = await leftAlone(kind, '', mintPlan({ folder: join(folder, 'workspace') }));
    await takenOver(kind, plan, sandbox);
  });

  it('has no file descriptor of the runner or of the socket in its programs', async () => {
    const sandbox = await startSandbox(kind);
    const { output } = await runIn(sandbox, 'ls -l /proc/self/fd | tail -n +5');
    expect(output).not.toContain('socket:');
  });

  it('takes more input than its program reads, and others go on', async () => {
    const { sandbox, terminal, watcher } = await leftAlone(
      kind,
      'mkfifo ~/fifo; stty raw -echo; echo raw-$((40+2)); read -n 1 x < ~/fifo; head -c 1000000 | md5sum\n',
    );
    await watcher.shows('raw-42');
    const typed = new Heard<number>();
    watcher.typed = (clientId, offset) => clientId === 'bob' && typed.push(offset);
    terminal.input(watcher, 'bob', 0, Buffer.alloc(1_000_000, 'a'));
    expect((await runIn(sandbox, 'echo others')).output).toBe('others');
    expect(typed.all).not.toContain(1_000_000);
    await runIn(sandbox, 'echo x > ~/fifo');
    await watcher.shows('7707d6ae4e027c70eea2a935c2296f21');
    await typed.wait((offset) => offset === 1_000_000);
  });
});

describe.runIf(kinds.includes('bubblewrap'))('the socket of a bubblewrap sandbox', () => {
  it('is seen by no sandbox, its own included, and by no other user', async () => {
    const [one, two] = [mintPlan(), mintPlan()];
    await startSandbox('bubblewrap', one);
    const other = await startSandbox('bubblewrap', two);
    const attempts = [one, two].map(({ folder }) => `import socket;socket.socket(socket.AF_UNIX).connect("${folder}/helper.sock")`);
    const { output } = await runIn(
      other,
      `${attempts.map((code) => `python3 -c '${code}' 2>&1 | tail -1`).join('; ')}; find / -name 'helper.sock*' 2>/dev/null; cat /proc/net/unix`,
    );
    expect(output.match(/No such file/g)).toHaveLength(2);
    expect(output).not.toContain(one.folder);
    expect(output).not.toMatch(/^\/.*helper.sock/m);
    expect(Number(execFileSync('stat', ['-c', '%a', two.folder]).toString())).toBe(700);
  });
});

describe('a helper of another version', () => {
  it('is refused by name', async () => {
    const path = join(mintFolder(), 'socket');
    const server = createServer((socket) => {
      writeFrame(socket, { type: 'message', stream: 0, payload: encodeJson({ kind: 'ready', version: 99 }) });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    onTestFinished(() => void server.close());
    const socket = connect(path);
    onTestFinished(() => void socket.destroy());
    const why = await new Promise((resolve) => new HelperClient(socket, resolve));
    expect(why).toContain('its helper speaks version 99 of the channel, and this runner 1');
  });
});

/** Whether a process with this in its command line runs on the machine. */
function runs(mark: string): boolean {
  return readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark) && readlinkSync(`/proc/${pid}/exe`) !== '';
    } catch {
      return false;
    }
  });
}
