import { statfsSync } from 'node:fs';
import type { Failure } from '@gatehouse/core/protocol/workspace-phases.ts';
import { PolicyRefused } from '../link/policy.ts';

/** A start that did not work out, or a sandbox that was lost, in words for the person whose workspace it is. */
export class StartFailure extends Error {
  readonly reason: Failure;
  /** null: no program failed, or it was ended by a signal */
  readonly exitCode: number | null;

  constructor(reason: Failure, message: string, exitCode: number | null = null, cause?: unknown) {
    super(message, { cause });
    this.name = 'StartFailure';
    this.reason = reason;
    this.exitCode = exitCode;
  }
}

/** With less than that, nothing can be written that is worth it. */
const LEAST_FREE = 1024 * 1024;

function isFull(folder: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize < LEAST_FREE;
  } catch {
    return false;
  }
}

const codeOf = (error: unknown): string | null => (error instanceof Error && 'code' in error ? String(error.code) : null);

/** What went wrong, for programs. Where the machine's disk is full, that is it, whatever else was seen of it. */
export function reasonOf(error: unknown, folder: string): Failure {
  if (['ENOSPC', 'EDQUOT'].includes(codeOf(error) ?? '') || isFull(folder)) return 'machine-full';
  if (error instanceof PolicyRefused) return 'policy-refused';
  return error instanceof StartFailure ? error.reason : 'failed';
}
