import { lasted } from '../terminals/command-words.ts';
import type { TaskRun } from './tasks.svelte.ts';

export type TaskState = 'running' | 'fine' | 'failed' | 'ended';

/** How a task stands, in a word and for people. */
export function stateOf({ exit, took, terminal }: Pick<TaskRun, 'exit' | 'took'> & { terminal: { lost: string | null } }): {
  kind: TaskState;
  word: string;
} {
  const after = took === null ? '' : ` after ${lasted(took)}`;
  if (terminal.lost !== null) return { kind: 'ended', word: 'Gone' };
  if (exit === null) return { kind: 'running', word: 'Running' };
  if (exit.code === 0) return { kind: 'fine', word: `Finished${after}` };
  if (exit.code === null) return { kind: 'ended', word: `Ended${after}` };
  return { kind: 'failed', word: `Failed with ${exit.code}${after}` };
}
