import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import type { Usage } from '../sandbox/driver.ts';

/** Linux counts processor time for programs in hundredths of a second on every machine that Node runs on. */
export const TICK_MS = 10;

/** Numbers of the processes that belong. */
export const processesOf = (belongs: (pid: string) => boolean): string[] =>
  readdirSync('/proc').filter((name) => /^\d+$/.test(name) && belongs(name));

/** The fields of `/proc/<pid>/stat` behind the name of the program, the first is its state. @throws Error when it has ended */
export function statOf(pid: string): number[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
}

/** The processes that share their process namespace with `pid`. */
export function inNamespaceOf(pid: number): (other: string) => boolean {
  const namespace = (of: string | number): string | null => {
    try {
      return readlinkSync(`/proc/${of}/ns/pid`);
    } catch {
      return null;
    }
  };
  const wanted = namespace(pid);
  return (other) => wanted !== null && namespace(other) === wanted;
}

/** Counts by hand, where there are no cgroups to ask. Processor time of what has ended counts once its parent has noticed. */
export function measureProcesses(belongs: (pid: string) => boolean): Pick<Usage, 'cpuMs' | 'memoryBytes' | 'processes'> {
  let [ticks, kib, processes] = [0, 0, 0];
  for (const pid of processesOf(belongs)) {
    try {
      const facts = statOf(pid);
      const memory = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
      for (const at of [11, 12, 13, 14]) ticks += facts[at] ?? 0;
      processes += facts[17] ?? 0;
      kib += Number(memory?.[1] ?? 0);
    } catch {
      // it has just ended
    }
  }
  return { cpuMs: ticks * TICK_MS, memoryBytes: kib * 1024, processes };
}
