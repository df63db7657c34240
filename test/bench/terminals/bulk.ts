import { timed } from '../measure.ts';
import { Shell } from '../shell.ts';
import { colouredLines, writeColouredLines } from './content.ts';
import type { Measure } from '../turns.ts';

const MIB = 1024 * 1024;

/** Coloured lines through `cat`; every byte is compared. */
export const bulk: Measure = {
  name: 'bulk',
  rounds: ({ quick, rounds }) => (quick ? 1 : rounds),
  run: async (system, add, { quick }) => {
    const shell = await Shell.at(system);
    try {
      await shell.settle();
      add('bulk output through cat', 'MB/s', await catFile(shell, quick ? 4 * MIB : 50 * MIB));
    } finally {
      await shell.close();
    }
  },
};

/** @throws Error when a byte is missing, foreign or out of its place */
async function catFile(shell: Shell, size: number): Promise<number> {
  const content = colouredLines(size);
  await writeLines(shell, size, 'bulk.txt');
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
  return content.byteLength / 1e6 / (took / 1000);
}

export async function writeLines(shell: Shell, size: number, file: string): Promise<void> {
  shell.type(`${writeColouredLines(size, file)}\n`);
  // The line is long and wraps, so the prompt before it is not the one that is waited for.
  shell.type("echo WRIT''TEN\n");
  await shell.waitFor('the file', () => shell.seen('WRITTEN\r\nREADY> '), 60);
}
