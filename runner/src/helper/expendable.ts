import { writeFileSync } from 'node:fs';

const SOONER = '300';

/**
 * Out of memory, the kernel ends a program of the workspace before the helper, with which all terminals would go.
 * A program may undo this; it harms its own workspace only.
 */
export function makeExpendable(pid: number | undefined): void {
  try {
    if (pid !== undefined) writeFileSync(`/proc/${pid}/oom_score_adj`, SOONER);
  } catch {
    // it has ended, or this is no Linux
  }
}
