import { LIMITS } from '@gatehouse/core/protocol/connection.ts';
import { decodeJson } from '@gatehouse/core/protocol/frame.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { Bench } from '../testing/connected.ts';
import { MOST_AWAY, MOST_KEPT } from './input-queue.ts';
import { TerminalLink, type Screen, type Size } from './terminal-link.ts';

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const bytes = (value: string) => new TextEncoder().encode(value);
const SIZE = { cols: 80, rows: 24 };
const info = (offset: number, more = {}) => ({ terminalId: 'pty_1', name: 'bash', ...SIZE, offset, exit: null, ...more });
/** What the runner answers to whoever opens or joins a terminal. */
const head = (offset: number, end = offset, more = {}) => ({
  ok: true,
  terminal: info(end),
  offset,
  size: SIZE,
  input: 0,
  state: null,
  ...more,
});

/** Writes down what it is asked, in order; parses only when told to. */
class PaperScreen implements Screen {
  log: string[] = [];
  replayed = '';
  parse: (() => void)[] = [];
  write(written: Uint8Array, replay: boolean, parsed: () => void): void {
    this.log.push(text(written));
    if (replay) this.replayed += text(written);
    this.parse.push(parsed);
  }
  resize({ cols, rows }: Size): void {
    this.log.push(`[${cols}×${rows}]`);
  }
  reset({ cols, rows }: Size): void {
    this.log = [`[new ${cols}×${rows}]`];
  }
  parseAll(): void {
    for (const parsed of this.parse.splice(0)) parsed();
  }
  get output(): string {
    return this.log.join('');
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
      exited: ({ code }) => told.push(`exit ${code}`),
      renamed: (name) => told.push(`renamed ${name}`),
      held: (reason) => told.push(`held ${reason}`),
      sized: ({ cols, rows }) => told.push(`${cols}×${rows}`),
      pending: (count) => (pending = count),
      catchingUp: (behind) => told.push(behind ? 'behind' : 'level'),
      lost: ({ code }) => told.push(code),
    },
    { id, key: 'key-of-this-terminal', name: '', size: SIZE },
  );
}

/** Joins a terminal that is at this byte. */
function joined(offset = 0, more = {}): TerminalLink {
  const terminal = link('pty_1');
  void terminal.connect();
  bench.runner.link.send('head', 1, 0, head(offset, offset, more));
  told = [];
  return terminal;
}

/** Cuts the line, joins again, and answers. */
async function rejoined(terminal: TerminalLink, answer: object): Promise<void> {
  await bench.reconnect();
  void terminal.connect();
  bench.runner.link.send('head', 1, 0, answer);
}

beforeEach(async () => {
  bench = new Bench();
  screen = new PaperScreen();
  told = [];
  pending = 0;
  await bench.connect();
});

