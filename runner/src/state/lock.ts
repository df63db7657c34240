import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Failure } from '../failure.ts';
import type { StateFolder } from './folder.ts';
import { startOf } from './process-id.ts';

/** Process of the runner that uses the folder; null: none does, though a killed one may have left its lock. */
export const runnerOf = ({ lock }: Pick<StateFolder, 'lock'>): number | null => {
  try {
    const [pid, start] = readFileSync(lock, 'utf8').trim().split(' ');
    return pid !== undefined && start !== undefined && startOf(Number(pid)) === start ? Number(pid) : null;
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
      const holder = runnerOf(folder);
      if (holder !== null) throw new Failure(`Another runner (process ${holder}) already uses ${folder.root}`);
      rmSync(folder.lock, { force: true });
    }
  }
  throw new Failure(`Another runner just took ${folder.root}`);
}
