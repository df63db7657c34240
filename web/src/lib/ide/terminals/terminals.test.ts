import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { settle } from '../testing/manual-clock.ts';
import type { TerminalScreen } from './terminal.svelte.ts';
import { Terminals } from './terminals.svelte.ts';

const info = (number: number, more = {}) => ({
  terminalId: `pty_${number}`,
  name: `bash ${number}`,
  cols: 80,
  rows: 24,
  offset: 0,
  exit: null,
  ...more,
});
/** What the runner answers to whoever opens or joins it. */
const head = (number: number) => ({ terminal: info(number), offset: 0, size: { cols: 80, rows: 24 }, input: 0, state: null });

let bench: Bench;
let terminals: Terminals;
let keys: number;

beforeEach(async () => {
  bench = new Bench();
  keys = 0;
  const makeScreen = (): TerminalScreen => ({
    write: (_bytes, _replay, parsed) => parsed(),
    resize: () => undefined,
    reset: () => undefined,
    dispose: () => undefined,
    readOnly: false,
  });
  terminals = new Terminals<TerminalScreen>(bench.connection, bench.clock, makeScreen, () => `key-of-${1000 + (keys += 1)}`);
  terminals.mayType = true;
  bench.onConnected = () => void terminals.connected();
  await bench.connect();
});

/** The runner answers what was asked of a method last. */
function answer(method: 'pty.list' | 'pty.open' | 'pty.attach' | 'pty.close', head: object): void {
  const stream = bench.runner.link.opened(method).at(-1)?.stream;
  if (stream === undefined) throw new Error(`${method} was not asked`);
  bench.runner.link.send('head', stream, 0, { ok: true, ...head });
}

describe('terminals', () => {
  it('opens one where there is none', async () => {
    answer('pty.list', { terminals: [] });
    await settle();
    answer('pty.open', head(1));
    expect(terminals.all.map(({ name }) => name)).toEqual(['bash 1']);
  });

  it('opens one beside those that were lost, which stay to say so', async () => {
    answer('pty.list', { terminals: [info(1, { exit: { code: null, signal: null, reason: 'The runner was restarted' } })] });
    await settle();
    answer('pty.open', head(2));
    expect(terminals.all.map(({ link }) => link.terminalId)).toEqual(['pty_1', 'pty_2']);
    expect(terminals.active?.link.terminalId).toBe('pty_2');
  });

  it('joins all that are there, for all there is to see', async () => {
    answer('pty.list', { terminals: [info(1), info(2)] });
    await settle();
    expect(bench.runner.link.opened('pty.attach').map(({ request }) => [request.terminalId, request.from])).toEqual([
      ['pty_1', null],
      ['pty_2', null],
    ]);
    expect(bench.runner.link.opened('pty.open')).toEqual([]);
    expect(terminals.active?.name).toBe('bash 1');
  });

  it('shows one that runs first', async () => {
    answer('pty.list', { terminals: [info(1, { exit: { code: 0, signal: null } }), info(2)] });
    await settle();
    expect(terminals.active?.name).toBe('bash 2');
  });

  it('shows each terminal once after a reconnection', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    answer('pty.attach', head(1));
    await bench.reconnect();
    answer('pty.list', { terminals: [info(1), info(2)] });
    await settle();
    expect(terminals.all.map(({ link }) => link.terminalId)).toEqual(['pty_1', 'pty_2']);
  });

  it('T2: shows a terminal once whose opening was answered into a cut', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    terminals.create();
    const key = bench.runner.link.opened('pty.open')[0]?.request.key;
    await bench.reconnect();
    expect(bench.runner.link.opened('pty.open').map(({ request }) => request.key)).toEqual([key]);
    expect(bench.runner.link.opened('pty.list')).toEqual([]);
    answer('pty.open', head(2));
    await settle();
    answer('pty.list', { terminals: [info(1), info(2)] });
    await settle();
    expect(terminals.all.map(({ link }) => link.terminalId)).toEqual(['pty_1', 'pty_2']);
  });

  it('splits beside the active one, and closes with it gone from its group', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    const second = terminals.split();
    if (second === null) throw new Error('Not opened');
    answer('pty.open', head(2));
    expect(terminals.groups.map(({ terminals: members }) => members.length)).toEqual([2]);
    const closing = terminals.close(second);
    expect(bench.runner.link.opened('pty.close')[0]?.request.terminalId).toBe('pty_2');
    answer('pty.close', {});
    await closing;
    expect(terminals.all.map(({ name }) => name)).toEqual(['bash 1']);
    expect(terminals.active?.name).toBe('bash 1');
  });

  it('keeps a terminal that could not be closed, and says so', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    const [first] = terminals.all;
    if (first === undefined) throw new Error('No terminal');
    const closing = terminals.close(first);
    bench.runner.link.cut();
    await closing;
    expect(terminals.all).toHaveLength(1);
    expect(terminals.error).toContain('bash 1');
  });

  it('says how a terminal ended and sends it nothing more', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    answer('pty.attach', head(1));
    const stream = bench.runner.link.opened('pty.attach')[0]?.stream ?? 0;
    bench.runner.link.send('message', stream, 0, { kind: 'exit', code: 130, signal: null });
    terminals.active?.input('x');
    expect(terminals.active?.ending).toBe('Exited with 130');
    expect(bench.runner.link.of(stream, 'data')).toEqual([]);
  });

  it.each([
    [{ code: 1, signal: null }, 'Exited with 1'],
    [{ code: null, signal: 'SIGKILL' }, 'Ended by SIGKILL'],
    [{ code: null, signal: null, reason: 'the runner’s machine restarted' }, 'Ended: the runner’s machine restarted'],
  ])('%j is said as it is', async (exit, words) => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    answer('pty.attach', { ...head(1), terminal: info(1, { exit }) });
    expect(terminals.active?.ending).toBe(words);
  });
});

describe('P2: terminals of somebody else', () => {
  beforeEach(async () => {
    terminals.mayType = false;
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    answer('pty.attach', head(1));
  });

  it('are watched: neither typed into, nor opened, renamed or ended', async () => {
    const [terminal] = terminals.all;
    if (terminal === undefined) throw new Error('No terminal');
    const before = bench.runner.link.frames.length;
    terminal.input('x');
    await terminals.rename(terminal, 'mine');
    await terminals.close(terminal);
    expect([terminals.create(), terminals.split()]).toEqual([null, null]);
    expect(bench.runner.link.frames).toHaveLength(before);
    expect(terminal.screen.readOnly).toBe(true);
  });

  it('take keys in the moment in which this page drives', () => {
    terminals.mayType = true;
    const [terminal] = terminals.all;
    terminal?.input('x');
    expect(terminal?.screen.readOnly).toBe(false);
    expect(bench.runner.link.frames.at(-1)).toMatchObject({ type: 'data' });
  });

  it('that were opened meanwhile come into sight when they are looked for', async () => {
    void terminals.refresh();
    answer('pty.list', { terminals: [info(1), info(2)] });
    await settle();
    expect(terminals.all.map(({ name }) => name)).toEqual(['bash 1', 'bash 2']);
  });

  it('a page that drives where there is none opens one', async () => {
    const other = new Terminals<TerminalScreen>(
      bench.connection,
      bench.clock,
      () => terminals.all[0]?.screen as TerminalScreen,
      () => 'key-of-other',
    );
    void other.connected();
    await settle();
    answer('pty.list', { terminals: [] });
    await settle();
    expect(bench.runner.link.opened('pty.open')).toEqual([]);
    other.mayType = true;
    expect(bench.runner.link.opened('pty.open')).toHaveLength(1);
  });
});
