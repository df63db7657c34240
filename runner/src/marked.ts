import { existsSync, readFileSync, readdirSync } from 'node:fs';

/** In the environment of every program of a workspace without a process namespace: how its processes are found again. */
export const MARK = 'GATEHOUSE_SANDBOX';

/** Whether a process has that mark; nobody can tell of another user's. */
export const isMarked = (pid: string, value: string): boolean => {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(`${MARK}=${value}`);
  } catch {
    return false;
  }
};

/**
 * Kills the processes that are marked so, also those that left their parents behind, but not the one that asks.
 * @returns whether there were any: they may take a moment to be gone
 */
export function killMarked(value: string): boolean {
  if (!existsSync('/proc')) return false;
  let found = false;
  // Twice, because a process may have been born while the first look was under way.
  for (let round = 0; round < 2; round++) {
    const others = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
    for (const pid of others.filter((name) => isMarked(name, value))) {
      found = true;
      try {
        process.kill(Number(pid), 'SIGKILL');
      } catch {
        // it has ended by itself
      }
    }
  }
  return found;
}
