import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** Stands in the environment of workerd: `<pid> <start time> <state folder>` of the process that started it. */
const MARK = 'GATEHOUSE_STARTED_BY';

/**
 * Two servers on one state folder would write over each other. And when `npm start` alone is killed, its workerd
 * lives on, with the port and the state: such a leftover is ended here. Where there is no /proc nothing is looked for.
 * @returns the environment by which workerd is known as ours
 * @throws Error naming the process that uses the folder
 */
export async function claimState(stateDir: string): Promise<Record<string, string>> {
  for (const { pid, starter } of serversOn(stateDir)) {
    if (startOf(starter.pid) === starter.start)
      throw new Error(`The state in ${stateDir} is in use by process ${starter.pid}. Stop that, or choose another: STATE_DIR=… npm start`);
    await end(pid);
  }
  return { [MARK]: `${process.pid} ${startOf(process.pid) ?? ''} ${stateDir}` };
}

interface Marked {
  pid: number;
  starter: { pid: number; start: string };
}

function serversOn(stateDir: string): Marked[] {
  return list('/proc').flatMap((name) => {
    const mark = /^\d+$/.test(name) ? read(`/proc/${name}/environ`).split('\0') : [];
    const [, pid, start, folder] =
      new RegExp(`^${MARK}=(\\d+) (\\d+) (.*)$`).exec(mark.find((each) => each.startsWith(`${MARK}=`)) ?? '') ?? [];
    return folder === stateDir ? [{ pid: Number(name), starter: { pid: Number(pid), start: start ?? '' } }] : [];
  });
}

/** What the system tells of a process, from its state on; empty: there is none. */
const factsOf = (pid: number): string[] => {
  const stat = read(`/proc/${pid}/stat`);
  return stat === '' ? [] : stat.slice(stat.lastIndexOf(')') + 2).split(' ');
};
const isOver = (state: string | undefined): boolean => state === undefined || state === 'Z' || state === 'X';

/** Start time of a process in clock ticks, so that a reused pid is not taken for it; null: it has ended. */
function startOf(pid: number): string | null {
  const facts = factsOf(pid);
  return isOver(facts[0]) ? null : (facts[19] ?? null);
}

/** Ended with its last thread: until then the port and the files of a killed process are still taken. */
function hasLetGo(pid: number): boolean {
  const facts = factsOf(pid);
  return isOver(facts[0]) && Number(facts[17] ?? 0) <= 1;
}

async function end(pid: number): Promise<void> {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
  while (!hasLetGo(pid)) await setTimeout(10);
}

/** Processes end while we look at them, and others' are not shown to us. */
function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
