import { setTimeout as sleep } from 'node:timers/promises';
import { type Options, timed, until } from '../measure.ts';
import { Network } from '../../support/network.ts';
import { runs } from '../processes.ts';
import { Shell } from '../shell.ts';
import type { System } from '../system.ts';
import type { Add, Measure } from '../turns.ts';

const TYPE_EVERY = 50;
const LAST_WORD = 'STOP';
const SAY_AGAIN = 2000;

/**
 * Prints about 1,000 numbered lines a second and writes each line that is typed into a file, until it is told to stop.
 * bash reads a terminal byte by byte, so its time may be up in the middle of a line: that part belongs to the next one.
 */
const PROGRAM = [
  'stty -echo; : > typed.txt; n=0; part=',
  "while :; do printf 'N%d\\n' $((n)) $((n+1)) $((n+2)) $((n+3)) $((n+4)) $((n+5)) $((n+6)) $((n+7)) $((n+8)) $((n+9)); n=$((n+10))",
  'if read -r -t 0.01 line; then line=$part$line; part=; else part=$part$line; continue; fi',
  `[ "$line" = ${LAST_WORD} ] && break; echo "$line" >> typed.txt; done`,
  "stty echo; echo TOTAL''=$n=",
].join('; ');

/** Twenty resets of every TCP connection between page and server. */
export const resets: Measure = {
  name: 'TCP resets',
  rounds: () => 1,
  run: async (system, add, options) => {
    const network = await Network.before(system.port);
    try {
      await cutOnce(system, network, add);
      if (!system.reconnects) return;
      const cut = async () => {
        network.cut();
        await sleep(200 + Math.random() * 250);
        network.mend();
      };
      await countLines(system, add, 'TCP resets', { cut, times: options.quick ? 2 : 20, via: network.port });
    } finally {
      await network.close();
    }
  },
};

/** Five times kill -9 to the server under the same load; ours is started again by what started it. */
export async function kills(system: System, origin: string, add: Add, { quick }: Options): Promise<void> {
  const cut = async () => {
    const before = system.processes().server;
    for (const pid of before) process.kill(pid, 'SIGKILL');
    await until('another server serves', async () => {
      const now = system.processes().server;
      return now.length > 0 && now.every((pid) => !before.includes(pid)) && (await serves(origin));
    });
  };
  await countLines(system, add, 'kills of workerd', { cut, times: quick ? 1 : 5 });
}

const serves = (origin: string) =>
  fetch(`${origin}/api/v1/health`).then(
    ({ ok }) => ok,
    () => false,
  );

interface Cuts {
  /** ends when the network is back */
  cut(): Promise<void>;
  times: number;
  via?: number;
}

async function countLines(system: System, add: Add, what: string, { cut, times, via }: Cuts): Promise<void> {
  const shell = await Shell.at(system, via);
  try {
    await shell.settle();
    const take = shell.keep();
    shell.type(`${PROGRAM}\n`);
    await shell.waitFor('the program', () => /N\d+\r\n/.test(shell.tail));
    let typed = 0;
    const typing = setInterval(() => shell.type(`K${typed++}\n`), TYPE_EVERY);
    for (let count = 0; count < times; count++) {
      await sleep(500 + Math.random() * 500);
      await cut();
      add(`${what}: network back to first byte`, 'ms', await firstByte(shell));
    }
    await sleep(500);
    clearInterval(typing);
    const total = await stop(shell);
    tell(
      add,
      `${what}: lines`,
      total,
      [
        ...take()
          .toString()
          .matchAll(/^N(\d+)\r?$/gm),
      ].map(numberOf),
    );
    shell.type("cat typed.txt; echo WH''OLE\n");
    const takeTyped = shell.keep();
    await shell.waitFor('what was typed', () => shell.seen('WHOLE\r\n'));
    tell(
      add,
      `${what}: typed lines`,
      typed,
      [
        ...takeTyped()
          .toString()
          .matchAll(/^K(\d+)\r?$/gm),
      ].map(numberOf),
    );
  } finally {
    await shell.close();
  }
}

const totalIn = (text: string) => {
  const found = /TOTAL=(\d+)=\r\n/.exec(text);
  return found ? numberOf(found) : undefined;
};
const numberOf = (match: RegExpExecArray) => Number(match[1]);

/** Says so until it is heard: the word may be lost in a cut like every other. @returns how many lines were printed */
async function stop(shell: Shell): Promise<number> {
  let total: number | undefined;
  const say = () => shell.type(`${LAST_WORD}\n`);
  const saying = setInterval(say, SAY_AGAIN);
  say();
  try {
    await shell.waitFor('the last line', () => (total ??= totalIn(shell.tail)) !== undefined, 90);
  } finally {
    clearInterval(saying);
  }
  return total ?? 0;
}

async function firstByte(shell: Shell): Promise<number> {
  const before = shell.total;
  const [took] = await timed(() => shell.waitFor('output after the cut', () => shell.total > before, 60));
  return took;
}

function tell(add: Add, what: string, wanted: number, seen: number[]): void {
  const distinct = new Set(seen);
  if ([...distinct].some((number) => number >= wanted)) throw new Error(`${what}: a number came that was never printed`);
  add(`${what}, all`, 'lines', wanted);
  add(`${what} lost`, 'lines', wanted - distinct.size);
  add(`${what} doubled`, 'lines', seen.length - distinct.size);
}

/** Whether a program survives a cut: some end it with the connection. */
async function cutOnce(system: System, network: Network, add: Add): Promise<void> {
  const shell = await Shell.at(system, network.port);
  try {
    await shell.settle();
    shell.type('sleep 1000\n');
    await sleep(500);
    network.cut();
    await sleep(1000);
    network.mend();
    add('TCP reset: program alive after it', 'of 1', runs(system, 'sleep') ? 1 : 0);
  } finally {
    await shell.close();
  }
}
