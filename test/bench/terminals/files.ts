import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Options, timed } from '../measure.ts';
import { Shell } from '../shell.ts';
import type { WorkspaceLine, WorkspaceSystem } from '../system.ts';
import { writeLines } from './bulk.ts';
import { colouredLines } from './content.ts';
import { echo } from './echo.ts';
import { flood, interrupt } from './interrupt.ts';
import type { Add } from '../turns.ts';

const MIB = 1024 * 1024;

/** Echo while a file of 20 MB is read again and again over the same connection. */
export async function typeWhileReading(system: WorkspaceSystem, add: Add, { quick }: Options): Promise<void> {
  const size = quick ? 4 * MIB : 20_000_000;
  const content = colouredLines(size);
  await onOneConnection(system, async (shell, line) => {
    await writeLines(shell, size, 'read.txt');
    shell.raw('cat');
    await shell.begun();
    let typing = true;
    const reading = readAgain(line, content, () => typing);
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
  });
}

async function readAgain(line: WorkspaceLine, content: Buffer, more: () => boolean): Promise<number[]> {
  const rates: number[] = [];
  while (more() || rates.length === 0) {
    const [took, bytes] = await timed(() => line.read('read.txt'));
    if (!bytes.equals(content)) throw new Error(`files.read gave ${bytes.byteLength} bytes for ${content.byteLength}, or other ones`);
    rates.push(content.byteLength / 1e6 / (took / 1000));
  }
  return rates;
}

/** Ctrl-C under `yes`, again and again while a file of 100 MB is written over the same connection. */
export async function interruptWhileWriting(system: WorkspaceSystem, add: Add, { quick, rounds }: Options): Promise<void> {
  const content = randomBytes(quick ? 10_000_000 : 100_000_000);
  const wanted = createHash('sha256').update(content).digest('hex');
  await onOneConnection(system, async (shell, line) => {
    for (let round = quick ? 1 : rounds; round > 0; round--) {
      let writing = true;
      const upload = timed(() => line.write('upload.bin', content)).finally(() => (writing = false));
      // Heard below; until then it may not end the process.
      upload.catch(() => undefined);
      do {
        await flood(shell);
        await interrupt(shell, add, 'Ctrl-C under yes during files.write');
      } while (writing);
      const [took] = await upload;
      add('files.write under yes', 'MB/s', content.byteLength / 1e6 / (took / 1000));
      shell.type('sha256sum upload.bin\n');
      await shell.waitFor('the digest', () => /[0-9a-f]{64} {2}upload.bin\r\nREADY> $/.test(shell.tail));
      if (!shell.seen(wanted)) throw new Error('files.write stored other bytes than were sent');
    }
  });
}

async function onOneConnection(system: WorkspaceSystem, work: (shell: Shell, line: WorkspaceLine) => Promise<void>): Promise<void> {
  const shell = await Shell.at(system);
  try {
    await shell.settle();
    await work(shell, shell.line);
  } finally {
    await shell.close();
  }
}
