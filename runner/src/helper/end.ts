import { readFileSync } from 'node:fs';
import { killMarked } from '../marked.ts';

/** Whether this process namespace is a sandbox's own: -1 would else be everything that the user runs. */
const isAlone = () => readFileSync('/proc/1/comm', 'utf8') === 'bwrap\n';

/**
 * Kills whatever runs in the workspace, and ends.
 * @param mark value that marks its processes; null: all that can be seen are its own
 */
export function endAll(mark: string | null): never {
  try {
    if (mark !== null) killMarked(mark);
    else if (isAlone()) process.kill(-1, 'SIGKILL');
  } catch {
    // there is nothing else
  }
  process.exit(0);
}