describe('output', () => {
  it('T1, T4: goes on after a cut at the byte where it stopped, without loss or repetition', async () => {
    const terminal = joined();
    bench.runner.link.send('data', 1, 0, bytes('hello '));
    screen.parseAll();
    await rejoined(terminal, head(6, 11));
    expect(bench.runner.link.opened('pty.attach')[0]?.request).toMatchObject({ terminalId: 'pty_1', from: 6 });
    bench.runner.link.send('data', 1, 6, bytes('world'));
    expect(screen.output).toBe('[80×24]hello [80×24]world');
  });

  it('T1: goes on from what was handed to the screen, even before it was parsed', async () => {
    const terminal = joined();
    bench.runner.link.send('data', 1, 0, bytes('abc'));
    await bench.reconnect();
    screen.parseAll();
    void terminal.connect();
    expect(bench.runner.link.opened('pty.attach')[0]?.request.from).toBe(3);
  });

  it('W1: is acknowledged by its offset, and only once the screen has parsed it', () => {
    joined(1000);
    bench.runner.link.send('data', 1, 1000, bytes('abc'));
    bench.clock.advance(500);
    expect(bench.runner.link.of(1, 'ack')).toEqual([]);
    screen.parseAll();
    bench.clock.advance(LIMITS.ackWithin);
    expect(bench.runner.link.of(1, 'ack').map(({ offset }) => offset)).toEqual([1003]);
  });

  it('says that it is catching up until what was there is parsed', () => {
    void link('pty_1').connect();
    bench.runner.link.send('head', 1, 0, head(0, 4));
    expect(told).toEqual(['80×24', 'behind']);
    bench.runner.link.send('data', 1, 0, bytes('old!'));
    screen.parseAll();
    expect(told.at(-1)).toBe('level');
  });

  it('marks what was said before this page looked as replay, to the byte, at every joining', async () => {
    const terminal = link('pty_1');
    void terminal.connect();
    bench.runner.link.send('head', 1, 0, head(0, 4));
    bench.runner.link.send('data', 1, 0, bytes('old!new'));
    expect(screen.replayed).toBe('old!');
    await rejoined(terminal, head(7, 9));
    bench.runner.link.send('data', 1, 7, bytes('is now'));
    expect(screen.replayed).toBe('old!is');
  });

  it('tells how it ended, and that it is gone', async () => {
    const terminal = joined();
    bench.runner.link.send('message', 1, 0, { kind: 'exit', code: 0, signal: null });
    await rejoined(terminal, { ok: false, code: 'not-found', message: 'Gone' });
    expect(told).toEqual(['exit 0', 'not-found']);
  });
});

describe('the state of a screen', () => {
  it('T4: is asked for by whoever has seen nothing, and written to an empty screen of its size before the output', () => {
    void link('pty_1').connect();
    expect(bench.runner.link.opened('pty.attach')[0]?.request.from).toBeNull();
    bench.runner.link.send('head', 1, 0, head(494, 503, { size: { cols: 120, rows: 40 }, state: 6 }));
    bench.runner.link.send('data', 1, 494, bytes('scr'));
    bench.runner.link.send('data', 1, 497, bytes('eennew'));
    expect(screen.output).toBe('[new 120×40]screennew');
    expect(screen.replayed).toBe('screennew');
    screen.parseAll();
    expect(told).toEqual(['120×40', 'behind', 'level']);
  });

  it('T4: takes the place of output that is not kept any more', async () => {
    const terminal = joined();
    bench.runner.link.send('data', 1, 0, bytes('abc'));
    await rejoined(terminal, head(8_998, 9_000, { state: 2 }));
    bench.runner.link.send('data', 1, 8_998, bytes('ok'));
    expect(screen.output).toBe('[new 80×24]ok');
    screen.parseAll();
    expect(told.slice(-2)).toEqual(['behind', 'level']);
  });

  it('T6: comes when this page fell behind, by itself', () => {
    joined();
    bench.runner.link.send('data', 1, 0, bytes('abc'));
    bench.runner.link.send('reset', 1, 0, { code: 'behind', message: 'Too far behind' });
    expect(bench.runner.link.opened('pty.attach').map(({ stream, request }) => [stream, request.from])).toEqual([
      [1, null],
      [3, 3],
    ]);
    expect(told).not.toContain('behind');
  });

  it('is wanted again, with all there is, when a cut took part of it', async () => {
    const terminal = joined();
    bench.runner.link.send('data', 1, 0, bytes('abc'));
    await rejoined(terminal, head(494, 500, { state: 6 }));
    bench.runner.link.send('data', 1, 494, bytes('scr'));
    await bench.reconnect();
    void terminal.connect();
    expect(bench.runner.link.opened('pty.attach').at(-1)?.request.from).toBeNull();
  });
});

