import { readFileSync, readlinkSync } from 'node:fs';
import { processes } from '../chaos/processes.ts';
import type { System } from './system.ts';

/** as Linux counts CPU time for programs, on every machine that Node runs on */
const TICKS_PER_SECOND = 100;

/** Megabytes. PSS shares a page out among those who map it, RSS counts it for each. */
export interface Memory {
  rss: number;
  pss: number;
}

/** The workerd that this process started, whose environment names that folder. */
export function workerdOf(folder: string): number[] {
  return processes()
    .filter(({ parent, pid }) => parent === process.pid && look(() => readlinkSync(`/proc/${pid}/exe`)).endsWith('/workerd'))
    .filter(({ pid }) => look(() => readFileSync(`/proc/${pid}/environ`, 'utf8')).includes(folder))
    .map(({ pid }) => pid);
}

/** Name of a process's program; empty when it has ended. */
export const nameOf = (pid: number): string => look(() => readFileSync(`/proc/${pid}/comm`, 'utf8')).trim();

/** What `roots` started, and what that started; not those that are left out, nor what is below them. */
export function descendants(roots: number[], leftOut: (pid: number) => boolean = () => false): number[] {
  const children = Map.groupBy(processes(), ({ parent }) => parent);
  const below = (pid: number): number[] =>
    (children.get(pid) ?? []).flatMap((child) => (leftOut(child.pid) ? [] : [child.pid, ...below(child.pid)]));
  return roots.flatMap(below);
}

/** Whether a shell of that system runs the program. */
export function runs(system: System, program: string): boolean {
  const { server, runner } = system.processes();
  return descendants([...server, ...runner]).some((pid) => nameOf(pid) === program);
}

/** Of all of them together. */
export function memoryOf(pids: number[]): Memory {
  const rollups = pids.map((pid) => look(() => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')));
  const sum = (field: string) =>
    rollups.reduce((total, text) => total + Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024, 0) / 1e6;
  return { rss: sum('Rss'), pss: sum('Pss') };
}

/** Of all of them together, since they began. */
export function cpuSecondsOf(pids: number[]): number {
  const ticks = (pid: number) => {
    const stat = look(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
    // The name stands in brackets and may hold anything; then come state and ten others, then user and system time.
    const [user, system] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11);
    return Number(user ?? 0) + Number(system ?? 0);
  };
  return pids.reduce((sum, pid) => sum + ticks(pid), 0) / TICKS_PER_SECOND;
}

/** Processes end while we look at them. */
function look(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}
