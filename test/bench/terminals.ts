import { setTimeout as sleep } from 'node:timers/promises';
import { colouredLines, writeColouredLines } from './content.ts';
import { gatehouse } from './gatehouse.ts';
import { type Options, type Row, shuffled, timed } from './measure.ts';
import type { Product } from './product.ts';
import { relay } from './relay.ts';
import { Shell, type System } from './shell.ts';
import { ttyd } from './ttyd.ts';
import type { WorkspaceClient } from './workspace-client.ts';

const MIB = 1024 * 1024;

type Add = (what: string, unit: Row['unit'], ...samples: number[]) => void;
type Measure = (shell: Shell, add: Add, options: Options) => Promise<void>;

/** Shells over the wire: ours beside its peers, in shuffled turns, so that a busy minute hurts all alike. */
export async function measureTerminals(product: Product, options: Options): Promise<Row[]> {
  const peer = await ttyd();
  if (!peer)
    process.stdout.write('\n  ttyd IS NOT INSTALLED (apt-get install ttyd, or TTYD=path): no figures of it, and no ratios to it.\n\n');
  const systems = [gatehouse(product), await relay(), ...(peer ? [peer] : [])];
  const rows = new Map<string, Row>();
  try {
    for (const [measure, rounds] of turns(options)) {
      for (let round = 0; round < rounds; round++) {
        for (const system of shuffled(systems)) await takeTurn(rows, system, measure, options);
      }
    }
  } finally {
    for (const system of systems) await system.stop();
  }
  await typeWhileReading(product, collect(rows, 'gatehouse'), options);
  const order = [...new Set([...rows.values()].map(({ what }) => what))];
  return [...rows.values()].sort((a, b) => order.indexOf(a.what) - order.indexOf(b.what));
}

const turns = ({ rounds, quick }: Options): Array<[Measure, number]> => [
  [typeSlowly, quick ? 1 : 3],
  [catFile, quick ? 1 : rounds],
  [interruptFlood, quick ? 1 : rounds],
  [interruptAfterPause, quick ? 1 : rounds],
];

const collect =
  (rows: Map<string, Row>, system: string): Add =>
  (what, unit, ...samples) => {
    const key = `${what} ${system}`;
    const row = rows.get(key) ?? { bench: 'terminals', what, system, unit, samples: [] };
    row.samples.push(...samples);
    rows.set(key, row);
  };

async function takeTurn(rows: Map<string, Row>, system: System, measure: Measure, options: Options): Promise<void> {
  const add = collect(rows, system.name);
  const [opening, shell] = await timed(() => Shell.at(system));
  try {
    // The relay starts a Node for each shell, which says nothing about the way.
    if (system.name !== 'relay') add('first prompt', 'ms', opening);
    await shell.settle();
    await measure(shell, add, options);
  } catch (error) {
    throw new Error(`${system.name}, ${measure.name}: ${String(error)}`, { cause: error });
  } finally {
    await shell.close();
  }
}

/** One byte into a raw `cat`, and back. */
async function typeSlowly(shell: Shell, add: Add, { quick }: Options): Promise<void> {
  shell.raw('cat');
  await shell.begun();
  for (let count = quick ? 30 : 120; count > 0; count--) {
    await sleep(20 + Math.random() * 60);
    add('keystroke echo', 'ms', await echo(shell));
  }
}

/** @throws Error when what comes back is not the one byte that was typed */
async function echo(shell: Shell): Promise<number> {
  const [byte, before] = [String.fromCharCode(97 + Math.floor(Math.random() * 26)), shell.total];
  const [took] = await timed(() => {
    shell.type(byte);
    return shell.waitFor('the echo', () => shell.total > before, 10);
  });
  if (shell.total !== before + 1 || shell.newest !== byte) throw new Error(`Typed ${byte}, got ${shell.total - before} bytes`);
  return took;
}

/** Coloured lines through `cat`; every byte is compared. */
async function catFile(shell: Shell, add: Add, { quick }: Options): Promise<void> {
  const size = quick ? 4 * MIB : 50 * MIB;
  const content = colouredLines(size);
  shell.type(`${writeColouredLines(size, 'bulk.txt')}\n`);
  // The line is long and wraps, so the prompt before it is not the one that is waited for.
  shell.type("echo WRIT''TEN\n");
  await shell.waitFor('the file', () => shell.seen('WRITTEN\r\nREADY> '), 60);
  const take = shell.keep();
  const [took] = await timed(() => {
    shell.raw("cat bulk.txt; printf 'E''ND'");
    return shell.waitFor('the end of the file', () => shell.seen('END'), 120);
  });
  const output = take();
  const begin = output.indexOf('GO\n') + 3;
  const end = begin + content.byteLength;
  if (!output.subarray(begin, end).equals(content) || output.subarray(end, end + 3).toString() !== 'END') {
    throw new Error(`The file came out changed: ${output.byteLength} bytes of output for ${content.byteLength} of content`);
  }
  add('bulk output through cat', 'MB/s', content.byteLength / 1e6 / (took / 1000));
}

async function interruptFlood(shell: Shell, add: Add): Promise<void> {
  await flood(shell);
  await interrupt(shell, add, 'Ctrl-C under yes');
}

async function interruptAfterPause(shell: Shell, add: Add): Promise<void> {
  await flood(shell);
  shell.pause();
  await sleep(2000);
  shell.resume();
  await interrupt(shell, add, 'Ctrl-C after a 2 s pause');
}

async function flood(shell: Shell): Promise<void> {
  const before = shell.total;
  shell.type('yes\n');
  await shell.waitFor('the flood', () => shell.total > before + MIB);
}

async function interrupt(shell: Shell, add: Add, what: string): Promise<void> {
  const before = shell.total;
  const [took] = await timed(() => {
    shell.type('\x03');
    return shell.prompt(60);
  });
  add(what, 'ms', took);
  add(`${what}: output behind it`, 'MB', (shell.total - before) / 1e6);
}

/** Echo while a file of 20 MB is read again and again over the same connection. */
async function typeWhileReading(product: Product, add: Add, { quick }: Options): Promise<void> {
  const size = quick ? 4 * MIB : 20_000_000;
  const content = colouredLines(size);
  let client: WorkspaceClient | undefined;
  const shell = await Shell.at(gatehouse(product, (each) => (client = each)));
  try {
    await shell.settle();
    shell.type(`${writeColouredLines(size, 'read.txt')}; echo WRIT''TEN\n`);
    await shell.waitFor('the file', () => shell.seen('WRITTEN\r\nREADY> '), 60);
    shell.raw('cat');
    await shell.begun();
    let typing = true;
    const reading = readAgain(
      () => client?.read('read.txt'),
      content,
      () => typing,
    );
    // Heard below; until then it may not end the process.
    reading.catch(() => undefined);
    try {
      for (let count = quick ? 30 : 300; count > 0; count--) {
        await sleep(20 + Math.random() * 60);
        add('keystroke echo during files.read', 'ms', await echo(shell));
      }
    } finally {
      typing = false;
    }
    add('files.read while typing', 'MB/s', ...(await reading));
  } finally {
    await shell.close();
  }
}

async function readAgain(read: () => Promise<Buffer> | undefined, content: Buffer, more: () => boolean): Promise<number[]> {
  const rates: number[] = [];
  while (more() || rates.length === 0) {
    const [took, bytes] = await timed(async () => read());
    if (!bytes?.equals(content)) throw new Error(`files.read gave ${bytes?.byteLength} bytes for ${content.byteLength}, or other ones`);
    rates.push(content.byteLength / 1e6 / (took / 1000));
  }
  return rates;
}