describe('input', () => {
  const typed = () => bench.runner.link.of(1, 'data').map(({ offset, payload }) => [offset, text(payload)]);

  it('T1: counts from what the terminal has taken of this client before', () => {
    const terminal = joined(0, { input: 40 });
    terminal.input('a');
    terminal.input('bc');
    expect(typed()).toEqual([
      [40, 'a'],
      [41, 'bc'],
    ]);
  });

  it('T5: what the terminal did not take goes out again, what it took does not', async () => {
    const terminal = joined();
    terminal.input('abc');
    terminal.input('def');
    await rejoined(terminal, head(0, 0, { input: 4 }));
    expect(typed()).toEqual([[4, 'ef']]);
    terminal.input('g');
    expect(typed().at(-1)).toEqual([6, 'g']);
  });

  it('T5: what was acknowledged is not kept', async () => {
    const terminal = joined();
    terminal.input('abc');
    bench.runner.link.send('ack', 1, 3);
    await rejoined(terminal, head(0, 0, { input: 3 }));
    expect(typed()).toEqual([]);
  });

  it('T5: survives cut after cut, each byte once and in order', async () => {
    const terminal = joined();
    const taken: string[] = [];
    for (let cut = 0; cut < 5; cut += 1) {
      for (const key of 'keys') terminal.input(key);
      // of each connection the terminal takes all but the last two bytes
      const came = bench.runner.link
        .of(1, 'data')
        .map(({ payload }) => text(payload))
        .join('');
      taken.push(came.slice(0, -2));
      bench.runner.link.cut();
      for (const key of 'away') terminal.input(key);
      await bench.redial();
      await bench.runner.link.greet();
      void terminal.connect();
      bench.runner.link.send('head', 1, 0, head(0, 0, { input: taken.join('').length }));
    }
    const rest = bench.runner.link
      .of(1, 'data')
      .map(({ payload }) => text(payload))
      .join('');
    expect(taken.join('') + rest).toBe('keysaway'.repeat(5));
  });

  it('is kept while away, counted, and sent when the runner has answered', async () => {
    const terminal = joined();
    bench.runner.link.cut();
    terminal.input('b');
    terminal.input('c');
    expect(pending).toBe(2);
    await bench.redial();
    await bench.runner.link.greet();
    void terminal.connect();
    expect(typed()).toEqual([]);
    bench.runner.link.send('head', 1, 0, head(0));
    expect(typed()).toEqual([[0, 'bc']]);
    expect(pending).toBe(0);
  });

  it('is refused beyond what is kept while away', () => {
    const terminal = link('pty_1');
    expect(terminal.input('x'.repeat(MOST_AWAY))).toBe(true);
    expect(terminal.input('y')).toBe(false);
    expect(pending).toBe(MOST_AWAY);
  });

  it('is refused while a megabyte is on its way, and taken again when some has arrived', () => {
    const terminal = joined();
    expect(terminal.input('x'.repeat(MOST_KEPT))).toBe(true);
    expect(terminal.input('y')).toBe(false);
    pending = -1;
    bench.runner.link.send('ack', 1, 10);
    expect(pending).toBe(0);
    expect(terminal.input('y')).toBe(true);
  });

  it('never reaches a terminal that has ended', () => {
    const terminal = link('pty_1');
    terminal.input('rm -rf x\n');
    void terminal.connect();
    bench.runner.link.send('head', 1, 0, head(0, 0, { terminal: info(0, { exit: { code: 0, signal: null } }) }));
    expect(typed()).toEqual([]);
    expect(pending).toBe(0);
  });

  it('T2: a new terminal is asked for again by the same key when the answer was lost', async () => {
    const terminal = link(null);
    void terminal.connect();
    terminal.input('ls\n');
    await bench.reconnect();
    void terminal.connect();
    expect(bench.runner.link.opened('pty.open').map(({ request }) => request.key)).toEqual(['key-of-this-terminal']);
    bench.runner.link.send('head', 1, 0, head(20));
    expect(typed()).toEqual([[0, 'ls\n']]);
    expect(terminal.terminalId).toBe('pty_1');
  });
});

