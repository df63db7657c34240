import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** Names one process for good: its number is given to others once it has ended, and all begin anew with the machine. */
export const processId = z.object({
  pid: z.number().int().min(2),
  /** clock ticks since the machine's start */
  start: z.string(),
  boot: z.string(),
});
export type ProcessId = z.infer<typeof processId>;

/** Names this run of the machine. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * Start time of a process in clock ticks; null: no such process, or one that has ended and whose parent has not
 * noticed (in a container perhaps never).
 */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const facts = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return facts[0] === 'Z' || facts[0] === 'X' ? null : (facts[19] ?? null);
  } catch {
    return null;
  }
}

/** @returns null when it has ended */
export function identify(pid: number): ProcessId | null {
  const start = startOf(pid);
  return start === null ? null : { pid, start, boot: bootId() };
}

export const isAlive = ({ pid, start, boot }: ProcessId): boolean => boot === bootId() && startOf(pid) === start;

/** Sends a signal to that process, and to no other that has its number now. */
export function signal(id: ProcessId, name: NodeJS.Signals): void {
  try {
    if (isAlive(id)) process.kill(id.pid, name);
  } catch {
    // it has just ended by itself
  }
}
