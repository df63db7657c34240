import { setTimeout as sleep } from 'node:timers/promises';
import { timed } from '../measure.ts';
import { Shell } from '../shell.ts';
import type { Add, Measure } from '../turns.ts';

const MIB = 1024 * 1024;

/** Ctrl-C under `yes`, at full speed and when the client has read nothing for two seconds. */
export const interrupts: Measure = {
  name: 'Ctrl-C',
  rounds: ({ quick, rounds }) => (quick ? 1 : rounds),
  run: async (system, add, { quick }) => {
    const shell = await Shell.at(system);
    try {
      await shell.settle();
      for (let count = quick ? 2 : 6; count > 0; count--) {
        await flood(shell);
        await interrupt(shell, add, 'Ctrl-C under yes');
      }
      for (let count = quick ? 1 : 2; count > 0; count--) {
        await flood(shell);
        shell.pause();
        await sleep(2000);
        shell.resume();
        await interrupt(shell, add, 'Ctrl-C after a 2 s pause');
      }
    } finally {
      await shell.close();
    }
  },
};

export async function flood(shell: Shell, program = 'yes'): Promise<void> {
  const before = shell.total;
  shell.type(`${program}\n`);
  await shell.waitFor('the flood', () => shell.total > before + MIB);
}

export async function interrupt(shell: Shell, add: Add, what: string): Promise<void> {
  const before = shell.total;
  const [took] = await timed(() => {
    shell.type('\x03');
    return shell.prompt(60);
  });
  add(what, 'ms', took);
  add(`${what}: output behind it`, 'MB', (shell.total - before) / 1e6);
}
