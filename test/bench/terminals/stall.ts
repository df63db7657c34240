import { setTimeout as sleep } from 'node:timers/promises';
import { CLOSE_CODES } from '@gatehouse/core/protocol/close.ts';
import { type Options, timed } from '../measure.ts';
import { residentOf } from '../../chaos/processes.ts';
import { runs } from '../processes.ts';
import { Shell } from '../shell.ts';
import type { Line, System } from '../system.ts';
import { flood } from './interrupt.ts';
import type { Add, Measure } from '../turns.ts';

const VIEWERS = 10;
/** Megabytes: what grows without bound is stopped here. */
const ENOUGH = 600;
const PATIENCE = 180;

/** Program that floods, and how the system sees it. `yes` shrinks to nothing under compression, random text does not. */
const FLOODS = { yes: 'yes', base64: 'base64 /dev/urandom' } as const;
type Flood = keyof typeof FLOODS;

/**
 * Everybody stops reading: ours with ten viewers for a minute, the others with their one for 20 s. Memory is looked at
 * each second; then all read again, and Ctrl-C is typed at once.
 */
export const stalls: Measure[] = (['yes', 'base64'] as const).map((program) => ({
  name: `stall under ${program}`,
  rounds: () => 1,
  run: async (system, add, options) => {
    const shell = await Shell.at(system);
    const viewers: Line[] = [];
    try {
      await shell.settle();
      if (shell.line.join) while (viewers.length < VIEWERS - 1) viewers.push(await shell.line.join(() => undefined));
      await flood(shell, FLOODS[program]);
      await stall(system, shell, viewers, program, add, options);
    } finally {
      for (const viewer of viewers) await viewer.close();
      await shell.close();
    }
  },
}));

/** Who stalls honestly stays within what the broker allows. @throws Error when it closed one of them for that */
function tellCloses(lines: Line[], what: string, add: Add): void {
  const closes = lines.flatMap(({ closes }) => closes ?? []);
  if (lines[0]?.closes !== undefined) add(`${what}: connections closed`, 'closes', closes.length);
  if (closes.includes(CLOSE_CODES.slow.code)) throw new Error(`${what}: closed with ${closes.join(', ')}`);
}

async function stall(system: System, shell: Shell, viewers: Line[], program: Flood, add: Add, { quick }: Options): Promise<void> {
  const what = `stalled under ${program}`;
  const all = [shell, ...viewers];
  const before = residents(system);
  for (const viewer of all) viewer.pause();
  const peak = await watch(system, before, quick ? (viewers.length > 0 ? 5 : 3) : viewers.length > 0 ? 60 : 20);
  add(`${what}: server RSS growth, peak`, 'MB', peak.server - before.server);
  if (before.runner > 0) add(`${what}: runner RSS growth, peak`, 'MB', peak.runner - before.runner);
  const alive = runs(system, program);
  add(`${what}: program alive`, 'of 1', alive ? 1 : 0);
  for (const viewer of all) viewer.resume();
  if (!alive) return tellCloses([shell.line, ...viewers], what, add);
  const [took] = await timed(() => {
    shell.type('\x03');
    return shell.prompt(PATIENCE);
  });
  add(`${what}: reading again to prompt`, 'ms', took);
  tellCloses([shell.line, ...viewers], what, add);
}

const residents = (system: System) => {
  const { server, runner } = system.processes();
  return { server: residentOf(server), runner: residentOf(runner) };
};

async function watch(system: System, before: ReturnType<typeof residents>, seconds: number): Promise<typeof before> {
  const peak = { ...before };
  for (let second = 0; second < seconds && peak.server - before.server < ENOUGH; second++) {
    await sleep(1000);
    const now = residents(system);
    peak.server = Math.max(peak.server, now.server);
    peak.runner = Math.max(peak.runner, now.runner);
  }
  return peak;
}