describe('size', () => {
  const wishes = () => bench.runner.link.of(1, 'message').map(({ payload }) => decodeJson(payload));

  it('T3: of the screen changes when the runner says so, at that byte, and not before', () => {
    const terminal = joined();
    terminal.wish({ cols: 200, rows: 50 });
    bench.clock.advance(100);
    expect(wishes()).toEqual([{ kind: 'resize', cols: 200, rows: 50 }]);
    bench.runner.link.send('data', 1, 0, bytes('narrow'));
    expect(screen.output).toBe('[80×24]narrow');
    bench.runner.link.send('message', 1, 0, { kind: 'resize', cols: 200, rows: 50 });
    bench.runner.link.send('data', 1, 6, bytes('wide'));
    expect(screen.output).toBe('[80×24]narrow[200×50]wide');
    expect(told).toEqual(['200×50']);
  });

  it('of several wishes the last is told, once', () => {
    const terminal = joined();
    for (let cols = 81; cols <= 200; cols += 1) terminal.wish({ cols, rows: 40 });
    bench.clock.advance(100);
    expect(wishes()).toEqual([{ kind: 'resize', cols: 200, rows: 40 }]);
  });

  it('that was wished for while the terminal was being opened is told', () => {
    const terminal = link(null);
    void terminal.connect();
    terminal.wish({ cols: 200, rows: 50 });
    bench.clock.advance(100);
    bench.runner.link.send('head', 1, 0, head(0));
    expect(wishes()).toEqual([{ kind: 'resize', cols: 200, rows: 50 }]);
  });

  it('is wished for by opening and joining, so that nothing more need be said', async () => {
    const terminal = joined();
    terminal.wish({ cols: 200, rows: 50 });
    await rejoined(terminal, head(0));
    bench.clock.advance(100);
    expect(bench.runner.link.opened('pty.attach')[0]?.request).toMatchObject({ cols: 200, rows: 50 });
    expect(wishes()).toEqual([]);
  });
});

describe('P2: a page that does not drive', () => {
  const typed = () => bench.runner.link.of(1, 'data').length;

  it('sends neither keys nor wishes, and wishes when it drives', () => {
    const terminal = joined();
    terminal.mayType = false;
    expect(terminal.input('x')).toBe(false);
    terminal.wish({ cols: 200, rows: 50 });
    bench.clock.advance(100);
    expect([typed(), bench.runner.link.of(1, 'message').length]).toEqual([0, 0]);
    terminal.mayType = true;
    expect(bench.runner.link.of(1, 'message')).toHaveLength(1);
    expect(terminal.input('x')).toBe(true);
  });

  it('gives up what was typed while it was away, when somebody else drives by then', async () => {
    const terminal = joined();
    bench.runner.link.cut();
    terminal.input('rm x\n');
    await bench.redial();
    await bench.runner.link.greet();
    terminal.mayType = false;
    void terminal.connect();
    bench.runner.link.send('head', 1, 0, head(0));
    expect([typed(), pending]).toEqual([0, 0]);
  });

  it('goes on watching when the runner refuses a key that crossed the change', () => {
    const terminal = joined();
    terminal.input('x');
    bench.runner.link.send('reset', 1, 0, { code: 'refused', message: 'Ines drives' });
    bench.runner.link.send('head', 3, 0, head(0));
    expect(bench.runner.link.opened('pty.attach')).toHaveLength(2);
    expect(bench.runner.link.of(3, 'data')).toEqual([]);
    expect(told).not.toContain('refused');
  });

  it('T1: counts on behind what went out before', () => {
    const terminal = joined();
    terminal.input('abc');
    terminal.mayType = false;
    terminal.mayType = true;
    terminal.input('d');
    expect(bench.runner.link.of(1, 'data').map(({ offset }) => offset)).toEqual([0, 3]);
  });
});
