import type { Change } from '@gatehouse/core/access/config-plan.ts';
import { Fault, NoAnswer, Refused } from './fault.ts';
import type { Operation } from './operations.ts';

export interface Outcome {
  done: Change[];
  /** the steps of the request that failed */
  failed: { changes: Change[]; fault: Fault } | null;
  /** not tried any more */
  left: Change[];
}

/**
 * Takes the steps one request after another and stops at the first that fails, or when it is told to.
 * @param stopped asked before each request
 * @param taken hears the steps that have been taken
 */
export async function takeAll(
  operations: readonly Operation[],
  stopped: () => boolean,
  taken: (changes: readonly Change[]) => void,
): Promise<Outcome> {
  const done: Change[] = [];
  for (const [index, { changes, run }] of operations.entries()) {
    const left = () => operations.slice(index + 1).flatMap((each) => each.changes);
    if (stopped()) return { done, failed: null, left: [...changes, ...left()] };
    try {
      await run();
    } catch (fault) {
      if (!(fault instanceof Fault)) throw fault;
      return { done, failed: { changes, fault }, left: left() };
    }
    done.push(...changes);
    taken(changes);
  }
  return { done, failed: null, left: [] };
}

/** How to go on after a fault. */
export function adviceOn(fault: Fault): string {
  if (fault instanceof NoAnswer)
    return 'Whether that one was done is not known. Apply the file again: it looks first, and goes on where this ended.';
  if (!(fault instanceof Refused)) return 'Apply the file again: it goes on where this ended.';
  switch (fault.code) {
    case 'stale-version':
      return 'Nothing of theirs was overwritten. Apply the file again to see the plan from here.';
    case 'browser-only':
    case 'step-up-required':
      return 'That is done by a person, on its page. Apply the file again afterwards: it goes on where this ended.';
    case 'permission-denied':
      return 'Use a token that may do it and apply the file again: it goes on where this ended.';
    default:
      return 'Put that right and apply the file again: it goes on where this ended.';
  }
}
