import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Failure } from '../failure.ts';
import type { StateFolder } from './folder.ts';

/**
 * Start time of a process in clock ticks, so that a reused pid is not taken for the old runner; null: no such process,
 * or one that has ended and whose parent has not noticed (in a container perhaps never).
 */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const facts = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return facts[0] === 'Z' || facts[0] === 'X' ? null : (facts[19] ?? null);
  } catch {
    return null;
  }
}

const heldBy = (path: string): { pid: number; start: string } | null => {
  try {
    const [pid, start] = readFileSync(path, 'utf8').trim().split(' ');
    return pid !== undefined && start !== undefined && startOf(Number(pid)) === start ? { pid: Number(pid), start } : null;
  } catch {
    return null;
  }
};

/**
 * Two runners on one folder would fight over the same workspaces. A lock of a killed runner does not count.
 * @returns release
 * @throws Failure with the pid of the other runner
 */
export function lockState(folder: StateFolder): () => void {
  const mine = `${process.pid} ${startOf(process.pid) ?? ''}`;
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(folder.lock, `${mine}\n`, { flag: 'wx', mode: 0o600 });
      return () => rmSync(folder.lock, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const holder = heldBy(folder.lock);
      if (holder !== null) throw new Failure(`Another runner (process ${holder.pid}) already uses ${folder.root}`);
      rmSync(folder.lock, { force: true });
    }
  }
  throw new Failure(`Another runner just took ${folder.root}`);
}
