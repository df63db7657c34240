import type { WorkspaceOrder } from '@gatehouse/core/protocol/runner-control.ts';

/** What is so: the generation that runs, and the last end of a story that was reported. */
export interface Actual {
  running: number | null;
  settled: { generation: number; phase: 'running' | 'stopped' | 'failed' | 'deleted' } | null;
}

/** `halt` stops without a word: nobody asked about this workspace, or it is about to start anew. */
export type Step = 'start' | 'stop' | 'halt' | 'delete' | 'none';

/**
 * The next step from what is so to what is wanted. Level-triggered: it does not matter which orders came before,
 * nor how often one is repeated. `null`: the tenant does not list this workspace.
 */
export function nextStep(wanted: Pick<WorkspaceOrder, 'desired' | 'generation'> | null, actual: Actual): Step {
  const { running, settled } = actual;
  if (wanted === null) return running === null ? 'none' : 'halt';
  const isSettled = (phase: string) => settled?.phase === phase && settled.generation === wanted.generation;
  switch (wanted.desired) {
    case 'deleted':
      return isSettled('deleted') ? 'none' : 'delete';
    case 'stopped':
      // What failed before it was at rest, a restore, is tried again when the tenant asks again.
      return running === null && (isSettled('stopped') || isSettled('failed')) ? 'none' : 'stop';
    case 'running':
      if (running === wanted.generation) return 'none';
      if (running !== null) return 'halt';
      // A failed start is tried again when the tenant asks again, which makes a new generation.
      return isSettled('failed') ? 'none' : 'start';
  }
}
