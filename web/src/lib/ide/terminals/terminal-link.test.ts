// @vitest-environment node
import { decodeJson } from '@gatehouse/core/protocol/frame.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { PENDING_BYTES, TerminalLink, type Screen } from './terminal-link.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);
const info = (offset: number, more = {}) => ({ terminalId: 'pty_1', name: 'bash', cols: 80, rows: 24, offset, exit: null, ...more });

/** Remembers what was written; parses only when told to. */
class PaperScreen implements Screen {
  output = '';
  replayed = '';
  restarts = 0;
  parse: (() => void)[] = [];
  write(written: Uint8Array, replay: boolean, parsed: () => void): void {
    this.output += text(written);
    if (replay) this.replayed += text(written);
    this.parse.push(parsed);
  }
  restart(): void {
    this.restarts += 1;
  }
  parseAll(): void {
    for (const parsed of this.parse.splice(0)) parsed();
  }
}

let bench: Bench;
let screen: PaperScreen;
let told: string[];
let pending: number;

function link(id: string | null): TerminalLink {
  return new TerminalLink(
    bench.connection,
    bench.clock,
    screen,
    {
      opened: () => undefined,
      message: (message) => told.push(message.kind),
      pending: (count) => (pending = count),
      catchingUp: (behind) => told.push(behind ? 'behind' : 'level'),
      lost: ({ code }) => told.push(code),
    },
    { id, name: '', size: { cols: 80, rows: 24 } },
  );
}

beforeEach(async () => {
  bench = new Bench();
  screen = new PaperScreen();
  told = [];
  pending = 0;
  await bench.connect();
});

describe('output', () => {
  it('S3: goes on after a cut at the byte where it stopped, without loss or repetition', async () => {
    const terminal = link(null);
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(0), offset: 0 });
    bench.runner.link.send('data', 1, 0, bytes('hello '));
    screen.parseAll();
    await bench.reconnect();
    terminal.connect();
    expect(bench.runner.link.opened('pty.attach')[0]?.request).toMatchObject({ terminalId: 'pty_1', from: 6 });
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(11), offset: 6 });
    bench.runner.link.send('data', 1, 6, bytes('world'));
    expect(screen.output).toBe('hello world');
    expect(screen.restarts).toBe(0);
  });

  it('goes on from what was handed to the screen, even before it was parsed', async () => {
    const terminal = link('pty_1');
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(3), offset: 0 });
    bench.runner.link.send('data', 1, 0, bytes('abc'));
    await bench.reconnect();
    screen.parseAll();
    terminal.connect();
    expect(bench.runner.link.opened('pty.attach')[0]?.request.from).toBe(3);
  });

  it('W1: is acknowledged by its offset, and only once the screen has parsed it', () => {
    link('pty_1').connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(1000), offset: 1000 });
    bench.runner.link.send('data', 1, 1000, bytes('abc'));
    bench.clock.advance(500);
    expect(bench.runner.link.of(1, 'ack')).toEqual([]);
    screen.parseAll();
    bench.clock.advance(250);
    expect(bench.runner.link.of(1, 'ack').map(({ offset }) => offset)).toEqual([1003]);
  });

  it('starts the screen anew when older output is gone', async () => {
    const terminal = link('pty_1');
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(3), offset: 0 });
    bench.runner.link.send('data', 1, 0, bytes('abc'));
    await bench.reconnect();
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(90), offset: 50 });
    expect(screen.restarts).toBe(1);
    bench.runner.link.send('data', 1, 50, bytes('x'));
    expect(screen.output).toBe('abcx');
  });

  it('marks what was said before this page looked as replay, to the byte', () => {
    link('pty_1').connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(4), offset: 0 });
    bench.runner.link.send('data', 1, 0, bytes('old!new'));
    expect(screen.replayed).toBe('old!');
    expect(screen.output).toBe('old!new');
  });

  it('says that it is catching up until what was there is parsed', () => {
    link('pty_1').connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(4), offset: 0 });
    expect(told).toEqual(['behind']);
    bench.runner.link.send('data', 1, 0, bytes('old!'));
    screen.parseAll();
    expect(told).toEqual(['behind', 'level']);
  });

  it('tells how it ended, and that it is gone', async () => {
    const terminal = link('pty_1');
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(0), offset: 0 });
    bench.runner.link.send('message', 1, 0, { kind: 'exit', code: 0, signal: null });
    await bench.reconnect();
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: false, code: 'not-found', message: 'Gone' });
    expect(told).toEqual(['level', 'exit', 'not-found']);
  });
});

describe('input', () => {
  const typed = () => bench.runner.link.of(1, 'data').map(({ payload }) => text(payload));

  it('is kept while away and sent once, in order, when the connection is back', async () => {
    const terminal = link('pty_1');
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(0), offset: 0 });
    terminal.input('a');
    expect(typed()).toEqual(['a']);
    bench.runner.link.cut();
    terminal.input('b');
    terminal.input('c');
    expect(pending).toBe(2);
    bench.clock.advance(15_000);
    await bench.dial();
    bench.runner.link.greet();
    terminal.connect();
    expect(typed()).toEqual([]);
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(0), offset: 0 });
    expect(typed()).toEqual(['b', 'c']);
    expect(pending).toBe(0);
  });

  it('is refused beyond what is kept', () => {
    const terminal = link('pty_1');
    expect(terminal.input('x'.repeat(PENDING_BYTES))).toBe(true);
    expect(terminal.input('y')).toBe(false);
    expect(pending).toBe(PENDING_BYTES);
  });

  it('never reaches a terminal that has ended', () => {
    const terminal = link('pty_1');
    terminal.input('rm -rf x\n');
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(0, { exit: { code: 0, signal: null } }), offset: 0 });
    expect(typed()).toEqual([]);
    expect(pending).toBe(0);
  });
});

describe('size', () => {
  const resizes = () => bench.runner.link.of(1, 'message').map(({ payload }) => decodeJson(payload));

  it('S5: sends the last of several sizes once', () => {
    const terminal = link('pty_1');
    terminal.connect();
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(0), offset: 0 });
    for (let cols = 81; cols <= 200; cols += 1) terminal.resize({ cols, rows: 40 });
    bench.clock.advance(100);
    expect(resizes()).toEqual([{ kind: 'resize', cols: 200, rows: 40 }]);
  });

  it('tells the size that changed while the terminal was being opened', () => {
    const terminal = link(null);
    terminal.connect();
    terminal.resize({ cols: 200, rows: 50 });
    bench.clock.advance(100);
    bench.runner.link.send('head', 1, 0, { ok: true, terminal: info(0), offset: 0 });
    expect(resizes()).toEqual([{ kind: 'resize', cols: 200, rows: 50 }]);
  });
});
