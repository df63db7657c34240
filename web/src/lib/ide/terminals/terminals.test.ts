// @vitest-environment node
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { settle } from '../testing/manual-clock.ts';
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
let bench: Bench;
let terminals: Terminals;

beforeEach(async () => {
  bench = new Bench();
  terminals = new Terminals(bench.connection, bench.clock, () => ({
    write: (_bytes, _replay, parsed) => parsed(),
    restart: () => undefined,
    dispose: () => undefined,
  }));
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
    answer('pty.open', { terminal: info(1), offset: 0 });
    expect(terminals.all.map(({ name }) => name)).toEqual(['bash 1']);
  });

  it('joins all that are there, from their first byte', async () => {
    answer('pty.list', { terminals: [info(1), info(2)] });
    await settle();
    expect(bench.runner.link.opened('pty.attach').map(({ request }) => [request.terminalId, request.from])).toEqual([
      ['pty_1', 0],
      ['pty_2', 0],
    ]);
    expect(bench.runner.link.opened('pty.open')).toEqual([]);
    expect(terminals.active?.name).toBe('bash 1');
  });

  it('shows each terminal once after a reconnection', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    answer('pty.attach', { terminal: info(1), offset: 0 });
    await bench.reconnect();
    answer('pty.list', { terminals: [info(1), info(2)] });
    await settle();
    expect(terminals.all.map(({ link }) => link.terminalId)).toEqual(['pty_1', 'pty_2']);
  });

  it('finds the terminal again whose opening was answered into a cut', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    terminals.create();
    await bench.reconnect();
    answer('pty.list', { terminals: [info(1), info(2)] });
    await settle();
    expect(terminals.all.map(({ link }) => link.terminalId)).toEqual(['pty_1', 'pty_2']);
    expect(bench.runner.link.opened('pty.open')).toEqual([]);
  });

  it('splits beside the active one, and closes with it gone from its group', async () => {
    answer('pty.list', { terminals: [info(1)] });
    await settle();
    const second = terminals.split();
    answer('pty.open', { terminal: info(2), offset: 0 });
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
    answer('pty.attach', { terminal: info(1), offset: 0 });
    const stream = bench.runner.link.opened('pty.attach')[0]?.stream ?? 0;
    bench.runner.link.send('message', stream, 0, { kind: 'exit', code: 130, signal: null });
    terminals.active?.input('x');
    expect(terminals.active?.ending).toBe('Exited with 130');
    expect(bench.runner.link.of(stream, 'data')).toEqual([]);
  });
});
