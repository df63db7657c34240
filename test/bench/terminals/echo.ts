import { setTimeout as sleep } from 'node:timers/promises';
import { timed } from '../measure.ts';
import { type Distance, Network } from '../../support/network.ts';
import { Shell } from '../shell.ts';
import type { System } from '../system.ts';
import type { Add, Measure } from '../turns.ts';

/** 100 ms round trip and 1 % loss, each way. */
const FAR: Distance = { delay: 50, loss: 0.01 };
const AWAY = ' at 100 ms and 1 % loss';

/** One byte into a raw `cat`, and back. */
export const echoNear: Measure = {
  name: 'echo',
  rounds: ({ quick }) => (quick ? 1 : 3),
  run: async (system, add, { quick }) => {
    await open(system, add, '');
    await typeSlowly(system, add, 'keystroke echo', quick ? 30 : 200);
  },
};

/** The same through a network that is far; the runner stays near its server. */
export const echoFar: Measure = {
  name: 'echo at a distance',
  rounds: ({ quick }) => (quick ? 1 : 3),
  run: async (system, add, { quick }) => {
    const network = await Network.before(system.port, FAR);
    try {
      for (let count = quick ? 1 : 5; count > 0; count--) await open(system, add, AWAY, network.port);
      await typeSlowly(system, add, `keystroke echo${AWAY}`, quick ? 10 : 60, network.port);
    } finally {
      await network.close();
    }
  },
};

async function open(system: System, add: Add, where: string, via?: number): Promise<void> {
  const [took, shell] = await timed(() => Shell.at(system, via));
  await shell.close();
  // The relay starts a Node for each shell, which says nothing about the way.
  if (system.name !== 'relay') add(`first prompt${where}`, 'ms', took);
}

/** Bytes one after the other, with a person's pauses. */
export async function typeSlowly(system: System, add: Add, what: string, count: number, via?: number): Promise<void> {
  const shell = await Shell.at(system, via);
  try {
    shell.raw('cat');
    await shell.begun();
    for (let left = count; left > 0; left--) {
      await sleep(20 + Math.random() * 60);
      add(what, 'ms', await echo(shell));
    }
  } finally {
    await shell.close();
  }
}

/** @throws Error when what comes back is not the one byte that was typed */
export async function echo(shell: Shell): Promise<number> {
  const [byte, before] = [String.fromCharCode(97 + Math.floor(Math.random() * 26)), shell.total];
  const [took] = await timed(() => {
    shell.type(byte);
    return shell.waitFor('the echo', () => shell.total > before, 10);
  });
  if (shell.total !== before + 1 || shell.newest !== byte) throw new Error(`Typed ${byte}, got ${shell.total - before} bytes`);
  return took;
}
